"""The arithmetic of folding: a batch norm's scale and shift taken into a layer's weights.

In evaluation a batch norm is y = s x + t for each channel, with s = gamma / sqrt(var + eps) and
t = beta - mean s. Behind a layer W x + b that gives (s W) x + (s b + t), and before it
(W s) x + (b + W t). Everything is computed in float64.
"""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn import Module

TRANSPOSED = (torch.nn.ConvTranspose1d, torch.nn.ConvTranspose2d, torch.nn.ConvTranspose3d)
CONVOLUTIONS = (torch.nn.Conv1d, torch.nn.Conv2d, torch.nn.Conv3d)
LAYERS = (torch.nn.Linear, *CONVOLUTIONS, *TRANSPOSED)
"""The layers that a batch norm can be folded into."""


@dataclass(frozen=True)
class Weights:
    """A layer's weight and bias in float64, on the CPU; without bias, zeros."""

    weight: Tensor
    bias: Tensor


def weights_of(layer: Any) -> Weights:
    """Return a layer's weights."""
    bias = torch.zeros(num_outputs(layer)) if layer.bias is None else layer.bias
    return Weights(_wide(layer.weight), _wide(bias))


def num_outputs(layer: Any) -> int:
    """Return how many channels a layer puts out."""
    outputs = layer.out_features if isinstance(layer, torch.nn.Linear) else layer.out_channels
    return int(outputs)


def num_inputs(layer: Any) -> int:
    """Return how many channels a layer takes in."""
    inputs = layer.in_features if isinstance(layer, torch.nn.Linear) else layer.in_channels
    return int(inputs)


def fold_behind(layer: Module, weights: Weights, norm: Module) -> Weights:
    """Return the weights with which a layer does what it and the batch norm behind it do."""
    scale, shift = scale_and_shift(norm)
    grouped = _by_groups(layer, weights.weight)
    per_output = scale.view(grouped.shape[0], grouped.shape[1], 1, 1)
    weight = _as_stored(layer, grouped * per_output, weights.weight.shape)
    return Weights(weight, weights.bias * scale + shift)


def fold_before(layer: Module, weights: Weights, norm: Module) -> Weights:
    """Return the weights with which a layer does what it and the batch norm before it do."""
    scale, shift = scale_and_shift(norm)
    grouped = _by_groups(layer, weights.weight)
    per_input = (grouped.shape[0], 1, grouped.shape[2], 1)
    constant = (grouped * shift.view(per_input)).sum(dim=(2, 3)).flatten()
    weight = _as_stored(layer, grouped * scale.view(per_input), weights.weight.shape)
    return Weights(weight, weights.bias + constant)


def scale_and_shift(norm: Any) -> tuple[Tensor, Tensor]:
    """Return what a batch norm in evaluation multiplies each channel with, and adds."""
    scale = (_wide(norm.running_var) + norm.eps).rsqrt()
    if norm.weight is not None:
        scale = scale * _wide(norm.weight)
    shift = -_wide(norm.running_mean) * scale
    return scale, shift if norm.bias is None else shift + _wide(norm.bias)


def is_exact_before(layer: Any) -> str | None:
    """Return why a layer cannot take in a batch norm before it exactly, or None.

    The constant W t has to reach every output alike.
    """
    if isinstance(layer, CONVOLUTIONS):
        pads = any(layer._reversed_padding_repeated_twice)  # noqa: SLF001  # also of "same"
        if pads and layer.padding_mode == "zeros":
            return "it pads with zeros, which the batch norm before it does not shift"
    elif isinstance(layer, TRANSPOSED):
        sizes = (*layer.kernel_size, *layer.stride)
        if any(size != 1 for size in sizes) or any((*layer.padding, *layer.output_padding)):
            return "not every output of it adds up the same weights: its kernel or stride is not 1"
    return None


def _wide(tensor: Tensor) -> Tensor:
    return tensor.detach().cpu().double()


def _by_groups(layer: Any, weight: Tensor) -> Tensor:
    """Return a weight as (groups, outputs of a group, inputs of a group, places of the kernel)."""
    groups = getattr(layer, "groups", 1)
    if isinstance(layer, TRANSPOSED):
        shape = (groups, num_inputs(layer) // groups, num_outputs(layer) // groups, -1)
        return weight.reshape(shape).transpose(1, 2)
    return weight.reshape(groups, num_outputs(layer) // groups, num_inputs(layer) // groups, -1)


def _as_stored(layer: Module, grouped: Tensor, shape: torch.Size) -> Tensor:
    """Return a weight in the shape that the layer stores."""
    return (grouped.transpose(1, 2) if isinstance(layer, TRANSPOSED) else grouped).reshape(shape)
