"""What every layer here has in common, beside being a torch.nn.Module."""

import functools
from collections.abc import Callable
from typing import Any, NoReturn, TypeVar

import torch
from torch import Tensor

from wolfsbane.errors import UnsupportedError
from wolfsbane.mask.rate import check_rate

R = TypeVar("R")


class Layer(torch.nn.Module):
    """A layer that tools which rewrite models find whole, as they find torch.nn's."""

    def __prepare_scriptable__(self) -> NoReturn:  # torch.jit.script asks for it
        raise UnsupportedError(
            f"torch.jit.script cannot compile {type(self).__name__}: wolfsbane does not support "
            "torch.jit. Use torch.compile(model), or torch.export.export(model.eval(), inputs)"
        )

    def __setattr__(self, name: str, value: Any) -> None:
        """Set an attribute; a rate may become a buffer, or stop being one."""
        if name == "p" and (isinstance(value, Tensor) or "p" in self._buffers):
            set_rate(self, value)
        else:
            super().__setattr__(name, value)

    def _apply(self, *args: Any, **kwargs: Any) -> Any:
        """Move or convert the tensors. A rate keeps its number, on which the mask depends."""
        rate = self._buffers.get("p")
        super()._apply(*args, **kwargs)
        moved = self._buffers.get("p")
        if rate is not None and moved is not None:
            self._buffers["p"] = rate if moved.is_meta else rate.to(moved.device)
        return self


def is_leaf(forward: Callable[[Any, Tensor], R]) -> Callable[[Any, Tensor], R]:
    """Make a layer of one input a node of what torch.fx traces, as torch.nn's layers are."""

    @functools.wraps(forward)
    def traced(layer: Any, input: Tensor) -> R:
        if type(input) is not Tensor and isinstance(input, torch.fx.Proxy):
            node: R = as_node(layer, input)
            return node
        return forward(layer, input)

    return traced


def as_node(layer: torch.nn.Module, input: torch.fx.Proxy, *others: Tensor) -> Any:
    """Return what stands for a layer's output in a graph that torch.fx traces."""
    return as_node_of(input.tracer, layer, (input, *others), {})


def as_node_of(
    tracer: Any, layer: torch.nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Any:
    """Return what stands for a layer's output in a tracer's graph, for any arguments."""
    return tracer.create_proxy("call_module", tracer.path_of_module(layer), args, kwargs)


def set_rate(layer: torch.nn.Module, p: float | Tensor) -> None:
    """Keep a drop probability: a number as an attribute, a tensor as a buffer.

    As a buffer, `torch.func.stack_module_state` stacks the rates of many models, so that
    `torch.func.vmap` trains them at once, each with its own. It is not part of the state_dict.
    """
    layer.__dict__.pop("p", None)
    layer._buffers.pop("p", None)  # noqa: SLF001
    if isinstance(p, Tensor):
        check_rate(p)
        layer.register_buffer("p", p.detach().clone(), persistent=False)
    else:
        layer.__dict__["p"] = p


def generator_text(layer: torch.nn.Module) -> str:
    """Return what a layer's text says of its own generator: nothing where it has none."""
    generator = getattr(layer, "generator", None)
    return "" if generator is None else f", generator=<{generator.device} generator>"
