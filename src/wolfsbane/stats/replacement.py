"""New running statistics in the place of old ones, all or none."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from wolfsbane.anatomy.places import Member, path_of
from wolfsbane.errors import ModelError
from wolfsbane.stats.drift import LayerDrift
from wolfsbane.stats.moments import Moments

Found = tuple[Member, Moments, int]
"""A layer, the moments of all that it was called with, and in how many calls."""


@torch.no_grad()
def replaced(found: Sequence[Found]) -> tuple[LayerDrift, ...]:
    """Write the statistics into the layers' buffers, and return old and new ones.

    Raises:
        ModelError: some are not finite; nothing is changed.
    """
    for member, moments, _ in found:
        _check_finite(member, moments)
    before = [(tensor, tensor.clone()) for one in found for tensor in _buffers(one)]
    drifts = tuple(_drift(one) for one in found)
    try:
        for member, moments, calls in found:
            layer: Any = member.module
            layer.running_mean.copy_(moments.mean)
            layer.running_var.copy_(moments.unbiased_var)
            if layer.num_batches_tracked is not None:
                layer.num_batches_tracked.fill_(calls)
    except BaseException:
        for tensor, value in before:
            tensor.copy_(value)
        raise
    return drifts


def _buffers(found: Found) -> list[Tensor]:
    layer: Any = found[0].module
    tensors = (layer.running_mean, layer.running_var, layer.num_batches_tracked)
    return [tensor for tensor in tensors if tensor is not None]


def _check_finite(member: Member, moments: Moments) -> None:
    layer: Any = member.module
    for name, value in (("mean", moments.mean), ("variance", moments.unbiased_var)):
        kept = value.to(layer.running_mean.dtype)
        if not bool(kept.isfinite().all()):
            channels = (~kept.isfinite()).nonzero().flatten().tolist()
            raise ModelError(
                f"the {name} of {path_of(member.path)} would not be finite in channels "
                f"{channels[:10]} ({kept.dtype}): look for nan or inf in the batches, or in what "
                "the model makes of them. Nothing was changed"
            )


def _drift(found: Found) -> LayerDrift:
    member, moments, calls = found
    layer: Any = member.module
    return LayerDrift(
        path=member.path,
        num_channels=layer.num_features,
        count=moments.count,
        num_calls=calls,
        eps=layer.eps,
        old_mean=_kept(layer.running_mean),
        old_var=_kept(layer.running_var),
        new_mean=_kept(moments.mean),
        new_var=_kept(moments.unbiased_var),
    )


def _kept(tensor: Tensor) -> Tensor:
    return tensor.cpu().double().clone()
