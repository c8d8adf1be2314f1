"""The computations that are compared, with inputs, as functions of their sizes."""

import math

import torch
import torch.nn.functional as TF
from torch import Tensor

from wolfsbane import functional as F
from wolfsbane import nn
from wolfsbane.acceleration import accelerate
from wolfsbane.bench.subject import Mask, Noise, Subject

Shape = tuple[int, ...]

STOCK_ACTIVATIONS = {
    "identity": torch.nn.Identity,
    "relu": torch.nn.ReLU,
    "gelu": torch.nn.GELU,
    "silu": torch.nn.SiLU,
}

CHANNELS_LAST = torch.channels_last


def dropout(
    *shape: int, p: float = 0.5, grad: bool = False, dtype: torch.dtype = torch.float32
) -> Subject:
    """Element-wise dropout, as a function."""
    return Subject(
        operation="dropout",
        ours=lambda x: F.dropout(x, p),
        stock=lambda x: TF.dropout(x, p),
        formula=lambda x, mask: x * mask,
        data=(torch.randn(shape, dtype=dtype, requires_grad=grad),),
        masks=(Mask(shape, p),),
    )


def dropout2d(*shape: int, p: float = 0.5) -> Subject:
    """Dropout of channels."""
    mask_shape = shape[:2] + (1,) * (len(shape) - 2)
    return Subject(
        operation="dropout",
        ours=nn.Dropout2d(p),
        stock=torch.nn.Dropout2d(p),
        formula=lambda x, mask: x * mask,
        data=(torch.randn(shape, requires_grad=True),),
        masks=(Mask(mask_shape, p),),
    )


def gaussian_dropout(*shape: int, p: float = 0.5) -> Subject:
    """Gaussian dropout, against the line of torch that people write."""
    deviation = (p / (1 - p)) ** 0.5
    return Subject(
        operation="gaussian",
        ours=nn.GaussianDropout(p),
        stock=lambda x: x * (1 + deviation * torch.randn_like(x)),
        formula=lambda x, noise: x * noise,
        data=(torch.randn(shape, requires_grad=True),),
        masks=(Noise(shape, p),),
        drops_last=False,
    )


def batch_norm(*shape: int, layout: torch.memory_format = torch.contiguous_format) -> Subject:
    """Batch norm in training, of (N, C) or (N, C, H, W)."""
    is_2d = len(shape) > 2  # noqa: PLR2004
    stock = (torch.nn.BatchNorm2d if is_2d else torch.nn.BatchNorm1d)(shape[1])
    ours = (nn.BatchNorm2d if is_2d else nn.BatchNorm1d)(shape[1])
    weight, bias = _share_parameters(ours, stock)
    return Subject(
        operation="batch_norm",
        ours=ours,
        stock=stock,
        formula=_normalised,
        data=(_leaf(shape, layout),),
        parameters=(weight, bias),
    )


def block(
    *shape: int,
    activation: str = "relu",
    p: float = 0.1,
    layout: torch.memory_format = torch.contiguous_format,
    dtype: torch.dtype = torch.float32,
) -> Subject:
    """Batch norm, activation and dropout, of (N, C) or (N, C, H, W)."""
    is_2d = len(shape) > 2  # noqa: PLR2004
    norm = (torch.nn.BatchNorm2d if is_2d else torch.nn.BatchNorm1d)(shape[1])
    ours = (nn.BatchNormAct2d if is_2d else nn.BatchNormAct1d)(shape[1], activation, p)
    weight, bias = _share_parameters(ours, norm)
    act = STOCK_ACTIVATIONS[activation]()
    return Subject(
        operation="batch_norm_act_dropout",
        ours=ours,
        stock=torch.nn.Sequential(norm, act, torch.nn.Dropout(p)),
        formula=lambda x, weight, bias, mask: act(_normalised(x, weight, bias)) * mask,
        data=(_leaf(shape, layout, dtype),),
        parameters=(weight, bias),
        masks=(Mask(shape, p),),
        kinks=lambda x, weight, bias, _: _normalised(x, weight, bias),
    )


def bias_act_dropout(*shape: int, activation: str = "gelu", p: float = 0.1) -> Subject:
    """Bias, activation and dropout: what follows a Linear(bias=False)."""
    ours = nn.BiasActDropout(shape[-1], activation, p)
    bias = ours.bias
    torch.nn.init.normal_(bias)
    act, drop = STOCK_ACTIVATIONS[activation](), torch.nn.Dropout(p)
    return Subject(
        operation="bias_act_dropout",
        ours=ours,
        stock=lambda x: drop(act(x + bias)),
        formula=lambda x, bias, mask: act(x + bias) * mask,
        data=(_leaf(shape),),
        parameters=(bias,),
        masks=(Mask(shape, p),),
        kinks=lambda x, bias, _: x + bias,
    )


def dropout_add(*shape: int, p: float = 0.1) -> Subject:
    """Dropout of a branch, added to the residual."""
    drop = torch.nn.Dropout(p)
    return Subject(
        operation="dropout_add",
        ours=nn.DropoutAdd(p),
        stock=lambda x, residual: residual + drop(x),
        formula=lambda x, residual, mask: x * mask + residual,
        data=(_leaf(shape), _leaf(shape)),
        masks=(Mask(shape, p),),
        drops_last=False,
    )


def accelerated_dropout(*shape: int, p: float = 0.5) -> Subject:
    """Torch's own dropout, with and without `accelerate`."""
    return Subject(
        operation="dropout",
        ours=lambda x: TF.dropout(x, p),
        stock=lambda x: TF.dropout(x, p),
        formula=lambda x, mask: x * mask,
        data=(torch.randn(shape),),
        masks=(Mask(shape, p),),
        around=accelerate,
    )


def accelerated_attention(*shape: int, p: float = 0.1) -> Subject:
    """Torch's own attention with dropout, of (N, heads, L, E), with and without `accelerate`."""
    length, width = shape[-2:]

    def attention(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        return TF.scaled_dot_product_attention(query, key, value, dropout_p=p)

    def formula(query: Tensor, key: Tensor, value: Tensor, mask: Tensor) -> Tensor:
        weights = (query @ key.mT / math.sqrt(width)).softmax(-1)
        return weights * mask @ value

    return Subject(
        operation="dropout",
        ours=attention,
        stock=attention,
        formula=formula,
        data=(torch.randn(shape), torch.randn(shape), torch.randn(shape)),
        masks=(Mask((*shape[:-1], length), p),),
        drops_last=False,
        around=accelerate,
    )


def _normalised(x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    return TF.batch_norm(x, None, None, weight, bias, training=True)


def _leaf(
    shape: Shape,
    layout: torch.memory_format = torch.contiguous_format,
    dtype: torch.dtype = torch.float32,
) -> Tensor:
    return torch.randn(shape, dtype=dtype).contiguous(memory_format=layout).requires_grad_()


def _share_parameters(ours: torch.nn.Module, stock: torch.nn.Module) -> tuple[Tensor, Tensor]:
    """Give both batch norms the same gamma and beta, other than ones and zeros."""
    weight, bias = stock.weight, stock.bias
    assert isinstance(weight, torch.nn.Parameter)
    assert isinstance(bias, torch.nn.Parameter)
    torch.nn.init.uniform_(weight, 0.5, 1.5)
    torch.nn.init.normal_(bias)
    ours.weight, ours.bias = weight, bias
    return weight, bias
