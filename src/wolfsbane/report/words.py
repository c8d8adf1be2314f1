"""Numbers and verdicts in words, the same in the terminal and on the page."""

import math
from collections.abc import Sequence

from wolfsbane.experiment.comparison import Finding, Plan
from wolfsbane.experiment.intervals import CONFIDENCE, Estimate, Verdict
from wolfsbane.experiment.measures import Epoch, Measure
from wolfsbane.experiment.training import Run

EPOCH_NAMES = {
    Epoch.LAST: "after the last epoch",
    Epoch.BEST: "at the epoch with the best validation NLL",
}

PERCENT = 100

NOT_COMPARED = "not compared"

NORMAL_QUANTILE = 1.96
"""Of the normal distribution at 97.5%: half of a 95% interval in standard errors."""


def value(measure: Measure, number: float) -> str:
    """Return a number as people read it: shares in percent, whole epochs with one decimal."""
    if measure.is_share:
        return f"{number * PERCENT:.1f}"
    return f"{number:.1f}" if measure.name == "epochs_to_target" else f"{number:.3f}"


def label(measure: Measure) -> str:
    """Return the measure's label with its unit."""
    return f"{measure.label}, %" if measure.is_share else measure.label


def mean_and_margin(finding: Finding) -> str:
    """Return `mean ± half the interval`, or how many seeds have a value."""
    measure, estimate = finding.measure, finding.estimate
    if estimate is None:
        return f"{finding.num_reached} of {finding.num_reached + finding.num_missing} reach it"
    if estimate.num_seeds == 1:
        return value(measure, estimate.mean)
    return f"{value(measure, estimate.mean)} ± {value(measure, estimate.high - estimate.mean)}"


def difference(measure: Measure, estimate: Estimate | None) -> str:
    """Return `difference [low, high]`."""
    if estimate is None:
        return ""
    signed = _signed(value(measure, estimate.mean))
    if estimate.num_seeds == 1:
        return signed
    low, high = (_signed(value(measure, end)) for end in (estimate.low, estimate.high))
    return f"{signed} [{low}, {high}]"


def verdict_of(finding: Finding) -> str:
    """Return the verdict, and "not compared" where a target was not reached."""
    if finding.verdict is None:
        return NOT_COMPARED if finding.num_missing else ""
    return str(finding.verdict)


def _signed(text: str) -> str:
    if not float(text):
        return text.lstrip("-")
    return text if text.startswith("-") else f"+{text}"


def setting(plan: Plan, runs: Sequence[Run]) -> str:
    """Return one line that says what was compared on what."""
    test_size = sum(runs[0].reliability.count)
    noise = f", {plan.label_noise:.0%} of the training labels wrong" if plan.label_noise else ""
    seeds = len(plan.seeds)
    return (
        f"{plan.pool.name}: {plan.train_size} examples to train on{noise}, {test_size} to test on, "
        f"{seeds} seed{'s' if seeds > 1 else ''}"
    )


def verdict(plan: Plan, runs: Sequence[Run], findings: Sequence[Finding]) -> str:
    """Return what may be said of each variant against the first."""
    title = f"{setting(plan, runs)}. Against {plan.variants[0].name}:"
    return "\n".join([title, *sentences(findings), *notes(plan, runs, findings)])


def sentences(findings: Sequence[Finding]) -> list[str]:
    """Return a sentence for each variant but the first, and each epoch."""
    judged = [finding for finding in findings if finding.verdict is not None]
    names = list(dict.fromkeys(finding.variant for finding in judged))
    return [
        f"{name}, {EPOCH_NAMES[epoch]}: {_sentence(mine)}."
        for name in names
        for epoch in Epoch
        if (mine := [f for f in judged if f.variant == name and f.epoch is epoch])
    ]


def _sentence(findings: Sequence[Finding]) -> str:
    parts = []
    for kind in (Verdict.GAIN, Verdict.HARM):
        named = [
            f"{finding.measure.label} ({difference(finding.measure, finding.difference)}"
            f"{' points' if finding.measure.is_share else ''})"
            for finding in findings
            if finding.verdict is kind
        ]
        if named:
            parts.append(f"{kind} in {_list(named)}")
    rest = [finding.measure.label for finding in findings if finding.verdict is Verdict.NOTHING]
    if rest:
        parts.append(f"{Verdict.NOTHING} in {_list(rest)}")
    return "; ".join(parts)


def _list(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def notes(plan: Plan, runs: Sequence[Run], findings: Sequence[Finding]) -> list[str]:
    """Return what a reader has to know to trust the numbers, and no further."""
    found = []
    if len(runs) < plan.num_trainings:
        found.append(
            f"Interrupted: {len(runs)} of {plan.num_trainings} trainings are finished, and only "
            "seeds that both variants have are compared."
        )
    found.append(_test_set(runs[0]))
    if plan.label_noise:
        found.append(
            "With label noise the gap compares training accuracy on partly wrong labels with test "
            "accuracy on right ones: small is good only where test accuracy is no worse."
        )
    if len(plan.seeds) == 1:
        found.append("One seed has no interval, so no difference is called a gain or a harm.")
    judged = sum(finding.difference is not None for finding in findings)
    if judged and len(plan.seeds) > 1:
        by_chance = judged * (1 - CONFIDENCE) / 2
        found.append(
            f"Intervals are at {CONFIDENCE:.0%} over seeds; of {judged} comparisons about "
            f"{by_chance:.1f} would look like a gain by chance, and as many like a harm."
        )
    found += _unreached(findings)
    found += _unpaired(plan, runs)
    return found


def _test_set(run: Run) -> str:
    size = sum(run.reliability.count)
    accuracy = run.curve[-1].test.accuracy
    margin = NORMAL_QUANTILE * math.sqrt(accuracy * (1 - accuracy) / size)
    return (
        "Intervals cover training examples, weights, order and masks; the test examples are "
        f"given. On {size} of them an accuracy of {accuracy:.0%} is itself known to "
        f"±{margin * PERCENT:.1f} points."
    )


def _unreached(findings: Sequence[Finding]) -> list[str]:
    missed = [finding for finding in findings if finding.num_missing]
    if not missed:
        return []
    names = [
        f"{finding.variant} (missed by {finding.num_missing} of "
        f"{finding.num_missing + finding.num_reached} seeds)"
        for finding in missed
    ]
    return [f"The target is not reached, and not compared, for {_list(names)}."]


def _unpaired(plan: Plan, runs: Sequence[Run]) -> list[str]:
    first = plan.variants[0].name
    weights = {(one.variant, one.seed): one.initial_weights for one in runs}
    names = dict.fromkeys(
        one.variant
        for one in runs
        if weights.get((first, one.seed), one.initial_weights) != one.initial_weights
    )
    return [
        f"{name} starts from other weights than {first} (its layers differ, or it draws them from "
        "another generator than torch's): its differences are less precise."
        for name in names
    ]
