"""Dropout layers that would leave no trace in evaluation: they return their input itself.

torch's own layers still call a function then, which says with which rate and in which mode. Those
of other libraries do not, so in a copy that is only traced they are made to.
"""

import functools
from collections.abc import Callable
from typing import Any

import torch.nn.functional as F
from torch import Tensor
from torch.nn import Module

from wolfsbane.anatomy.rates import OTHER_ATTRIBUTES
from wolfsbane.audit.model.layers import kind_of_module
from wolfsbane.audit.vocabulary import DROPOUTS


def make_dropouts_visible(twin: Module) -> None:
    """Let each dropout of a copy call a function of torch where it returns its input itself."""
    for module in twin.modules():
        if kind_of_module(module) in DROPOUTS and not _is_torchs(module):
            module.__dict__["forward"] = _visible(module.forward, _rate(module))


def _is_torchs(module: Module) -> bool:
    return (type(module).forward.__module__ or "").startswith("torch.")


def _visible(forward: Callable[..., Any], p: float) -> Callable[..., Any]:
    @functools.wraps(forward)
    def called(*args: Any, **kwargs: Any) -> Any:
        result = forward(*args, **kwargs)
        given = [value for value in (*args, *kwargs.values()) if isinstance(value, Tensor)]
        if any(result is value for value in given):
            return F.dropout(result, p, training=False)
        return result

    return called


def _rate(module: Module) -> float:
    """Return a dropout's rate; 0 where it has none that is a probability."""
    for name in OTHER_ATTRIBUTES:
        value = getattr(module, name, None)
        if isinstance(value, (int, float)) and 0 <= value <= 1:
            return float(value)
    return 0.0
