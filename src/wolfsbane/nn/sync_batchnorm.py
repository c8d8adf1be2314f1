"""Batch norm over the batches of all processes, on any backend of torch.distributed."""

from typing import Any

import torch
from torch import Tensor
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.modules.lazy import LazyModuleMixin
from torch.nn.utils.parametrize import is_parametrized

from wolfsbane import functional as F
from wolfsbane.arguments import (
    check_eps,
    check_momentum,
    check_num_features,
    explain_unknown_arguments,
)
from wolfsbane.errors import ArgumentError, ShapeError
from wolfsbane.nn.batchnorm import TrackedBatchNorm


class SyncBatchNorm(TrackedBatchNorm):
    """Normalise each channel over the batches of all processes together.

    In training, on N processes, it equals a `BatchNorm` on the concatenated batch; the ranks'
    batches may differ in size, and be empty. In evaluation, without torch.distributed, or in a
    group of one, it is a plain batch norm and communicates nothing.

    A drop-in for `torch.nn.SyncBatchNorm` that also runs on CPUs with gloo. It derives from
    torch's `_BatchNorm` and not from torch's `SyncBatchNorm`, because
    DistributedDataParallel refuses the latter outside a GPU.

    Args:
        num_features: C, the size of dimension 1.
        eps: added to the variance. Default: 1e-5.
        momentum: weight of the newest batch in the running statistics, in [0, 1], or None for the
            plain average of all batches. Default: 0.1.
        affine: learn gamma and beta. Default: True.
        track_running_stats: keep running statistics. Default: True.
        process_group: the ranks that share statistics; all where None.
        device: of the parameters and buffers.
        dtype: of the parameters and buffers.
        bias: learn beta, where affine. Default: True.

    Shape:
        (N, C, *) to (N, C, *).

    Raises:
        ArgumentError, ArgumentTypeError: an argument is out of range.
        ShapeError: wrong number of dimensions or features, or one value per channel in training.

    Examples:
        >>> model = torch.nn.Sequential(torch.nn.Conv2d(3, 8, 3), torch.nn.BatchNorm2d(8))
        >>> SyncBatchNorm.convert_sync_batchnorm(model)[1]
        SyncBatchNorm(8, ...)

    References:
        Peng et al. 2018, arXiv:1711.07240, section 3.2.
    """

    process_group: Any

    converted_from: type[torch.nn.Module] | None = None
    """The class of batch norm that this layer was, for `wolfsbane.surgery.revert_sync_batchnorm`.
    It is pickled and copied with the layer."""

    @explain_unknown_arguments
    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = True,
        track_running_stats: bool = True,
        process_group: Any = None,
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
        self.process_group = process_group

    def _check_input_dim(self, input: Tensor) -> None:
        if input.dim() < 2:  # noqa: PLR2004
            raise ShapeError(
                f"expected at least 2D input (got {input.dim()}D input). The shape is (N, C, *)"
            )
        if input.size(1) == 0:
            raise ShapeError("SyncBatchNorm number of input channels should be non-zero")

    def _normalise(
        self,
        input: Tensor,
        running_mean: Tensor | None,
        running_var: Tensor | None,
        use_batch: bool,
    ) -> Tensor:
        if not (self.training and self._num_ranks() > 1):
            return super()._normalise(input, running_mean, running_var, use_batch)
        return F.sync_batch_norm(
            input,
            running_mean,
            running_var,
            self.weight,
            self.bias,
            self._update_weight(),
            self.eps,
            process_group=self.process_group,
        )

    def _num_ranks(self) -> int:
        if not (torch.distributed.is_available() and torch.distributed.is_initialized()):
            return 1
        return torch.distributed.get_world_size(self.process_group)

    @classmethod
    def convert_sync_batchnorm(
        cls, module: torch.nn.Module, process_group: Any = None
    ) -> torch.nn.Module:
        """Replace every batch norm in `module` by a SyncBatchNorm with the same tensors.

        Parameters, buffers, hooks and training flags stay the very objects they are. A layer that
        stands in several places is one layer afterwards, too.

        Args:
            module: changed in place; a batch norm itself is replaced by the returned one.
            process_group: of the new layers.

        Returns:
            `module`, or the new layer where `module` is a batch norm.

        Raises:
            ArgumentError: a lazy batch norm has not seen its first batch, or a batch norm has a
                forward or a parametrization of its own, which would be lost.
        """
        for name, layer in module.named_modules():
            if isinstance(layer, _BatchNorm):
                _check_convertible(name or "the module", layer)
        return cls._convert(module, process_group, {})

    @classmethod
    def _convert(
        cls,
        module: torch.nn.Module,
        process_group: Any,
        done: dict[torch.nn.Module, torch.nn.Module],
    ) -> torch.nn.Module:
        if module in done:
            return done[module]
        converted = module
        if isinstance(module, _BatchNorm) and not isinstance(module, cls):
            converted = cls.__new__(cls)
            own = {"process_group": process_group}
            if not isinstance(module, torch.nn.SyncBatchNorm):
                own["converted_from"] = type(module)
            converted.__dict__ = {**module.__dict__, **own}
        done[module] = converted
        # Not named_children(): it lists a module that has two names once.
        for name, child in module._modules.items():  # noqa: SLF001
            if child is not None:
                converted._modules[name] = cls._convert(child, process_group, done)  # noqa: SLF001
        return converted


def _check_convertible(name: str, layer: _BatchNorm) -> None:
    kind = type(layer).__name__
    if isinstance(layer, LazyModuleMixin):
        raise ArgumentError(
            f"{name} is a {kind} without its first batch: run one batch through the model, then "
            "convert it"
        )
    forwards = {_BatchNorm.forward, torch.nn.SyncBatchNorm.forward, TrackedBatchNorm.forward}
    normalises = {TrackedBatchNorm._normalise, SyncBatchNorm._normalise}  # noqa: SLF001
    own = getattr(type(layer), "_normalise", TrackedBatchNorm._normalise)  # noqa: SLF001
    if type(layer).forward not in forwards or own not in normalises or is_parametrized(layer):
        raise ArgumentError(
            f"{name} is a {kind}, whose own behaviour would be lost: replace it by hand with a "
            "SyncBatchNorm and what it adds"
        )
