"""What is left in a model of a batch norm that was folded away."""

from typing import Any

import torch
from torch.nn import Module

from wolfsbane import nn
from wolfsbane.functional.activation import as_module
from wolfsbane.surgery.graphs.symbolic import is_timm_batch_norm_act

WITH_ACTIVATION = (nn.BatchNormAct1d, nn.BatchNormAct2d, nn.BatchNormAct3d)


def rest_of(norm: Any) -> Module:
    """Return what is left of a batch norm that was folded: its activation, if it had one."""
    if type(norm) in WITH_ACTIVATION:
        return as_module(norm.activation)
    if is_timm_batch_norm_act(norm):
        return _alone([norm.drop, norm.act])
    return torch.nn.Identity()


def _alone(modules: list[Module]) -> Module:
    """Return modules as one: without those that do nothing, and without a container for one."""
    kept = [module for module in modules if type(module) is not torch.nn.Identity]
    return (
        kept[0] if len(kept) == 1 else torch.nn.Sequential(*kept) if kept else torch.nn.Identity()
    )


def state_names(norm: Any) -> list[str]:
    """Return the names of a batch norm's own entries of the state_dict."""
    kept_out = norm._non_persistent_buffers_set  # noqa: SLF001
    tensors = {**norm._parameters, **norm._buffers}  # noqa: SLF001
    return [name for name, value in tensors.items() if value is not None and name not in kept_out]
