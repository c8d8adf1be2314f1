"""How far running statistics were from those of a data set."""

from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor

from wolfsbane.anatomy.places import path_of
from wolfsbane.stats.layers import Left

MOST_ROWS = 200
"""How many layers are shown; a large model has thousands."""


@dataclass(frozen=True, eq=False, kw_only=True)
class LayerDrift:
    """The running statistics of one batch norm, before and after.

    Args:
        path: where, as in `model.named_modules()`.
        num_channels: C.
        count: how many values each channel's statistics were taken from.
        num_calls: how many inputs they came in.
        eps: the layer's.
        old_mean: before; C values, in float64, on the CPU.
        old_var: before.
        new_mean: after.
        new_var: after: the unbiased variance, as torch keeps it.
    """

    path: str
    num_channels: int
    count: int
    num_calls: int
    eps: float
    old_mean: Tensor
    old_var: Tensor
    new_mean: Tensor
    new_var: Tensor

    @property
    def shift(self) -> Tensor:
        """How far each mean has moved, in standard deviations: |new - old| / sqrt(var + eps)."""
        return (self.new_mean - self.old_mean).abs() / (self.new_var + self.eps).sqrt()

    @property
    def max_shift(self) -> float:
        """The largest shift of a channel."""
        return float(self.shift.max())

    @property
    def mean_shift(self) -> float:
        """The mean shift over the channels."""
        return float(self.shift.mean())

    @property
    def variance_ratio(self) -> tuple[float, float]:
        """The smallest and the largest (new variance + eps) / (old variance + eps) of a channel."""
        ratio = (self.new_var + self.eps) / (self.old_var + self.eps)
        return float(ratio.min()), float(ratio.max())


@dataclass(frozen=True, eq=False, kw_only=True)
class DriftReport:
    """What `recalibrate` has changed and what it has left; `print(report)` shows a table.

    `len(report)` is the number of layers recalibrated.

    Args:
        model: the model's class.
        layers: those recalibrated, in the model's order.
        left: the batch norms left as they were, and why.
        num_batches: how many batches were seen, over all ranks.

    Examples:
        >>> import torch
        >>> from wolfsbane import stats
        >>> model = torch.nn.Sequential(torch.nn.BatchNorm1d(2), torch.nn.BatchNorm1d(2).eval())
        >>> print(stats.recalibrate(model, [torch.tensor([[1.0, 0.0], [5.0, 2.0]])]))
        recalibrated 1 batch norm (Sequential) over 1 batch; the largest shift first
          layer  channels  values  max shift  mean shift  new / old variance
          0      2         2       1.061      0.884       2 to 8
        left as it was:
          1  BatchNorm1d  in evaluation mode
        shift: of a channel's mean, in standard deviations
    """

    model: str
    layers: tuple[LayerDrift, ...]
    left: tuple[Left, ...] = ()
    num_batches: int = 0

    def __len__(self) -> int:
        return len(self.layers)

    @property
    def by_drift(self) -> tuple[LayerDrift, ...]:
        """The layers, the one with the largest shift first."""
        return tuple(sorted(self.layers, key=lambda layer: layer.max_shift, reverse=True))

    def __str__(self) -> str:
        lines = [self._title()]
        if self.layers:
            lines += _table([_HEADER, *(_row(layer) for layer in self.by_drift[:MOST_ROWS])])
        if len(self.layers) > MOST_ROWS:
            lines.append(f"  and {len(self.layers) - MOST_ROWS} more")
        if self.left:
            lines.append("left as it was:")
            lines += _table([(path_of(left.path), left.kind, left.why) for left in self.left])
        if self.layers:
            lines.append("shift: of a channel's mean, in standard deviations")
        return "\n".join(lines)

    __repr__ = __str__

    def _title(self) -> str:
        if self.layers:
            return (
                f"recalibrated {_counted(len(self), 'batch norm')} ({self.model}) over "
                f"{_counted(self.num_batches, 'batch', 'es')}; the largest shift first"
            )
        if self.num_batches:
            return f"nothing recalibrated ({self.model}): no batch norm was called"
        if self.left:
            return (
                f"nothing to recalibrate ({self.model}): no batch norm with running statistics is "
                "in training mode. Call model.train() first"
            )
        return f"nothing to recalibrate ({self.model}): it has no batch norm"


_HEADER = ("layer", "channels", "values", "max shift", "mean shift", "new / old variance")


def _row(layer: LayerDrift) -> tuple[str, ...]:
    least, most = layer.variance_ratio
    return (
        path_of(layer.path),
        str(layer.num_channels),
        str(layer.count),
        f"{layer.max_shift:.3f}",
        f"{layer.mean_shift:.3f}",
        f"{least:.3g} to {most:.3g}",
    )


def _counted(number: int, word: str, ending: str = "s") -> str:
    return f"{number} {word}{ending * (number != 1)}"


def _table(rows: Sequence[tuple[str, ...]]) -> list[str]:
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
    return [
        "  "
        + "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]
