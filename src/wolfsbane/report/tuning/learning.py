"""The learning curve over training-set size: does more data help, and dropout less with it?"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from statistics import fmean

from wolfsbane.report.tuning.view import View, amount, label_of
from wolfsbane.report.words import signed
from wolfsbane.tuning.space import Configuration

Curve = Mapping[int, tuple[float, ...]]
"""Values of the seeds at each training-set size, small sizes first."""

_BETTER_WHEN_LOWER = ("nll", "ece", "gap", "loss", "error")


def curves(view: View, metric: str) -> dict[Configuration, Curve]:
    """Return a metric's curve of the baseline and the chosen configuration, where measured."""
    found: dict[Configuration, dict[int, tuple[float, ...]]] = defaultdict(dict)
    points = sorted(view.answer.complexity.curve, key=lambda point: point.train_size)
    for point in points:
        if point.metric == metric and point.values:
            found[point.configuration][point.train_size] = point.values
    return {
        one: found[one]
        for one in dict.fromkeys((view.answer.baseline, view.answer.chosen))
        if one in found
    }


def metrics(view: View) -> list[str]:
    """Return the metrics that have a curve, the objective's first."""
    found = dict.fromkeys(point.metric for point in view.answer.complexity.curve)
    return sorted(found, key=lambda metric: metric != view.setting.objective.name)


def sentences(view: View) -> list[str]:
    """Return what the curve of the first metric says, in words."""
    for metric in metrics(view)[:1]:
        found = curves(view, metric)
        baseline = found.pop(view.answer.baseline, {})
        parts = [_more_data(baseline, view, metric)] if len(baseline) > 1 else []
        for one, curve in found.items():
            shared = [size for size in baseline if size in curve]
            if len(shared) > 1:
                parts.append(
                    _less_dropout(baseline, curve, (shared[0], shared[-1]), (view, one, metric))
                )
        return parts
    return []


def _more_data(curve: Curve, view: View, metric: str) -> str:
    """Say what the last step in size did at the baseline."""
    *_, smaller, larger = curve
    before, after = curve[smaller], curve[larger]
    if not _higher_is_better(view, metric):
        before, after = (tuple(-value for value in values) for values in (before, after))
    says = (
        "more data still helps"
        if min(after) > max(before)
        else "more data does not help"
        if max(after) < min(before)
        else "whether more data would still help does not show"
    )
    change = signed(amount(metric, fmean(curve[larger]) - fmean(curve[smaller])))
    seeds = min(len(before), len(after))
    return (
        f"{view.at_baseline} test {label_of(metric)} changes by {change} from {smaller} to "
        f"{larger} training examples ({seeds} seed{'s' if seeds > 1 else ''}): {says}."
    )


def _higher_is_better(view: View, metric: str) -> bool:
    if metric == view.setting.objective.name:
        return view.setting.objective.higher_is_better
    return not metric.endswith(_BETTER_WHEN_LOWER)


def _less_dropout(
    baseline: Curve, chosen: Curve, sizes: tuple[int, int], what: tuple[View, Configuration, str]
) -> str:
    """Say whether dropout helps less with more data, beyond the seeds' differences."""
    view, configuration, metric = what
    few, many = (_changes(baseline[size], chosen[size]) for size in sizes)
    sign = 1.0 if _higher_is_better(view, metric) else -1.0
    says = _trend([sign * change for change in few], [sign * change for change in many])
    at_few, at_many = (signed(amount(metric, fmean(changes))) for changes in (few, many))
    return (
        f"{configuration} changes it by {at_few} at {sizes[0]} training examples and by {at_many} "
        f"at {sizes[1]}: {says}."
    )


def _trend(few: Sequence[float], many: Sequence[float]) -> str:
    """Return what gains with few and with many examples say, by the seed that says least."""
    if min(few) > 0.0 and min(many) > 0.0:
        if min(few) > max(many):
            return "it helps less with more data"
        return "it helps more with more data" if min(many) > max(few) else "it helps with both"
    if min(many) > 0.0 and max(few) <= 0.0:
        return "it takes more data to help"
    if min(few) > 0.0 and max(many) <= 0.0:
        return "it helps with little data only"
    return "no trend shows"


def _changes(baseline: Sequence[float], chosen: Sequence[float]) -> list[float]:
    """Return differences seed by seed, or of the means where seeds are not the same."""
    if len(baseline) != len(chosen):
        return [fmean(chosen) - fmean(baseline)]
    return [after - before for before, after in zip(baseline, chosen, strict=True)]
