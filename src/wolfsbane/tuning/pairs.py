"""Pairs of trainings under one seed: what each measures, and by how much they differ."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from wolfsbane.experiment.comparison import Finding
from wolfsbane.experiment.intervals import Verdict, deviation, estimate, judge
from wolfsbane.experiment.measures import Epoch, Measure
from wolfsbane.tuning.evidence import Evidence
from wolfsbane.tuning.objective import Objective
from wolfsbane.tuning.shares import LEAST_FOR_VERDICT
from wolfsbane.tuning.trial import Outcome, Purpose


@dataclass(frozen=True)
class Pair:
    """The baseline and the chosen configuration under one seed of the proof."""

    baseline: Outcome
    chosen: Outcome


def pairs_of(evidence: Evidence) -> tuple[Pair, ...]:
    """Return the pairs that are finished, in the order of their seeds."""
    if evidence.decided is None or evidence.decided == evidence.baseline:
        return ()
    baseline = dict(evidence.outcomes(Purpose.PROOF, of=evidence.baseline))
    chosen = dict(evidence.outcomes(Purpose.PROOF, of=evidence.decided))
    both = sorted(baseline.keys() & chosen.keys())
    return tuple(Pair(baseline[seed], chosen[seed]) for seed in both)


def of_objective(evidence: Evidence) -> Measure | None:
    """Return the objective as it is measured on test data; None where it is not."""
    name = evidence.setting.objective.name
    return next((measure for measure in evidence.measures if measure.name == name), None)


def find(evidence: Evidence, first: int) -> tuple[Finding, ...]:
    """Return every measure at both epochs: the baseline's, the chosen one's, and the difference.

    Args:
        evidence: with the proof's trainings.
        first: pairs that were fixed before any was made.
    """
    pairs = pairs_of(evidence)
    if not pairs:
        return ()
    return tuple(
        finding
        for epoch in Epoch
        for measure in evidence.measures
        for finding in _of_measure(evidence, pairs, first or len(pairs), measure, epoch)
    )


def _of_measure(
    evidence: Evidence, pairs: Sequence[Pair], first: int, measure: Measure, epoch: Epoch
) -> tuple[Finding, Finding]:
    objective = evidence.setting.objective
    step = _resolution(evidence, pairs, measure)
    values = [value_of(pair.baseline, measure, objective, epoch) for pair in pairs]
    chosen = [value_of(pair.chosen, measure, objective, epoch) for pair in pairs]
    differences = [after - before for before, after in zip(values, chosen, strict=True)]
    difference = estimate(differences, step, first)
    verdict = judge(difference, measure.higher_is_better)
    count = len(pairs)
    return (
        Finding(
            str(evidence.baseline),
            epoch,
            measure,
            estimate(values, step, first),
            None,
            None,
            num_reached=count,
        ),
        Finding(
            str(evidence.best),
            epoch,
            measure,
            estimate(chosen, step, first),
            difference,
            verdict,
            num_reached=count,
        ),
    )


def objective_finding(evidence: Evidence, findings: Sequence[Finding]) -> Finding | None:
    """Return what was found of the objective in its epoch; None where nothing was."""
    objective = evidence.setting.objective
    return next(
        (
            finding
            for finding in findings
            if finding.difference is not None
            and (finding.measure.name, finding.epoch) == (objective.name, objective.epoch)
        ),
        None,
    )


def verdict_of(evidence: Evidence, findings: Sequence[Finding]) -> Verdict | None:
    """Return what may be said of the objective on test data; None where nothing may.

    A search that ends with the baseline has found no gain, and there is nothing to prove.
    """
    if evidence.decided == evidence.baseline:
        can_tell = evidence.limits.budget >= LEAST_FOR_VERDICT
        return Verdict.NOTHING if can_tell else None
    finding = objective_finding(evidence, findings)
    if finding is None or finding.difference is None or math.isinf(finding.difference.high):
        return None
    return finding.verdict


def spread(evidence: Evidence, pairs: Sequence[Pair], measure: Measure, epoch: Epoch) -> float:
    """Return the standard deviation of a measure's paired difference."""
    objective = evidence.setting.objective
    differences = [
        value_of(pair.chosen, measure, objective, epoch)
        - value_of(pair.baseline, measure, objective, epoch)
        for pair in pairs
    ]
    return deviation(differences, _resolution(evidence, pairs, measure))


def value_of(outcome: Outcome, measure: Measure, objective: Objective, epoch: Epoch) -> float:
    """Return a measure of a training after its last epoch, or at the objective's best."""
    value = measure.of(outcome, outcome.best_epoch(objective) if epoch is Epoch.BEST else -1)
    assert value is not None, f"{measure.name} is not measured"
    return value


def test_size(outcome: Outcome) -> int | None:
    """Return the number of test examples; None where the user's loop measures."""
    return None if outcome.reliability is None else sum(outcome.reliability.count)


def _resolution(evidence: Evidence, pairs: Sequence[Pair], measure: Measure) -> float:
    """Return the step in which a measure can change; 0 where the examples are not counted."""
    examples = test_size(pairs[0].baseline)
    train_size = evidence.setting.train_size
    return measure.resolution(train_size, examples) if examples and train_size else 0.0
