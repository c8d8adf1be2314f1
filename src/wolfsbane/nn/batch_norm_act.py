"""Batch norm, activation and dropout as one layer, in one pass over memory."""

from typing import Any

import torch
from torch import Tensor

from wolfsbane import functional as F
from wolfsbane.arguments import (
    check_eps,
    check_momentum,
    check_num_features,
    explain_unknown_arguments,
)
from wolfsbane.functional.activation import as_activation
from wolfsbane.mask.key import check_generator
from wolfsbane.mask.rate import check_rate
from wolfsbane.nn.batchnorm import TrackedBatchNorm
from wolfsbane.nn.layer import set_rate


class _BatchNormAct(TrackedBatchNorm):
    p: float | Tensor

    @explain_unknown_arguments
    def __init__(
        self,
        num_features: int,
        activation: str | torch.nn.Module = "relu",
        p: float | Tensor = 0.0,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = True,
        track_running_stats: bool = True,
        device: Any = None,
        dtype: Any = None,
        *,
        bias: bool = True,
        generator: torch.Generator | None = None,
    ) -> None:
        check_num_features(num_features)
        check_eps(eps)
        check_momentum(momentum)
        check_rate(p)
        check_generator(generator)
        checked = as_activation(activation)
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
        self.activation = checked
        set_rate(self, p)
        self.generator = generator

    def _normalise(
        self,
        input: Tensor,
        running_mean: Tensor | None,
        running_var: Tensor | None,
        use_batch: bool,
    ) -> Tensor:
        return F.batch_norm_act_dropout(
            input,
            running_mean,
            running_var,
            self.weight,
            self.bias,
            use_batch,
            self._update_weight(),
            self.eps,
            activation=self.activation,
            # Without running statistics the batch's are used in evaluation too; nothing is dropped.
            p=self.p if self.training else 0.0,
            generator=self.generator,
        )

    def extra_repr(self) -> str:
        return f"{super().extra_repr()}, activation={self.activation}, p={self.p}"


class BatchNormAct1d(_BatchNormAct, torch.nn.BatchNorm1d):
    r"""Normalise each feature over a batch, apply an activation, and drop elements.

    $$y_i = \frac{m_i}{1 - p}\, \mathrm{act}\Bigl(\frac{x_i - \mu}{\sqrt{\sigma^2 + \epsilon}}
    \gamma + \beta\Bigr), \quad m_i \sim \mathrm{Bernoulli}(1 - p)$$

    The same as `BatchNorm1d`, the activation and `Dropout` one after another, with the same masks
    for the same seed, in one pass over memory. For backward it keeps the input and a few numbers
    per channel, where the three layers keep three tensors of the input's size.

    In training the batch's statistics normalise, the running ones follow, and a new mask is drawn
    where p > 0. In evaluation the running statistics normalise and nothing is dropped.

    Parameters, buffers and state_dict are those of a batch norm, so its weights can be loaded.
    `torch.nn.SyncBatchNorm.convert_sync_batchnorm` would lose the activation; wolfsbane's refuses.

    Args:
        num_features: C, the size of dimension 1.
        activation: "identity", "relu", "leaky_relu", "sigmoid", "tanh", "gelu", "gelu_tanh",
            "silu", "elu", "hardswish" or "mish", or one of these as a module of torch.nn.
            Default: "relu".
        p: probability of an element to be zeroed, in [0, 1]. Default: 0.
        eps: added to the variance. Default: 1e-5.
        momentum: weight of the newest batch in the running statistics, in [0, 1], or None for the
            plain average of all batches. Default: 0.1.
        affine: learn gamma (`weight`) and beta (`bias`). Default: True.
        track_running_stats: keep running statistics. Default: True.
        device: of the parameters and buffers.
        dtype: of the parameters and buffers.
        bias: learn beta, where affine. Default: True.
        generator: where the keys are drawn. Default: torch's default CPU generator.

    Shape:
        (N, C) or (N, C, L), to the same shape.

    Raises:
        ArgumentError, ArgumentTypeError: an argument is out of range.
        ShapeError: wrong number of dimensions or features, or one value per channel in training.
        DtypeError: the input's dtype does not go with the parameters'.

    Examples:
        >>> layer = BatchNormAct1d(2, activation="relu", p=0.1)
        >>> layer.eval()(torch.tensor([[1.0, -1.0]]))
        tensor([[1.0000, 0.0000]], grad_fn=...)
        >>> layer
        BatchNormAct1d(2, ..., activation=relu, p=0.1)

    References:
        Ioffe, Szegedy 2015, arXiv:1502.03167. Srivastava et al. 2014, JMLR 15:1929.
    """


class BatchNormAct2d(_BatchNormAct, torch.nn.BatchNorm2d):
    """Normalise each channel over a batch of images, apply an activation, and drop elements.

    As `BatchNormAct1d`, over the dimensions N, H and W, with the same arguments.

    Args:
        num_features: C, the size of dimension 1.
        activation: as in `BatchNormAct1d`. Default: "relu".
        p: probability of an element to be zeroed, in [0, 1]. Default: 0.
        eps: added to the variance. Default: 1e-5.
        momentum: weight of the newest batch in the running statistics, or None. Default: 0.1.
        affine: learn gamma and beta. Default: True.
        track_running_stats: keep running statistics. Default: True.
        device: of the parameters and buffers.
        dtype: of the parameters and buffers.
        bias: learn beta, where affine. Default: True.
        generator: where the keys are drawn. Default: torch's default CPU generator.

    Shape:
        (N, C, H, W) to (N, C, H, W).

    Raises:
        As `BatchNormAct1d`.

    Examples:
        >>> y = BatchNormAct2d(3, activation=torch.nn.GELU())(torch.randn(8, 3, 5, 5))
        >>> y.shape
        torch.Size([8, 3, 5, 5])

    References:
        As `BatchNormAct1d`.
    """


class BatchNormAct3d(_BatchNormAct, torch.nn.BatchNorm3d):
    """Normalise each channel over a batch of volumes, apply an activation, and drop elements.

    As `BatchNormAct1d`, over the dimensions N, D, H and W, with the same arguments.

    Args:
        num_features: C, the size of dimension 1.
        activation: as in `BatchNormAct1d`. Default: "relu".
        p: probability of an element to be zeroed, in [0, 1]. Default: 0.
        eps: added to the variance. Default: 1e-5.
        momentum: weight of the newest batch in the running statistics, or None. Default: 0.1.
        affine: learn gamma and beta. Default: True.
        track_running_stats: keep running statistics. Default: True.
        device: of the parameters and buffers.
        dtype: of the parameters and buffers.
        bias: learn beta, where affine. Default: True.
        generator: where the keys are drawn. Default: torch's default CPU generator.

    Shape:
        (N, C, D, H, W) to (N, C, D, H, W).

    Raises:
        As `BatchNormAct1d`.

    Examples:
        >>> BatchNormAct3d(3, "silu")(torch.randn(2, 3, 4, 5, 5)).shape
        torch.Size([2, 3, 4, 5, 5])

    References:
        As `BatchNormAct1d`.
    """
