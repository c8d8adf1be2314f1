"""Inputs for blocks of layers, and the same blocks composed of torch's own functions."""

import functools
from dataclasses import dataclass

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from cases import LAYOUTS, LayoutCase
from wolfsbane.functional.activation import as_activation
from wolfsbane.mask import keep_mask, scale

KEY = 0x0123456789ABCDEF
EPS = 1e-5
MOMENTUM = 0.25
HALF_PRECISION = (torch.float16, torch.bfloat16)

TORCH = {
    "identity": torch.clone,
    "relu": F.relu,
    "leaky_relu": F.leaky_relu,
    "sigmoid": torch.sigmoid,
    "tanh": torch.tanh,
    "gelu": F.gelu,
    "gelu_tanh": functools.partial(F.gelu, approximate="tanh"),
    "silu": F.silu,
    "elu": F.elu,
    "hardswish": F.hardswish,
    "mish": F.mish,
}

activations = pytest.mark.parametrize("name", TORCH)
relu_and_gelu = pytest.mark.parametrize("name", ["relu", "gelu"])
"""No arithmetic, and the most: not all of them, as each kernel takes seconds to compile."""


def _channels_last(tensor: Tensor) -> Tensor:
    return tensor.movedim(1, -1).contiguous().movedim(-1, 1)


BLOCK_LAYOUTS = (
    *(case for case in LAYOUTS if case.name not in {"two-images", "expanded"}),
    LayoutCase("vectors", (67, 5), lambda x: x),
    LayoutCase("vectors-of-two-blocks", (130, 67), lambda x: x),
    LayoutCase("vectors-transposed", (11, 7), lambda x: x.mT.contiguous().mT),
    LayoutCase("sequences", (5, 3, 13), lambda x: x),
    LayoutCase("sequences-channels-last", (5, 67, 13), _channels_last),
    LayoutCase("volumes", (3, 2, 5, 2, 3), lambda x: x),
    LayoutCase("volumes-channels-last", (3, 2, 5, 2, 3), _channels_last),
    LayoutCase("one-sample", (1, 3, 7, 11), lambda x: x),
    LayoutCase("one-sample-channels-last", (1, 3, 7, 11), _channels_last),
    LayoutCase("one-position", (9, 5, 1, 1), lambda x: x),
    LayoutCase("one-channel", (5, 1, 7, 3), lambda x: x),
    # A plane is cut into pieces of 4096 values, a piece of the mask into runs of 128.
    LayoutCase("planes-of-two-pieces", (2, 2, 4099), lambda x: x),
)

block_layouts = pytest.mark.parametrize("layout", BLOCK_LAYOUTS, ids=lambda case: case.name)


@dataclass(frozen=True)
class Block:
    """Batch norm, an activation and dropout, as torch composes them."""

    name: str
    p: float
    training: bool = True

    @property
    def activation(self):
        return as_activation(self.name)

    def of_torch(self, x, weight, bias, running=None):
        """Return the block of torch's functions, with the mask of the contract."""
        mean, variance = (None, None) if running is None else running
        y = F.batch_norm(x, mean, variance, weight, bias, self.training, MOMENTUM, EPS)
        return dropped(TORCH[self.name](y), self.p)


def dropped(y, p):
    """Return dropout's output: selected, not multiplied by zero."""
    if p == 0.0:
        return y
    factor = 0.0 if p == 1.0 else scale(p)
    return torch.where(keep_mask(y.shape, p, KEY), y * factor, torch.zeros_like(y))


def parameters_of(x, kinds="wb"):
    """Return a weight and a bias where `kinds` names them, of the dtype that goes with x."""
    dtype = torch.float32 if x.dtype in HALF_PRECISION else x.dtype
    weight, bias = torch.rand(2, x.size(1)).add(0.5).to(dtype).unbind()
    return weight if "w" in kinds else None, bias if "b" in kinds else None


def statistics_of(x):
    """Return running statistics as a layer would have them, of the dtype that goes with x."""
    mean, _ = parameters_of(x)
    return mean - 1.0, mean + 0.25


def values_and_gradients(function, tensors, upstream):
    """Return the output and the gradients of all tensors that are given."""
    leaves = [None if t is None else t.detach().requires_grad_() for t in tensors]
    y = function(*leaves)
    wanted = [leaf for leaf in leaves if leaf is not None]
    return [y.detach(), *torch.autograd.grad(y, wanted, upstream.to(y.dtype))]


def widened(tensors):
    return [None if t is None else t.double() for t in tensors]
