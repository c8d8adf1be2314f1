"""Batch norm layers that take their number of features from the first batch."""

from typing import Any

import torch
from torch import Tensor
from torch.nn.parameter import is_lazy

from wolfsbane.arguments import (
    check_eps,
    check_momentum,
    check_num_features,
    explain_unknown_arguments,
)
from wolfsbane.functional.batch_norm import check_batch, check_dtypes
from wolfsbane.nn.batchnorm import BatchNorm1d, BatchNorm2d, BatchNorm3d, TrackedBatchNorm


class _LazyBatchNorm(TrackedBatchNorm):
    """What the lazy layers add to torch's, which come next in their method resolution order."""

    @explain_unknown_arguments
    def __init__(
        self,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = True,
        track_running_stats: bool = True,
        device: Any = None,
        dtype: Any = None,
        *,
        bias: bool = True,
    ) -> None:
        check_eps(eps)
        check_momentum(momentum)
        super().__init__(  # type: ignore[call-arg]
            eps=eps,
            momentum=momentum,
            affine=affine,
            track_running_stats=track_running_stats,
            device=device,
            dtype=dtype,
        )
        self._set_bias(bias)

    def initialize_parameters(self, input: Tensor) -> None:
        """Take C from the first batch, once its shape is known to be right."""
        self._check_input_dim(input)
        waiting = self._tensors_without_shape()
        if waiting:
            check_batch(input, self.training, self.eps)
            check_num_features(input.size(1))
            check_dtypes("the layer", waiting[0].dtype, input)
            self.num_features = input.shape[1]
            for tensor in waiting:
                tensor.materialize((self.num_features,))
            self.reset_parameters()

    def reset_parameters(self) -> None:
        """Set the statistics, gamma and beta to those of a new layer, once they have a shape."""
        if not self._tensors_without_shape():
            super().reset_parameters()

    def _tensors_without_shape(self) -> list[Any]:
        tensors = (*self._parameters.values(), *self._buffers.values())
        return [tensor for tensor in tensors if tensor is not None and is_lazy(tensor)]


class LazyBatchNorm1d(_LazyBatchNorm, torch.nn.LazyBatchNorm1d):
    """A `BatchNorm1d` that takes num_features from its first batch.

    Args:
        eps: added to the variance. Default: 1e-5.
        momentum: weight of the newest batch in the running statistics, in [0, 1], or None for the
            plain average of all batches. Default: 0.1.
        affine: learn gamma and beta. Default: True.
        track_running_stats: keep running statistics. Default: True.
        device: of the parameters and buffers.
        dtype: of the parameters and buffers.
        bias: learn beta, where affine. Default: True.

    The first batch, in training or evaluation, fixes C and turns the layer into a `BatchNorm1d`;
    from then on it is one. A first batch that cannot be normalised leaves it lazy.

    Shape:
        (N, C) or (N, C, L), to the same shape.

    Raises:
        As `BatchNorm1d`.

    Examples:
        >>> bn = LazyBatchNorm1d()
        >>> _ = bn(torch.randn(4, 7))
        >>> bn
        BatchNorm1d(7, ...)

    References:
        Ioffe, Szegedy 2015, arXiv:1502.03167.
    """

    cls_to_become = BatchNorm1d


class LazyBatchNorm2d(_LazyBatchNorm, torch.nn.LazyBatchNorm2d):
    """A `BatchNorm2d` that takes num_features from its first batch.

    Args, shape and errors as `BatchNorm2d`, without num_features.

    Examples:
        >>> bn = LazyBatchNorm2d()
        >>> _ = bn(torch.randn(4, 7, 3, 3))
        >>> bn
        BatchNorm2d(7, ...)
    """

    cls_to_become = BatchNorm2d


class LazyBatchNorm3d(_LazyBatchNorm, torch.nn.LazyBatchNorm3d):
    """A `BatchNorm3d` that takes num_features from its first batch.

    Args, shape and errors as `BatchNorm3d`, without num_features.

    Examples:
        >>> bn = LazyBatchNorm3d()
        >>> _ = bn(torch.randn(4, 7, 3, 3, 3))
        >>> bn
        BatchNorm3d(7, ...)
    """

    cls_to_become = BatchNorm3d
