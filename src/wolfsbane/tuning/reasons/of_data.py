"""What the number of examples, or a ceiling, keeps from being seen."""

import math
from collections.abc import Iterator, Sequence

from wolfsbane.experiment.comparison import Finding
from wolfsbane.experiment.data import Pool
from wolfsbane.experiment.intervals import Verdict
from wolfsbane.experiment.measures import ACCURACY, NLL
from wolfsbane.tuning.evidence import Evidence
from wolfsbane.tuning.pairs import objective_finding, pairs_of, test_size
from wolfsbane.tuning.reasons.amounts import difference as amount
from wolfsbane.tuning.setting import Setting
from wolfsbane.tuning.trial import Purpose

SMALL_VALIDATION = 100
"""Examples on which an accuracy of 90% is known to ±6 points (binomial, 95%)."""


def reasons_of_data(evidence: Evidence, findings: Sequence[Finding]) -> Iterator[str]:
    """Yield what more examples, or harder ones, would show."""
    yield from _validation(evidence.setting)
    yield from _test(evidence, findings)
    yield from _ceiling(evidence)


def _validation(setting: Setting) -> Iterator[str]:
    if setting.pool is None:
        return
    size = num_validation(setting.pool, setting.train_size)
    if size < SMALL_VALIDATION:
        yield (
            f"the rate is chosen by {size} validation examples, fewer than {SMALL_VALIDATION}: "
            "train on fewer (train size), or bring more"
        )


def num_validation(pool: Pool, train_size: int) -> int:
    """Return how many examples validate, as `wolfsbane.experiment.data.split` shares them out."""
    rest = len(pool.examples) - train_size
    return rest if pool.test is not None else rest - rest // 2


def _test(evidence: Evidence, findings: Sequence[Finding]) -> Iterator[str]:
    pairs = pairs_of(evidence)
    size = test_size(pairs[0].baseline) if pairs else None
    if size is None:
        return
    of_objective = objective_finding(evidence, findings)
    baselines = {(one.measure.name, one.epoch): one for one in findings if one.difference is None}
    for finding in findings:
        name, difference = finding.measure.name, finding.difference
        if finding.epoch is not evidence.setting.objective.epoch or difference is None:
            continue
        baseline = baselines[name, finding.epoch].estimate
        assert baseline is not None, "a proof's measure has a value under every seed"
        error = standard_error(name, baseline.mean, size)
        matters = abs(difference.mean)
        if finding.verdict is Verdict.NOTHING:
            if finding is not of_objective:
                continue
            matters = max(matters, evidence.precision)
        if error > matters:
            needed = math.ceil(size * (error / matters) ** 2)
            yield (
                f"{size} test examples fix the {finding.measure.label} itself to "
                f"±{amount(name, error)} only (one standard error), more than the "
                f"{amount(name, matters)} in question: other test examples may "
                f"say otherwise; about {needed:,} would do"
            )


def standard_error(name: str, value: float, size: int) -> float:
    """Return by how much other test examples would change a value; 0 where that is unknown.

    Of accuracy it is binomial. Of NLL it takes an example's deviation to be its mean, as it is of
    exponential values; a few confident mistakes make it larger.
    """
    if name == ACCURACY.name:
        return math.sqrt(value * (1 - value) / size)
    return value / math.sqrt(size) if name == NLL.name else 0.0


def _ceiling(evidence: Evidence) -> Iterator[str]:
    outcomes = evidence.outcomes(Purpose.SEARCH, Purpose.PROOF)
    found = {ACCURACY.of(outcome, -1) for _, outcome in outcomes}
    if evidence.is_comparison and len(found) == 1 and None not in found:
        (accuracy,) = found
        yield (
            f"the test accuracy is {accuracy:.1%} in every training: a ceiling, under which no "
            "rate can gain accuracy. Harder or more test examples would tell rates apart"
        )
