"""What every layer here has in common, beside being a torch.nn.Module."""

import functools
from collections.abc import Callable
from typing import Any, NoReturn

import torch
from torch import Tensor

from wolfsbane.errors import UnsupportedError


class Layer(torch.nn.Module):
    """A layer that tools which rewrite models find whole, as they find torch.nn's."""

    def __prepare_scriptable__(self) -> NoReturn:  # torch.jit.script asks for it
        raise UnsupportedError(
            f"torch.jit.script cannot compile {type(self).__name__}: wolfsbane does not support "
            "torch.jit. Use torch.compile(model), or torch.export.export(model.eval(), inputs)"
        )


def is_leaf(forward: Callable[..., Any]) -> Callable[..., Any]:
    """Make a layer one node of a graph that torch.fx traces, as the layers of torch.nn are."""

    @functools.wraps(forward)
    def traced(layer: Any, input: Any, *others: Any, **named: Any) -> Any:
        if type(input) is Tensor or not isinstance(input, torch.fx.Proxy):
            return forward(layer, input, *others, **named)
        tracer: Any = input.tracer
        path = tracer.path_of_module(layer)
        return tracer.create_proxy("call_module", path, (input, *others), named)

    return traced


def set_rate(layer: torch.nn.Module, p: float | Tensor) -> None:
    """Keep a drop probability: a number as an attribute, a tensor as a buffer.

    As a buffer, `torch.func.stack_module_state` stacks the rates of many models, so that
    `torch.func.vmap` trains them at once, each with its own. It is not part of the state_dict.
    """
    if isinstance(p, Tensor):
        layer.__dict__.pop("p", None)
        layer.register_buffer("p", p.detach().clone(), persistent=False)
    else:
        layer.p = p  # type: ignore[assignment]  # a number
