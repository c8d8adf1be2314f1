"""What a search comes to, in sentences: the choice, the gain, the data, the cost, the doubts."""

from collections.abc import Sequence
from itertools import groupby

from wolfsbane.experiment.comparison import Finding
from wolfsbane.experiment.intervals import CONFIDENCE, Verdict
from wolfsbane.report.tuning import learning
from wolfsbane.report.tuning.view import View
from wolfsbane.report.words import PERCENT, difference, listing
from wolfsbane.tuning.answer import RateRange
from wolfsbane.tuning.space import Configuration
from wolfsbane.tuning.trial import Purpose

_WHY_NLL = (
    "Rates are chosen by NLL (negative log-likelihood, less is better) because it is far steadier "
    "between seeds than accuracy, which on clean data hardly changes with the rate."
)
_WHY_NOT_ACCURACY = (
    "On clean data accuracy hardly changes with the rate, and it moves in steps of one example: "
    "NLL, the default, is far steadier between seeds."
)
_WHY = {"nll": _WHY_NLL, "accuracy": _WHY_NOT_ACCURACY}

_PURPOSES = {
    Purpose.SEARCH: "to choose",
    Purpose.PROOF: "to prove",
    Purpose.COMPLEXITY: "for complexity",
}


def verdict(view: View, *, with_differences: bool = True) -> str:
    """Return the answer in a line, then a sentence a line: all that may be said.

    Args:
        view: of the search.
        with_differences: whether what was proved is told, with its numbers.
    """
    proved = proof(view) if with_differences else []
    lines = [choice(view), setting(view), *proved, *complexity(view), cost(view)]
    return "\n".join([*lines, *notes(view), *warnings(view)])


def choice(view: View) -> str:
    """Return the chosen configuration, what is as good, and the verdict."""
    judged = view.answer.verdict
    return _chosen(view) + (f" Verdict: {judged} in {view.label}." if judged else "")


def _chosen(view: View) -> str:
    chosen = baseline(view) if view.is_baseline_chosen else str(view.answer.chosen)
    ranges = view.answer.ranges
    if not ranges:
        return f"{chosen}."
    if len(ranges) == 1:
        is_alone = len(view.answer.chosen.values) == 1
        return f"{chosen}; {_as_good(ranges[0], is_alone=is_alone)} as far as these trainings tell."
    parts = [f"{one.name} {_from_to(one)}" for one in ranges]
    return (
        f"{chosen}; as good as far as these trainings tell, each with the rest as chosen: "
        f"{listing(parts)}."
    )


def baseline(view: View) -> str:
    """Return what the chosen is compared with: no dropout, and the first of all options."""
    return f"{'the baseline' if view.has_options else 'no dropout'} ({view.answer.baseline})"


def _as_good(one: RateRange, *, is_alone: bool) -> str:
    if one.low == one.high:
        return "the rates next to it are worse"
    return f"{'anything' if is_alone else f'any {one.name}'} {_from_to(one)} is as good"


def _from_to(one: RateRange) -> str:
    return f"{one.rate:g} alone" if one.low == one.high else f"from {one.low:g} to {one.high:g}"


def setting(view: View) -> str:
    """Return what the choice was made on, and by what."""
    asked = view.setting
    parts = []
    if asked.train_size:
        noise = f", {asked.label_noise:.0%} of their labels wrong" if asked.label_noise else ""
        parts.append(f"{asked.train_size} examples to train on{noise}")
    parts += [f"{size} to test on" for size in _test_sizes(view)]
    parts.append(f"chosen by validation {view.label} {view.epoch_name(asked.objective.epoch)}")
    return f"{view.data_name}: {', '.join(parts)}."


def _test_sizes(view: View) -> set[int]:
    of_search = [one.outcome.reliability for one in view.of(Purpose.SEARCH)]
    return {sum(found.count) for found in of_search[:1] if found is not None}


def proof(view: View) -> list[str]:
    """Return what is gained on test data, a sentence for each epoch, the objective's first."""
    judged = [finding for finding in view.answer.findings if finding.difference is not None]
    if not judged:
        return [_nothing_proved(view)]
    asked = view.setting.objective.epoch
    judged.sort(key=lambda finding: finding.epoch is not asked)
    sentences: list[str] = []
    for epoch, group in groupby(judged, key=lambda finding: finding.epoch):
        of_epoch = list(group)
        pairs = max(one.difference.num_seeds for one in of_epoch if one.difference)
        start = (
            f"On test data that the choice never saw, against {baseline(view)}, "
            f"{pairs} pair{'s' if pairs > 1 else ''} of trainings, {view.epoch_name(epoch)}"
            if not sentences
            else f"The same {view.epoch_name(epoch)}"
        )
        sentences.append(f"{start}: {_differences(of_epoch)}.")
    return sentences


def _nothing_proved(view: View) -> str:
    if view.is_baseline_chosen and view.answer.ranges:
        than = "the baseline" if view.has_options else "no dropout"
        found = f"by validation data nothing is expected to do better than {than}"
        if view.answer.verdict is None:
            return f"Nothing is proved: so far, {found}."
        return f"There is nothing to prove: {found}."
    return f"Nothing is proved: no pair of trainings measured {view.answer.chosen} on test data."


def _differences(findings: Sequence[Finding]) -> str:
    """Return the verdicts, each with the measures it is said of and their differences."""
    parts = []
    for kind in (Verdict.GAIN, Verdict.HARM, Verdict.NOTHING, None):
        named = [_measured(finding) for finding in findings if finding.verdict is kind]
        if named:
            parts.append(f"{kind or 'not judged'} in {listing(named)}")
    return "; ".join(parts)


def _measured(finding: Finding) -> str:
    unit = " points" if finding.measure.is_share else ""
    return f"{finding.measure.label} {difference(finding.measure, finding.difference)}{unit}"


def complexity(view: View) -> list[str]:
    """Return how hard the data is for this model."""
    found = view.answer.complexity
    sentences: list[str] = []
    if found.gap is not None:
        sentences.append(
            f"{view.at_baseline} the accuracy {_higher(found.gap)} on training data than on test "
            "data."
        )
    if found.memorised is not None:
        sentences.append(_memorised(view, found.memorised))
    return [*sentences, *learning.sentences(view)]


def _higher(gap: float) -> str:
    return f"is {abs(gap) * PERCENT:.1f} points {'lower' if gap < 0.0 else 'higher'}"


def _memorised(view: View, share: float) -> str:
    found = view.answer.complexity
    noise = f" ({found.memorised_noise:.0%} of all labels)" * bool(found.memorised_noise)
    chosen = (
        ""
        if found.memorised_chosen is None
        else f", with {view.answer.chosen} {found.memorised_chosen:.0%}"
    )
    by_error = (
        ""
        if found.memorised_by_error is None
        else f"; errors like those on test data alone give back {found.memorised_by_error:.0%}"
    )
    return (
        f"{view.at_baseline} it gives back {share:.0%} of the wrong labels that it was trained "
        f"with{noise}{chosen}: so much it has memorised{by_error}."
    )


def cost(view: View) -> str:
    """Return what was spent of the budget, and on what."""
    spent = view.answer.num_trainings
    parts = [
        f"{spent[purpose]} {words}" for purpose, words in _PURPOSES.items() if spent.get(purpose)
    ]
    total = sum(spent.values())
    purposes = f": {', '.join(parts)}" if parts else ""
    return f"{total} of {view.answer.budget} trainings{purposes}."


def notes(view: View) -> list[str]:
    """Return what a reader has to know to trust the numbers."""
    found = _highest(view)
    found += [why for name, why in _WHY.items() if name == view.setting.objective.name]
    judged = [one for one in view.answer.findings if one.verdict is not None]
    if judged:
        by_chance = len(judged) * (1 - CONFIDENCE) / 2
        found.append(
            f"Intervals are at {CONFIDENCE:.0%} over pairs of trainings with equal seeds, for "
            f"these test examples; of {len(judged)} comparisons about {by_chance:.1f} would look "
            "like a gain by chance if nothing differed, and as many like a harm."
        )
    gap_is_told = view.answer.complexity.gap is not None
    if view.setting.label_noise and (gap_is_told or _has_gap(judged)):
        found.append(
            "With label noise the gap compares training accuracy on partly wrong labels with test "
            "accuracy on right ones: small is good only where test accuracy is no worse."
        )
    return found


def _has_gap(findings: Sequence[Finding]) -> bool:
    return any(one.measure.name == "gap" for one in findings)


def _highest(view: View) -> list[str]:
    """Say where the best rate may lie beyond what was allowed."""
    dimensions = dict(view.space.dimensions)
    return [
        f"{one.name}={one.rate:g} is the highest rate that was allowed: the best may lie beyond."
        for one in view.answer.ranges
        if one.rate == dimensions[one.name].values[-1]
    ]


def warnings(view: View) -> list[str]:
    """Return why less is said than was asked for, as sentences."""
    return [f"{text[:1].upper()}{text[1:].rstrip('.')}." for text in view.answer.warnings]


def other_dimensions(view: View, name: str) -> Configuration:
    """Return the chosen values of all dimensions but `name`."""
    return Configuration(tuple(pair for pair in view.answer.chosen.values if pair[0] != name))
