"""The phases of a search: choose, prove, and say how hard the data is; within the budget."""

from collections import Counter
from collections.abc import Callable

from wolfsbane.tuning.answer import Answer
from wolfsbane.tuning.choosing import choose
from wolfsbane.tuning.complexity.plan import plan
from wolfsbane.tuning.complexity.reading import read
from wolfsbane.tuning.engine import Engine
from wolfsbane.tuning.evidence import Evidence
from wolfsbane.tuning.limits import DEFAULT_BUDGET, Limits, default_budget
from wolfsbane.tuning.pairs import find, verdict_of
from wolfsbane.tuning.progress import Progress
from wolfsbane.tuning.proof import num_first_pairs, prove
from wolfsbane.tuning.ranges import ranges
from wolfsbane.tuning.reasons import warnings_of
from wolfsbane.tuning.record import Record
from wolfsbane.tuning.setting import Setting
from wolfsbane.tuning.shares import check_limits
from wolfsbane.tuning.trainings import Trainings
from wolfsbane.tuning.trial import Purpose

__all__ = ["DEFAULT_BUDGET", "Limits", "check_limits", "default_budget", "search"]


def search(
    setting: Setting,
    limits: Limits,
    record: Record,
    engine: Engine,
    on_progress: Callable[[Progress], None],
) -> Answer:
    """Make the trainings that are still to be made, and return what they come to.

    Everything is decided by the record: called again with the same one it goes on where it was.
    Ctrl-C ends it with what is finished; before the first training is, it goes on to the caller.

    Raises:
        ArgumentError: the budget is too small for the learning curve that is asked for.
        ModelError: a training failed.
    """
    check_limits(setting, limits)
    trainings = Trainings(setting, limits, record, engine, on_progress)
    is_finished = True
    try:
        _make_all(trainings, record, limits)
    except BaseException as error:
        trainings.give_up()
        finished = any(trial.outcome is not None for trial in record.trials())
        if not isinstance(error, KeyboardInterrupt) or not finished:
            raise
        is_finished = False
    return answer(trainings.evidence(), is_finished=is_finished)


def _make_all(trainings: Trainings, record: Record, limits: Limits) -> None:
    choose(trainings, record, limits.batch)
    prove(trainings)
    _measure_complexity(trainings)


def _measure_complexity(trainings: Trainings) -> None:
    evidence = trainings.evidence()
    if evidence.shares.complexity:
        trainings.start(Purpose.COMPLEXITY, evidence)
        wanted = plan(evidence.setting, evidence.best, with_curve=evidence.limits.complexity)
        trainings.make_wanted(Purpose.COMPLEXITY, wanted)


def answer(evidence: Evidence, *, is_finished: bool) -> Answer:
    """Return what the trainings that are finished come to."""
    first = num_first_pairs(evidence)
    findings = find(evidence, first)
    rates, band = ranges(evidence)
    made = Counter(trial.request.purpose for trial in evidence.trials if trial.outcome is not None)
    return Answer(
        chosen=evidence.best,
        baseline=evidence.baseline,
        ranges=rates,
        band=band,
        findings=findings,
        verdict=verdict_of(evidence, findings),
        complexity=read(evidence),
        num_trainings={str(purpose): made[purpose] for purpose in Purpose},
        budget=evidence.limits.budget,
        is_finished=is_finished,
        warnings=tuple(warnings_of(evidence, findings, is_finished=is_finished)),
    )
