"""What the trainings say of how hard the data is."""

from collections.abc import Iterable, Sequence

import numpy as np

from wolfsbane.experiment.measures import ACCURACY, GAP, NLL, Measure
from wolfsbane.tuning.answer import Complexity, LearningCurvePoint
from wolfsbane.tuning.complexity.plan import NOISE
from wolfsbane.tuning.evidence import Evidence
from wolfsbane.tuning.pairs import of_objective, value_of
from wolfsbane.tuning.space import Configuration
from wolfsbane.tuning.trial import Outcome, Purpose


def read(evidence: Evidence) -> Complexity:
    """Return how hard the data is, as far as the trainings that are finished say it."""
    own_noise = evidence.setting.label_noise
    baseline, chosen = evidence.baseline, evidence.best
    memorised = _memorised(evidence, baseline)
    return Complexity(
        gap=_mean(GAP.of(outcome, -1) for outcome in _whole(evidence, baseline)),
        memorised=memorised,
        memorised_noise=None if memorised is None else own_noise or NOISE,
        memorised_by_error=None if memorised is None else _by_error(evidence, baseline),
        memorised_chosen=None if chosen == baseline else _memorised(evidence, chosen),
        curve=tuple(_curve(evidence)),
    )


def _memorised(evidence: Evidence, configuration: Configuration) -> float | None:
    """Return the share of wrong labels given back, of trainings that had wrong labels."""
    return _mean(outcome.memorised for outcome in _with_noise(evidence, configuration))


def _by_error(evidence: Evidence, configuration: Configuration) -> float | None:
    """Return the share of test examples that the same trainings give one certain wrong class."""
    pool = evidence.setting.pool
    found = _mean(ACCURACY.of(outcome, -1) for outcome in _with_noise(evidence, configuration))
    return None if found is None or pool is None else (1.0 - found) / (len(pool.classes) - 1)


def _with_noise(evidence: Evidence, configuration: Configuration) -> list[Outcome]:
    """Return the trainings that had wrong labels."""
    if evidence.setting.label_noise:
        return _whole(evidence, configuration)
    return [
        trial.outcome
        for trial in evidence.of(Purpose.COMPLEXITY)
        if trial.outcome is not None
        and trial.request.configuration == configuration
        and trial.request.label_noise
    ]


def _mean(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return float(np.mean(known)) if known else None


def _curve(evidence: Evidence) -> Iterable[LearningCurvePoint]:
    """Return the points of the learning curve; the whole training set's are from other phases."""
    made = [
        (trial.request.train_size, trial.request.configuration, trial.outcome)
        for trial in evidence.of(Purpose.COMPLEXITY)
        if trial.outcome is not None and trial.request.train_size is not None
    ]
    sizes = sorted({size for size, _, _ in made})
    for configuration in dict.fromkeys((evidence.baseline, evidence.best)):
        for size in sizes:
            outcomes = [one for n, of, one in made if (n, of) == (size, configuration)]
            yield from _points(evidence, size, configuration, outcomes)
        if sizes:
            whole = _whole(evidence, configuration)
            yield from _points(evidence, evidence.setting.train_size, configuration, whole)


def _whole(evidence: Evidence, configuration: Configuration) -> list[Outcome]:
    """Return the trainings on all training examples: the proof's, whose seeds chose nothing."""
    proof = evidence.outcomes(Purpose.PROOF, of=configuration)
    found = proof or evidence.outcomes(Purpose.SEARCH, of=configuration)
    return [outcome for _, outcome in found]


def _points(
    evidence: Evidence, size: int, configuration: Configuration, outcomes: Sequence[Outcome]
) -> Iterable[LearningCurvePoint]:
    if not outcomes:
        return
    objective = evidence.setting.objective
    for measure in _shown(evidence):
        values = tuple(value_of(one, measure, objective, objective.epoch) for one in outcomes)
        yield LearningCurvePoint(size, configuration, measure.name, values)


def _shown(evidence: Evidence) -> list[Measure]:
    """Return the objective and accuracy and NLL, as far as test data has them."""
    wanted = (of_objective(evidence), ACCURACY, NLL)
    return [one for one in dict.fromkeys(wanted) if one is not None and one in evidence.measures]
