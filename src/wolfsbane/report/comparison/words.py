"""What may be said of the variants of a comparison."""

import math
from collections.abc import Sequence

from wolfsbane.experiment.comparison import Finding, Plan
from wolfsbane.experiment.intervals import CONFIDENCE
from wolfsbane.experiment.measures import Epoch
from wolfsbane.experiment.training import Run
from wolfsbane.report.words import EPOCH_NAMES, PERCENT, by_verdict, listing

NORMAL_QUANTILE = 1.96
"""Of the normal distribution at 97.5%: half of a 95% interval in standard errors."""


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
        f"{name}, {EPOCH_NAMES[epoch]}: {by_verdict(mine)}."
        for name in names
        for epoch in Epoch
        if (mine := [f for f in judged if f.variant == name and f.epoch is epoch])
    ]


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
    return [f"The target is not reached, and not compared, for {listing(names)}."]


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
