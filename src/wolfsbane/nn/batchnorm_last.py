"""Batch norm of tensors whose features come last."""

from typing import ClassVar

from torch import Tensor

from wolfsbane.errors import ShapeError
from wolfsbane.functional.batch_norm import check_batch
from wolfsbane.nn.batchnorm import _EagerBatchNorm
from wolfsbane.nn.layer import is_leaf


class BatchNormLast(_EagerBatchNorm):
    r"""Normalise each feature, the last dimension, over all others.

    $$y = \frac{x - \mu}{\sqrt{\sigma^2 + \epsilon}} \gamma + \beta$$

    The same as moving the features to dimension 1, `BatchNorm1d`, `2d` or `3d`, and moving them
    back, in training and in evaluation; the input is viewed as (M, C), so nothing is copied. An
    input whose features lie second in memory (a transposed one) is normalised there, without a
    copy either. The state_dict is a batch norm's.

    Statistics accumulate in float64; the output keeps the input's dtype.
    `torch.nn.SyncBatchNorm.convert_sync_batchnorm` would take dimension 1 for the features;
    wolfsbane's refuses.

    Args:
        num_features: C, the size of the last dimension.
        eps: added to the variance. Default: 1e-5.
        momentum: weight of the newest batch in the running statistics, in [0, 1], or None for the
            plain average of all batches. Default: 0.1.
        affine: learn gamma (`weight`) and beta (`bias`). Default: True.
        track_running_stats: keep running statistics. Default: True.
        device: of the parameters and buffers.
        dtype: of the parameters and buffers.
        bias: learn beta, where affine. Default: True.

    Shape:
        (N, *, C) to (N, *, C).

    Raises:
        ArgumentError, ArgumentTypeError: an argument is out of range.
        ShapeError: fewer than two dimensions, another number of features, or one value per feature
            in training.
        DtypeError: the input's dtype does not go with the parameters'.

    Examples:
        >>> import torch
        >>> y = BatchNormLast(4)(torch.randn(2, 9, 4) * 3 + 1)
        >>> y.mean((0, 1)).abs().max().item() < 1e-6
        True

    References:
        Ioffe, Szegedy 2015, arXiv:1502.03167.
    """

    feature_dim: ClassVar[int] = -1  # which `stats.recalibrate` asks for

    @is_leaf
    def forward(self, input: Tensor) -> Tensor:
        """Return the input normalised by its own (training) or by running statistics."""
        self._check_features(input)
        features_second = input.movedim(-1, 1)
        if features_second.is_contiguous() and not input.is_contiguous():
            return super().forward(features_second).movedim(1, -1)
        return super().forward(input.reshape(-1, self.num_features)).reshape(input.shape)

    def _check_features(self, input: Tensor) -> None:
        if input.dim() < 2:  # noqa: PLR2004
            raise ShapeError(
                f"expected at least 2D input (got {input.dim()}D input). The shape is (N, *, C), "
                "features last; a single sample needs input.unsqueeze(0)"
            )
        if input.size(-1) != self.num_features:
            seconds = input.size(1) == self.num_features
            advice = (
                "Here they seem to come second, (N, C, *): that is BatchNorm1d, 2d or 3d"
                if seconds
                else f"Build the layer with num_features={input.size(-1)}"
            )
            raise ShapeError(
                f"expected the last dimension to hold {self.num_features} features, but the input "
                f"is of shape {tuple(input.shape)}. {advice}"
            )
        check_batch(input.movedim(-1, 1), self.training, self.eps)

    def _check_input_dim(self, input: Tensor) -> None:
        """Accept what `forward` makes of an input that it has checked: (M, C) or (N, C, *)."""
