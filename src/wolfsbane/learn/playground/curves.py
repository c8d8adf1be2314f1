"""Charts of a training, and of the sound one beside a broken one."""

from dataclasses import dataclass, field

from wolfsbane.learn.blocks import Chart, Scale, Series
from wolfsbane.learn.experiments.figures import figure
from wolfsbane.learn.playground.building import Scores

DIGITS = 4
"""Decimals of a chart's numbers: more are not seen, and take room in every message."""


LARGE = 10.0
"""A cross-entropy above this flattens all others on a linear axis."""


@dataclass
class Curve:
    """Losses and accuracies of one training, epoch by epoch.

    Attributes:
        name: what its series are called after the data, such as "broken"; empty for a training
            that is alone.
        scores: of each epoch so far.
    """

    name: str
    scores: list[Scores] = field(default_factory=list)

    def series(self, first: int) -> tuple[Series, Series]:
        """Return training and test scores: losses are the 0th of each pair, accuracies the 1st."""
        epochs = tuple(range(1, len(self.scores) + 1))
        train, test = (
            Series(
                f"{data}, {self.name}" if self.name else data,
                epochs,
                tuple(round(each[offset + first], DIGITS) for each in self.scores),
            )
            for data, offset in (("training", 0), ("test", 2))
        )
        return train, test


def charts(curves: list[Curve]) -> tuple[Chart, Chart]:
    """Return the losses and the accuracies of trainings as charts."""
    shown = [curve for curve in curves if curve.scores]
    losses = tuple(series for curve in shown for series in curve.series(0))
    accuracies = tuple(series for curve in shown for series in curve.series(1))
    values = [value for series in losses for value in series.y if value is not None]
    # A logarithm shows what is far apart; of 0 there is none.
    is_wide = max(values) > LARGE and min(values) > 0
    return (
        Chart(
            "Loss after each epoch",
            f"Cross-entropy as the program's evaluate() returns it. {_ends(losses)}",
            "epoch",
            "cross-entropy",
            losses,
            y_scale=Scale.LOG if is_wide else Scale.LINEAR,
            key="loss",
        ),
        Chart(
            "Accuracy after each epoch",
            f"Share of right answers as the program's evaluate() returns it. {_ends(accuracies)}",
            "epoch",
            "accuracy",
            accuracies,
            y_range=(0.0, 1.0),
            key="accuracy",
        ),
    )


def _ends(series: tuple[Series, ...]) -> str:
    last = (f"{each.name} {figure(each.y[-1] or 0.0)}" for each in series)
    return f"After the last epoch shown: {', '.join(last)}."
