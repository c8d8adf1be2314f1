"""Batch renorm layers: batch norm whose training output is that of evaluation, within limits."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from wolfsbane import functional as F
from wolfsbane.arguments import explain_unknown_arguments
from wolfsbane.errors import ArgumentError, ArgumentTypeError
from wolfsbane.functional.batch_renorm import check_limits
from wolfsbane.kernels.reference import accumulator
from wolfsbane.nn.batchnorm import _EagerBatchNorm

Steps = tuple[int, int] | None

R_STEPS, D_STEPS = (5_000, 40_000), (5_000, 25_000)
"""Batches between which the limits are relaxed: the paper's, section 4.2."""


class _BatchRenorm(_EagerBatchNorm):
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
        r_max: float = 3.0,
        d_max: float = 5.0,
        r_steps: Steps = R_STEPS,
        d_steps: Steps = D_STEPS,
    ) -> None:
        check_limits(r_max, d_max)
        _check_steps("r_steps", r_steps)
        _check_steps("d_steps", d_steps)
        if not track_running_stats:
            raise ArgumentError(
                f"{type(self).__name__} corrects towards its running statistics, so "
                "track_running_stats has to be True, but got False. Without them it is a BatchNorm"
            )
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
        self.r_max, self.d_max = r_max, d_max
        self.r_steps, self.d_steps = r_steps, d_steps

    def limits(self) -> tuple[float | Tensor, float | Tensor]:
        """Return r_max and d_max as they hold for the next batch."""
        return (
            self._relaxed(1.0, self.r_max, self.r_steps),
            self._relaxed(0.0, self.d_max, self.d_steps),
        )

    def _relaxed(self, first: float, last: float, steps: Steps) -> float | Tensor:
        count = self.num_batches_tracked
        if steps is None or count is None:
            return last
        start, end = steps
        # A tensor: to read the number would make a GPU wait, and break a compiled graph.
        share = (count.to(accumulator(count.device)) - start) / (end - start)
        return first + (last - first) * share.clamp(0.0, 1.0)

    def _normalise(
        self,
        input: Tensor,
        running_mean: Tensor | None,
        running_var: Tensor | None,
        use_batch: bool,
    ) -> Tensor:
        r_max, d_max = self.limits() if self.training else (self.r_max, self.d_max)
        return F.batch_renorm(
            input,
            running_mean,
            running_var,
            self.weight,
            self.bias,
            use_batch,
            self._update_weight(),
            self.eps,
            r_max=r_max,
            d_max=d_max,
        )

    def extra_repr(self) -> str:
        return (
            f"{super().extra_repr()}, r_max={self.r_max}, d_max={self.d_max}, "
            f"r_steps={self.r_steps}, d_steps={self.d_steps}"
        )


def _check_steps(name: str, steps: Steps) -> None:
    if steps is None:
        return
    expected = (
        f"{name} has to be (start, end) with 0 <= start < end, or None, but got {steps!r}. "
        "These are the batches between which the limit is relaxed; None sets it at once"
    )
    is_pair = isinstance(steps, Sequence) and len(steps) == 2  # noqa: PLR2004
    if not is_pair or not all(hasattr(step, "__index__") for step in steps):
        raise ArgumentTypeError(expected)
    start, end = steps
    if not 0 <= start < end:
        raise ArgumentError(expected)


class BatchRenorm1d(_BatchRenorm, torch.nn.BatchNorm1d):
    r"""Normalise each feature over the batch, corrected towards the running statistics.

    $$y = \Bigl(\frac{x - \mu_B}{\sigma_B} r + d\Bigr) \gamma + \beta, \quad
    r = \mathrm{clip}_{[1/r_{max}, r_{max}]}\frac{\sigma_B}{\sigma}, \quad
    d = \mathrm{clip}_{[-d_{max}, d_{max}]}\frac{\mu_B - \mu}{\sigma}$$

    In training, mu_B and sigma_B are the batch's, mu and sigma the running ones before this batch;
    r and d are constants for the gradient. So small or ill-mixed batches train on nearly what
    evaluation sees. At first the limits allow no correction (1 and 0: plain batch norm); they are
    relaxed in a straight line to r_max between the batches `r_steps`, and to d_max between
    `d_steps`, counted by `num_batches_tracked`, which the state_dict holds. All four are
    attributes: for a schedule of your own pass None for the steps and set `r_max` and `d_max`.

    In evaluation it is a `BatchNorm1d`, whose state_dict it has: `running_var` is the running
    unbiased variance, and sigma = sqrt(running_var + eps). (The paper keeps a running sigma.)

    Statistics accumulate in float64; the output keeps the input's dtype and layout.

    Args:
        num_features: C, the size of dimension 1.
        eps: added to the variance. Default: 1e-5.
        momentum: weight of the newest batch in the running statistics, in [0, 1], or None for the
            plain average of all batches. Default: 0.1, torch's; the paper's is 0.01.
        affine: learn gamma (`weight`) and beta (`bias`). Default: True.
        track_running_stats: has to be True. Default: True.
        device: of the parameters and buffers.
        dtype: of the parameters and buffers.
        bias: learn beta, where affine. Default: True.
        r_max: limit of r in the end, at least 1. Default: 3.
        d_max: limit of d in the end, at least 0. Default: 5.
        r_steps: batches between which r_max is relaxed from 1; None: r_max from the first batch.
            Default: (5000, 40000).
        d_steps: batches between which d_max is relaxed from 0; None: d_max from the first batch.
            Default: (5000, 25000).

    Shape:
        (N, C) or (N, C, L), to the same shape.

    Raises:
        ArgumentError, ArgumentTypeError: an argument is out of range.
        ShapeError: wrong number of dimensions or features, or one value per channel in training.
        DtypeError: the input's dtype does not go with the parameters'.

    Examples:
        >>> x = torch.tensor([[1.0], [3.0]])
        >>> BatchRenorm1d(1)(x).flatten()
        tensor([-1.0000,  1.0000], grad_fn=...)
        >>> BatchRenorm1d(1, r_steps=None, d_steps=None)(x).flatten()
        tensor([1.0000, 3.0000], grad_fn=...)

    References:
        Ioffe 2017, arXiv:1702.03275: algorithm 1, limits and schedule of section 4.2.
    """


class BatchRenorm2d(_BatchRenorm, torch.nn.BatchNorm2d):
    """Normalise each channel over images, corrected towards the running statistics.

    As `BatchRenorm1d`, over the dimensions N, H and W, with the same arguments.

    Args:
        num_features: C, the size of dimension 1.
        eps: added to the variance. Default: 1e-5.
        momentum: weight of the newest batch in the running statistics, or None. Default: 0.1.
        affine: learn gamma and beta. Default: True.
        track_running_stats: has to be True. Default: True.
        device: of the parameters and buffers.
        dtype: of the parameters and buffers.
        bias: learn beta, where affine. Default: True.
        r_max: limit of r in the end, at least 1. Default: 3.
        d_max: limit of d in the end, at least 0. Default: 5.
        r_steps: batches between which r_max is relaxed, or None. Default: (5000, 40000).
        d_steps: batches between which d_max is relaxed, or None. Default: (5000, 25000).

    Shape:
        (N, C, H, W) to (N, C, H, W).

    Raises:
        As `BatchRenorm1d`.

    Examples:
        >>> BatchRenorm2d(3)(torch.randn(8, 3, 5, 5)).shape
        torch.Size([8, 3, 5, 5])

    References:
        As `BatchRenorm1d`.
    """


class BatchRenorm3d(_BatchRenorm, torch.nn.BatchNorm3d):
    """Normalise each channel over volumes, corrected towards the running statistics.

    As `BatchRenorm1d`, over the dimensions N, D, H and W, with the same arguments.

    Args:
        num_features: C, the size of dimension 1.
        eps: added to the variance. Default: 1e-5.
        momentum: weight of the newest batch in the running statistics, or None. Default: 0.1.
        affine: learn gamma and beta. Default: True.
        track_running_stats: has to be True. Default: True.
        device: of the parameters and buffers.
        dtype: of the parameters and buffers.
        bias: learn beta, where affine. Default: True.
        r_max: limit of r in the end, at least 1. Default: 3.
        d_max: limit of d in the end, at least 0. Default: 5.
        r_steps: batches between which r_max is relaxed, or None. Default: (5000, 40000).
        d_steps: batches between which d_max is relaxed, or None. Default: (5000, 25000).

    Shape:
        (N, C, D, H, W) to (N, C, D, H, W).

    Raises:
        As `BatchRenorm1d`.

    Examples:
        >>> BatchRenorm3d(3)(torch.randn(2, 3, 4, 5, 5)).shape
        torch.Size([2, 3, 4, 5, 5])

    References:
        As `BatchRenorm1d`.
    """
