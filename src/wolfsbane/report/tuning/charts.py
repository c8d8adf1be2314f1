"""A search's charts: curves and reliability before and after, learning curves, cost."""

from collections.abc import Sequence

from wolfsbane.experiment.intervals import estimate
from wolfsbane.report import drawing
from wolfsbane.report.drawing import INK, PANEL, SERIES, Chart, styled
from wolfsbane.report.tuning import learning
from wolfsbane.report.tuning.view import Training, View, label_of, scale_of, unit_of
from wolfsbane.tuning.trial import Purpose

_PARTS = {"train": "training", "validation": "validation", "test": "test"}
"""Of the data, as curves name them and as people do."""

_STRIP = (5.4, 1.15)

PURPOSE_NAMES = {
    Purpose.SEARCH: "search",
    Purpose.PROOF: "proof",
    Purpose.COMPLEXITY: "complexity",
}

PURPOSE_COLOURS = {
    Purpose.SEARCH: SERIES[2],
    Purpose.PROOF: SERIES[3],
    Purpose.COMPLEXITY: SERIES[4],
}


def curve_metrics(view: View) -> list[str]:
    """Return metrics whose curves are shown: NLL, accuracy and the objective, where measured."""
    asked = dict.fromkeys(("nll", "accuracy", view.setting.objective.name))
    return [metric for metric in asked if view.before_after and _parts(view, metric)]


def _parts(view: View, metric: str) -> list[str]:
    """Return two parts of the data, of which every training shown has the metric."""
    trainings = [one for made in view.before_after.values() for one in made]
    found = [
        part
        for part in _PARTS
        if all(f"{part}_{metric}" in one.outcome.curves for one in trainings)
    ]
    return [part for part in found if part != "validation" or "test" not in found]


@styled
def learning_curves(view: View, metric: str) -> list[Chart]:
    """Return a panel each for the baseline and the chosen: a metric over epochs."""
    scale = scale_of(metric)
    label = "NLL (nats)" if metric == "nll" else f"{label_of(metric)}{unit_of(metric)}"
    bands = {
        _name(view, str(configuration)): {
            _PARTS[part]: drawing.band(
                [
                    [value * scale for value in one.outcome.curves[f"{part}_{metric}"]]
                    for one in made
                ]
            )
            for part in _parts(view, metric)
        }
        for configuration, made in view.before_after.items()
    }
    return drawing.curve_panels(bands, label)


def _name(view: View, configuration: str) -> str:
    if view.is_baseline_chosen:
        return configuration
    if configuration == str(view.answer.baseline):
        return f"before: {configuration}"
    return f"after: {configuration}"


@styled
def reliability_diagrams(view: View) -> list[Chart]:
    """Return accuracy against confidence for the baseline and the chosen, where measured."""
    charts = []
    for index, (configuration, made) in enumerate(view.before_after.items()):
        found = [one.outcome.reliability for one in made if one.outcome.reliability]
        if found:
            name = _name(view, str(configuration))
            charts.append(drawing.reliability_diagram(found, name, SERIES[index]))
    return charts


@styled
def size_curves(view: View) -> list[Chart]:
    """Return a panel for each metric: on test data, over the number of training examples."""
    return [_size_curve(view, metric) for metric in learning.metrics(view)]


def _size_curve(view: View, metric: str) -> Chart:
    scale = scale_of(metric)
    figure, axes = drawing.new_figure(PANEL)
    told, sizes = [], set()
    for configuration, curve in learning.curves(view, metric).items():
        index = int(configuration != view.answer.baseline)
        means = [estimate(values).mean * scale for values in curve.values()]
        axes.plot(
            list(curve), means, color=SERIES[index], marker="o", ms=4, label=str(configuration)
        )
        for size, values in curve.items():
            axes.scatter(
                [size] * len(values),
                [value * scale for value in values],
                s=12,
                color=SERIES[index],
                alpha=0.5,
                linewidths=0,
            )
        sizes |= set(curve)
        points = ", ".join(f"{size}: {mean:.3g}" for size, mean in zip(curve, means, strict=True))
        told.append(f"{configuration} {points}")
    axes.set_xscale("log", base=2)
    axes.set_xticks(sorted(sizes), [str(size) for size in sorted(sizes)])
    axes.minorticks_off()
    axes.set(xlabel="training examples", ylabel=f"test {label_of(metric)}{unit_of(metric)}")
    for text in axes.legend(loc="best").get_texts():
        text.set_parse_math(False)
    return drawing.to_chart(
        figure,
        label_of(metric),
        f"Test {label_of(metric)} over the number of training examples: {'; '.join(told)}",
    )


@styled
def cost(view: View) -> Chart:
    """Return the budget as a strip: what its trainings were made for, and what is left."""
    figure, axes = drawing.new_figure(_STRIP)
    axes.grid(visible=False)
    start, told = 0, []
    for purpose, name in PURPOSE_NAMES.items():
        number = view.answer.num_trainings.get(purpose, 0)
        if number:
            axes.barh(0, number, left=start, color=PURPOSE_COLOURS[purpose], height=0.8, label=name)
            told.append(f"{number} {name}")
        start += number
    rest = max(view.answer.budget - start, 0)
    if rest:
        axes.barh(
            0, rest, left=start, facecolor="none", edgecolor=INK, height=0.8, lw=0.8, label="left"
        )
    axes.set(yticks=[], xlim=(0, max(view.answer.budget, start, 1)), xlabel="trainings")
    axes.spines["left"].set_visible(False)
    axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=4)
    return drawing.to_chart(
        figure, "", f"Trainings by purpose: {', '.join(told)}, {rest} of the budget left"
    )


def seconds(trainings: Sequence[Training]) -> float:
    """Return how long trainings took, one after the other."""
    return sum(one.outcome.seconds for one in trainings)
