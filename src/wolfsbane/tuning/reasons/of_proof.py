"""What the proof's trainings cannot show, or show of one measure and not of the other."""

import math
from collections.abc import Iterator, Sequence

from wolfsbane.experiment.comparison import Finding
from wolfsbane.experiment.intervals import Verdict
from wolfsbane.experiment.measures import ACCURACY, NLL
from wolfsbane.tuning.evidence import Evidence
from wolfsbane.tuning.pairs import objective_finding, of_objective, pairs_of
from wolfsbane.tuning.proof import num_pairs_in_all
from wolfsbane.tuning.reasons.amounts import difference as amount
from wolfsbane.tuning.shares import LEAST_PAIRS


def reasons_of_proof(evidence: Evidence, findings: Sequence[Finding]) -> Iterator[str]:
    """Yield why there is no verdict, or a weak one, or two."""
    yield from _unmeasured(evidence)
    finding = objective_finding(evidence, findings)
    if finding is not None:
        yield from _wide(evidence, finding)
    yield from _disagreement(findings)


def _unmeasured(evidence: Evidence) -> Iterator[str]:
    name = evidence.setting.objective.name
    if evidence.trials and of_objective(evidence) is None:
        yield (
            f"the training loop gives no test_{name}, so no gain can be measured on data that "
            f"chose nothing: let it return test_{name} beside validation_{name}"
        )


def _wide(evidence: Evidence, finding: Finding) -> Iterator[str]:
    difference = finding.difference
    assert difference is not None, "the chosen configuration's finding has a difference"
    pairs = pairs_of(evidence)
    if len(pairs) < 2:  # noqa: PLR2004
        yield (
            "one pair of trainings has no interval, so there is no verdict; a proof takes "
            f"{LEAST_PAIRS} pairs at least"
        )
        return
    is_open = finding.verdict is Verdict.NOTHING or evidence.limits.precision is not None
    margin = difference.high - difference.mean
    if margin <= evidence.precision or not is_open:
        return
    needed = num_pairs_in_all(evidence)
    budget = len(evidence.trials) + 2 * max(1, needed - len(pairs))
    help_ = "" if math.isinf(budget) else f"; a budget of about {budget:,.0f} would do"
    name = finding.measure.name
    yield (
        f"the gain in {finding.measure.label} is known to ±{amount(name, margin)} by {len(pairs)} "
        f"pairs of trainings, less precisely than the ±{amount(name, evidence.precision)} that "
        f"matter{help_}"
    )


def _disagreement(findings: Sequence[Finding]) -> Iterator[str]:
    """Yield where accuracy and NLL contradict each other, whose optima lie apart."""
    verdicts = {(one.measure.name, one.epoch): one for one in findings if one.verdict is not None}
    for (name, epoch), nll in verdicts.items():
        accuracy = verdicts.get((ACCURACY.name, epoch))
        if name != NLL.name or accuracy is None:
            continue
        if {nll.verdict, accuracy.verdict} == {Verdict.GAIN, Verdict.HARM}:
            yield (
                f"after the {epoch} epoch there is a {nll.verdict} in NLL and a "
                f"{accuracy.verdict} in accuracy: their best rates differ. Choose by the one that "
                'you need (objective="nll" or "accuracy")'
            )
