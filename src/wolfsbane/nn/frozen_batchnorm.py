"""Frozen batch norm: evaluation for ever."""

from typing import Any, ClassVar, Self

import torch
from torch import Tensor
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.modules.lazy import LazyModuleMixin

from wolfsbane import functional as F
from wolfsbane.arguments import check_eps, check_num_features, explain_unknown_arguments
from wolfsbane.errors import ArgumentError, ArgumentTypeError, ShapeError
from wolfsbane.nn.batch_norm_act import BatchNormAct1d, BatchNormAct2d, BatchNormAct3d
from wolfsbane.nn.batchnorm import TrackedBatchNorm
from wolfsbane.nn.layer import Layer, is_leaf

NAMES = ("weight", "bias", "running_mean", "running_var")

PLAIN_FORWARDS = {
    _BatchNorm.forward,
    torch.nn.SyncBatchNorm.forward,
    TrackedBatchNorm.forward,
}
"""Of batch norms that do in evaluation what a frozen one does."""

BLOCKS = (BatchNormAct1d, BatchNormAct2d, BatchNormAct3d)


class _FrozenBatchNorm(Layer):
    # detectron2's, where files of an older version hold running_var + eps; torch's batch norm is 2.
    _version = 3
    _dims: ClassVar[tuple[int, ...]]
    _plain: ClassVar[type[_BatchNorm]]

    weight: Tensor
    bias: Tensor
    running_mean: Tensor
    running_var: Tensor

    @explain_unknown_arguments
    def __init__(
        self, num_features: int, eps: float = 1e-5, *, device: Any = None, dtype: Any = None
    ) -> None:
        check_num_features(num_features)
        check_eps(eps)
        super().__init__()
        self.num_features = num_features
        self.eps = eps
        for name in NAMES:
            fill = torch.ones if name in {"weight", "running_var"} else torch.zeros
            self.register_buffer(name, fill(num_features, device=device, dtype=dtype))

    @classmethod
    def from_batch_norm(cls, layer: torch.nn.Module) -> Self:
        """Return a frozen layer with a copy of a batch norm's tensors, and its eps.

        Args:
            layer: torch's batch norm or ours, with running statistics; it is not changed.

        Raises:
            ArgumentTypeError: `layer` is not a batch norm.
            ArgumentError: it has no running statistics, is for another number of dimensions, or
                does more than a batch norm.
        """
        if not isinstance(layer, _BatchNorm):
            raise ArgumentTypeError(
                f"{cls.__name__}.from_batch_norm takes a batch norm, but got "
                f"{type(layer).__name__}. Call it on each batch norm of a model"
            )
        mean, var = cls._statistics_of(layer)
        frozen = cls(layer.num_features, layer.eps, device=mean.device, dtype=mean.dtype)
        found = {"running_mean": mean, "running_var": var}
        for name, tensor in (found | {"weight": layer.weight, "bias": layer.bias}).items():
            if tensor is not None:
                setattr(frozen, name, tensor.detach().clone())
        return frozen.train(layer.training)

    @classmethod
    def _statistics_of(cls, layer: _BatchNorm) -> tuple[Tensor, Tensor]:
        name, kind = cls.__name__, type(layer).__name__
        if isinstance(layer, LazyModuleMixin):
            raise ArgumentError(f"{kind} has not seen its first batch: run one, then freeze it")
        plains = (torch.nn.BatchNorm1d, torch.nn.BatchNorm2d, torch.nn.BatchNorm3d)
        if isinstance(layer, plains) and not isinstance(layer, cls._plain):
            raise ArgumentError(
                f"{kind} does not become a {name}: take the class for as many dimensions"
            )
        if type(layer).forward not in PLAIN_FORWARDS or isinstance(layer, BLOCKS):
            raise ArgumentError(
                f"{kind} does more than a batch norm, and that would be lost: replace it by hand"
            )
        if layer.running_mean is None or layer.running_var is None:
            raise ArgumentError(
                f"{kind} has no running statistics to freeze: build it with "
                "track_running_stats=True and train it"
            )
        return layer.running_mean, layer.running_var

    @is_leaf
    def forward(self, input: Tensor) -> Tensor:
        """Return the input normalised by the frozen statistics, in training too."""
        if input.dim() not in self._dims:
            expected = " or ".join(f"{dim}D" for dim in self._dims)
            raise ShapeError(
                f"expected {expected} input (got {input.dim()}D input). The shape is (N, C, *), "
                f"features second, and here it is {tuple(input.shape)}"
            )
        return F.batch_norm(
            input, self.running_mean, self.running_var, self.weight, self.bias, eps=self.eps
        )

    def _load_from_state_dict(
        self, state_dict: dict[str, Any], prefix: str, *args: Any, **kwargs: Any
    ) -> None:
        """Load a batch norm's tensors: its counter is of no use, its parameters become buffers."""
        state_dict.pop(f"{prefix}num_batches_tracked", None)
        for name in NAMES:
            tensor = state_dict.get(prefix + name)
            if isinstance(tensor, torch.nn.Parameter):
                state_dict[prefix + name] = tensor.detach()
        super()._load_from_state_dict(state_dict, prefix, *args, **kwargs)

    def extra_repr(self) -> str:
        return f"{self.num_features}, eps={self.eps}"


class FrozenBatchNorm1d(_FrozenBatchNorm):
    r"""Normalise each feature with statistics, gamma and beta that nothing changes.

    $$y = \frac{x - \mu}{\sqrt{\sigma^2 + \epsilon}} \gamma + \beta$$

    Training and evaluation are the same: what a `BatchNorm1d` does in evaluation. gamma, beta, mu
    and sigma^2 are buffers (`weight`, `bias`, `running_mean`, `running_var`), so `model.train()`,
    `requires_grad_()`, optimizers, `update_bn` and `convert_sync_batchnorm` leave them alone. The
    gradient goes through to the input. A new layer is nearly the identity.

    A batch norm's state_dict can be loaded (its `num_batches_tracked` is left out), and those of
    torchvision's and detectron2's FrozenBatchNorm2d and timm's FrozenBatchNormAct2d, which have the
    same keys. float16 and bfloat16 are computed in float32 and rounded once.

    Args:
        num_features: C, the size of dimension 1.
        eps: added to the variance. Default: 1e-5.
        device: of the buffers.
        dtype: of the buffers.

    Shape:
        (N, C) or (N, C, L), to the same shape.

    Raises:
        ArgumentError, ArgumentTypeError: an argument is out of range.
        ShapeError: wrong number of dimensions or features.
        DtypeError: the input's dtype does not go with the buffers'.

    Examples:
        >>> bn = torch.nn.BatchNorm1d(2)
        >>> _ = bn(torch.tensor([[1.0, 10.0], [3.0, 30.0]]))
        >>> frozen = FrozenBatchNorm1d.from_batch_norm(bn).train()
        >>> frozen(torch.tensor([[0.2, 2.0]])).abs().max().item() < 1e-6
        True

    References:
        Ioffe, Szegedy 2015, arXiv:1502.03167. Wu et al. 2019, detectron2: FrozenBatchNorm2d.
    """

    _dims = (2, 3)
    _plain = torch.nn.BatchNorm1d


class FrozenBatchNorm2d(_FrozenBatchNorm):
    """Normalise each channel of images with statistics, gamma and beta that nothing changes.

    As `FrozenBatchNorm1d`, with the same arguments.

    Args:
        num_features: C, the size of dimension 1.
        eps: added to the variance. Default: 1e-5.
        device: of the buffers.
        dtype: of the buffers.

    Shape:
        (N, C, H, W) to (N, C, H, W).

    Raises:
        As `FrozenBatchNorm1d`.

    Examples:
        >>> frozen = FrozenBatchNorm2d(3)
        >>> frozen.load_state_dict(torch.nn.BatchNorm2d(3).state_dict())
        <All keys matched successfully>
        >>> list(frozen.parameters())
        []

    References:
        As `FrozenBatchNorm1d`.
    """

    _dims = (4,)
    _plain = torch.nn.BatchNorm2d


class FrozenBatchNorm3d(_FrozenBatchNorm):
    """Normalise each channel of volumes with statistics, gamma and beta that nothing changes.

    As `FrozenBatchNorm1d`, with the same arguments.

    Args:
        num_features: C, the size of dimension 1.
        eps: added to the variance. Default: 1e-5.
        device: of the buffers.
        dtype: of the buffers.

    Shape:
        (N, C, D, H, W) to (N, C, D, H, W).

    Raises:
        As `FrozenBatchNorm1d`.

    Examples:
        >>> FrozenBatchNorm3d(3)(torch.randn(1, 3, 4, 5, 5)).shape
        torch.Size([1, 3, 4, 5, 5])

    References:
        As `FrozenBatchNorm1d`.
    """

    _dims = (5,)
    _plain = torch.nn.BatchNorm3d
