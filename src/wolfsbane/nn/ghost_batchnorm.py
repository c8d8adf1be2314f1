"""Ghost batch norm: a large batch normalised in small parts."""

import math
from typing import Any

import torch
from torch import Tensor

from wolfsbane.arguments import explain_unknown_arguments
from wolfsbane.errors import ArgumentError, ArgumentTypeError, ShapeError
from wolfsbane.nn.batchnorm import _EagerBatchNorm


class _GhostBatchNorm(_EagerBatchNorm):
    @explain_unknown_arguments
    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = True,
        track_running_stats: bool = True,
        device: Any = None,
        dtype: Any = None,
        *,
        bias: bool = True,
        ghost_batch_size: int = 32,
    ) -> None:
        _check_ghost_batch_size(ghost_batch_size)
        super().__init__(
            num_features,
            eps,
            momentum,
            affine,
            track_running_stats,
            device=device,
            dtype=dtype,
            bias=bias,
        )
        self.ghost_batch_size = ghost_batch_size

    def _normalise(
        self,
        input: Tensor,
        running_mean: Tensor | None,
        running_var: Tensor | None,
        use_batch: bool,
    ) -> Tensor:
        if not self.training:
            return super()._normalise(input, running_mean, running_var, use_batch)
        outputs: list[Tensor] = []
        for part in input.split(_part_sizes(input.shape, self.ghost_batch_size)):
            # Each part is a batch of its own. The first, or only, one is counted by the caller.
            if outputs and self.track_running_stats and self.num_batches_tracked is not None:
                self.num_batches_tracked.add_(1)
            outputs.append(super()._normalise(part, running_mean, running_var, use_batch))
        return outputs[0] if len(outputs) == 1 else torch.cat(outputs)

    def extra_repr(self) -> str:
        return f"{super().extra_repr()}, ghost_batch_size={self.ghost_batch_size}"


def _part_sizes(shape: torch.Size, size: int) -> list[int]:
    """Return how many samples each part has; one that would have one value joins its neighbour."""
    num_samples, values = shape[0], math.prod(shape[2:])
    if num_samples <= size:
        return [num_samples]
    if size * values == 1:
        raise ShapeError(
            f"Expected more than 1 value per channel when training, got input size {shape} in "
            "ghost batches of 1: one value has no variance. Build the layer with "
            "ghost_batch_size=2 or more"
        )
    sizes = [size] * (num_samples // size)
    rest = num_samples % size
    if rest * values == 1:
        sizes[-1] += 1
    elif rest:
        sizes.append(rest)
    return sizes


def _check_ghost_batch_size(size: object) -> None:
    if isinstance(size, bool) or not isinstance(size, int):
        raise ArgumentTypeError(
            f"ghost_batch_size has to be a positive integer, but got {size!r} (of type "
            f"{type(size).__name__}). It is the number of samples normalised together"
        )
    if size < 1:
        raise ArgumentError(
            f"ghost_batch_size has to be a positive integer, but got {size!r}. It is the number of "
            "samples normalised together; the default is 32"
        )


class GhostBatchNorm1d(_GhostBatchNorm, torch.nn.BatchNorm1d):
    r"""Normalise each feature over small parts of a batch of vectors or sequences.

    $$y = \frac{x - \mu_g}{\sqrt{\sigma_g^2 + \epsilon}} \gamma + \beta
    \quad \text{for } x \text{ in ghost batch } g$$

    In training the batch is cut, in its order, into ghost batches of `ghost_batch_size` samples,
    and each is a batch of its own: the layer does exactly what a `BatchNorm1d` does that is called
    on one after another. So the running statistics move once a ghost batch, as in the paper, after
    K of them to `(1 - m)^K running + m sum_k (1 - m)^(K - k) batch_k` (k = 1 to K, m the momentum,
    the variances unbiased), and `num_batches_tracked` grows by K. A last, smaller part is a ghost
    batch too; one that would have one value per channel joins the one before it. A batch no larger
    than ghost_batch_size is one ghost batch.

    In evaluation the running statistics normalise a batch of any size; without them
    (`track_running_stats=False`) the whole batch's own. The state_dict is a `BatchNorm1d`'s.

    Statistics accumulate in float64; the output keeps the input's dtype and layout. In a compiled
    graph each ghost batch is an operation of its own.

    Args:
        num_features: C, the size of dimension 1.
        eps: added to the variance. Default: 1e-5.
        momentum: weight of the newest ghost batch in the running statistics, in [0, 1]; None takes
            the plain average of all ghost batches. Default: 0.1.
        affine: learn gamma (`weight`) and beta (`bias`). Default: True.
        track_running_stats: keep running statistics. Default: True.
        device: of the parameters and buffers.
        dtype: of the parameters and buffers.
        bias: learn beta, where affine. Default: True.
        ghost_batch_size: samples normalised together, at least 1. Default: 32.

    Shape:
        (N, C) or (N, C, L), to the same shape.

    Raises:
        ArgumentError, ArgumentTypeError: an argument is out of range.
        ShapeError: wrong number of dimensions or features, or one value per channel in training.
        DtypeError: the input's dtype does not go with the parameters'.

    Examples:
        >>> bn = GhostBatchNorm1d(1, ghost_batch_size=2)
        >>> bn(torch.tensor([[1.0], [3.0], [100.0], [300.0]])).flatten()
        tensor([-1.0000,  1.0000, -1.0000,  1.0000], grad_fn=...)
        >>> bn.num_batches_tracked
        tensor(2)

    References:
        Hoffer, Hubara, Soudry 2017, arXiv:1705.08741, algorithm 1.
    """


class GhostBatchNorm2d(_GhostBatchNorm, torch.nn.BatchNorm2d):
    """Normalise each channel over small parts of a batch of images.

    As `GhostBatchNorm1d`, over the dimensions N, H and W, with the same arguments.

    Args:
        num_features: C, the size of dimension 1.
        eps: added to the variance. Default: 1e-5.
        momentum: weight of the newest ghost batch in the running statistics, in [0, 1], or None for
            the plain average of all. Default: 0.1.
        affine: learn gamma and beta. Default: True.
        track_running_stats: keep running statistics. Default: True.
        device: of the parameters and buffers.
        dtype: of the parameters and buffers.
        bias: learn beta, where affine. Default: True.
        ghost_batch_size: samples normalised together, at least 1. Default: 32.

    Shape:
        (N, C, H, W) to (N, C, H, W).

    Raises:
        As `GhostBatchNorm1d`.

    Examples:
        >>> y = GhostBatchNorm2d(3, ghost_batch_size=4)(torch.randn(8, 3, 5, 5) * 4 + 7)
        >>> y[:4].mean((0, 2, 3)).abs().max().item() < 1e-6
        True

    References:
        Hoffer, Hubara, Soudry 2017, arXiv:1705.08741, algorithm 1.
    """
