"""Batch norm layers: torch.nn's, with accurate statistics and errors before anything changes."""

from typing import Any

import torch
from torch import Tensor
from torch.nn.modules.batchnorm import _BatchNorm

from wolfsbane import functional as F
from wolfsbane.arguments import (
    check_eps,
    check_momentum,
    check_num_features,
    explain_unknown_arguments,
)
from wolfsbane.errors import ShapeError
from wolfsbane.functional.batch_norm import check_num_channels
from wolfsbane.kernels.reference import accumulator
from wolfsbane.kernels.transforms import is_transformed
from wolfsbane.nn.layer import Layer, is_leaf


class TrackedBatchNorm(Layer, _BatchNorm):
    """Forward of every batch norm here: normalise, then count the batch."""

    @is_leaf
    def forward(self, input: Tensor) -> Tensor:
        """Return the input normalised by its own (training) or by running statistics."""
        self._check_input_dim(input)
        if not (self.affine or self.track_running_stats):
            check_num_channels("the layer", self.num_features, input)
        tracked = self.track_running_stats or not self.training
        use_batch = self.training or (self.running_mean is None and self.running_var is None)
        output = self._normalise(
            input,
            self.running_mean if tracked else None,
            self.running_var if tracked else None,
            use_batch,
        )
        if self.training and self.track_running_stats and self.num_batches_tracked is not None:
            self.num_batches_tracked.add_(1)
        return output

    def _set_bias(self, wanted: bool) -> None:
        """Do without beta where it is not wanted (torch has no argument for that before 2.13)."""
        if self.affine and not wanted:
            self.register_parameter("bias", None)

    def reset_parameters(self) -> None:
        """Set the statistics, gamma and beta to those of a new layer."""
        self.reset_running_stats()
        if self.affine:
            torch.nn.init.ones_(self.weight)
            if self.bias is not None:
                torch.nn.init.zeros_(self.bias)

    def _normalise(
        self,
        input: Tensor,
        running_mean: Tensor | None,
        running_var: Tensor | None,
        use_batch: bool,
    ) -> Tensor:
        return F.batch_norm(
            input,
            running_mean,
            running_var,
            self.weight,
            self.bias,
            use_batch,
            self._update_weight(),
            self.eps,
        )

    def _update_weight(self) -> float | Tensor:
        """Weight of this batch in the running statistics; without momentum, a plain average."""
        if self.momentum is not None:
            return self.momentum
        if not self.training or self.num_batches_tracked is None:
            return 0.0
        count = self.num_batches_tracked
        if is_transformed():  # the number is not to be had
            return 1.0 / (count.to(accumulator(count.device)) + 1.0)
        return 1.0 / (float(count) + 1.0)

    def _check_input_dim(self, input: Tensor) -> None:
        try:
            super()._check_input_dim(input)
        except ValueError as error:
            raise ShapeError(f"{error}. {_dims_advice(input)}") from None


def _dims_advice(input: Tensor) -> str:
    layers = {
        1: "A single sample needs a batch dimension: input.unsqueeze(0)",
        2: "(N, C) goes through BatchNorm1d",
        3: "(N, C, L) goes through BatchNorm1d; one image (C, H, W) needs input.unsqueeze(0)",
        4: "(N, C, H, W) goes through BatchNorm2d",
        5: "(N, C, D, H, W) goes through BatchNorm3d",
    }
    shape = tuple(input.shape)
    return f"The input's shape is {shape}. " + layers.get(
        input.dim(), "Reshape to (N, C, *), features second"
    )


class _EagerBatchNorm(TrackedBatchNorm):
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
    ) -> None:
        check_num_features(num_features)
        check_eps(eps)
        check_momentum(momentum)
        super().__init__(
            num_features,
            eps,
            momentum,
            affine,
            track_running_stats,
            device=device,
            dtype=dtype,
        )
        self._set_bias(bias)


class BatchNorm1d(_EagerBatchNorm, torch.nn.BatchNorm1d):
    r"""Normalise each feature over a batch of vectors or sequences.

    $$y = \frac{x - \mu}{\sqrt{\sigma^2 + \epsilon}} \gamma + \beta$$

    In training, mu and sigma^2 are the batch's own, per channel (the biased variance), and the
    running statistics follow: `running = (1 - momentum) * running + momentum * batch`, with the
    unbiased variance. In evaluation the running statistics are used, so a sample's output no
    longer depends on its batch. Statistics accumulate in float64; the output keeps the input's
    dtype and layout.

    A drop-in for `torch.nn.BatchNorm1d`, with the same arguments and state_dict.

    Args:
        num_features: C, the size of dimension 1.
        eps: added to the variance. Default: 1e-5.
        momentum: weight of the newest batch in the running statistics, in [0, 1]; None takes the
            plain average of all batches. Default: 0.1.
        affine: learn gamma (`weight`) and beta (`bias`). Default: True.
        track_running_stats: keep running statistics; without them the batch's own are used in
            evaluation too. Default: True.
        device: of the parameters and buffers.
        dtype: of the parameters and buffers.
        bias: learn beta, where affine. Default: True.

    Shape:
        (N, C) or (N, C, L), to the same shape. Features come second.

    Raises:
        ArgumentError, ArgumentTypeError: an argument is out of range.
        ShapeError: wrong number of dimensions or features, or one value per channel in training.
        DtypeError: the input's dtype does not go with the parameters'.

    Examples:
        >>> bn = BatchNorm1d(2)
        >>> bn(torch.tensor([[1.0, 10.0], [3.0, 30.0]]))
        tensor([[-1.0000, -1.0000],
                [ 1.0000,  1.0000]], grad_fn=...)
        >>> bn.running_mean
        tensor([0.2000, 2.0000])

    References:
        Ioffe, Szegedy 2015, arXiv:1502.03167.
    """


class BatchNorm2d(_EagerBatchNorm, torch.nn.BatchNorm2d):
    """Normalise each channel over a batch of images.

    As `BatchNorm1d`, over the dimensions N, H and W, with the same arguments. A channels-last
    input keeps its layout and gets the same statistics.

    Args:
        num_features: C, the size of dimension 1.
        eps: added to the variance. Default: 1e-5.
        momentum: weight of the newest batch in the running statistics, in [0, 1], or None for the
            plain average of all batches. Default: 0.1.
        affine: learn gamma and beta. Default: True.
        track_running_stats: keep running statistics. Default: True.
        device: of the parameters and buffers.
        dtype: of the parameters and buffers.
        bias: learn beta, where affine. Default: True.

    Shape:
        (N, C, H, W) to (N, C, H, W).

    Raises:
        As `BatchNorm1d`.

    Examples:
        >>> y = BatchNorm2d(3)(torch.randn(8, 3, 5, 5) * 4 + 7)
        >>> y.mean((0, 2, 3)).abs().max().item() < 1e-6
        True

    References:
        Ioffe, Szegedy 2015, arXiv:1502.03167, section 3.2.
    """


class BatchNorm3d(_EagerBatchNorm, torch.nn.BatchNorm3d):
    """Normalise each channel over a batch of volumes.

    As `BatchNorm1d`, over the dimensions N, D, H and W, with the same arguments.

    Args:
        num_features: C, the size of dimension 1.
        eps: added to the variance. Default: 1e-5.
        momentum: weight of the newest batch in the running statistics, in [0, 1], or None for the
            plain average of all batches. Default: 0.1.
        affine: learn gamma and beta. Default: True.
        track_running_stats: keep running statistics. Default: True.
        device: of the parameters and buffers.
        dtype: of the parameters and buffers.
        bias: learn beta, where affine. Default: True.

    Shape:
        (N, C, D, H, W) to (N, C, D, H, W).

    Raises:
        As `BatchNorm1d`.

    Examples:
        >>> y = BatchNorm3d(3)(torch.randn(2, 3, 4, 5, 5) * 4 + 7)
        >>> y.mean((0, 2, 3, 4)).abs().max().item() < 1e-6
        True

    References:
        Ioffe, Szegedy 2015, arXiv:1502.03167, section 3.2.
    """
