"""The activations that fused functions take, by name or as a module of torch.nn."""

import difflib
from collections.abc import Callable

import torch

from wolfsbane.errors import ArgumentError, ArgumentTypeError
from wolfsbane.kernels.block import DEFAULT_PARAMETERS, FUNCTIONS, Activation

NAMES = tuple(FUNCTIONS)

OTHER_NAMES = {"none": "identity", "linear": "identity", "swish": "silu", "hard_swish": "hardswish"}
"""What other libraries call them."""


def as_activation(activation: str | torch.nn.Module | Activation) -> Activation:
    """Return the activation that a name or a module of torch.nn stands for.

    Raises:
        ArgumentError: a name that is not known, or a module that has no fused kernel.
        ArgumentTypeError: neither a string nor a module.
    """
    if isinstance(activation, Activation):
        return activation
    if isinstance(activation, str):
        if activation not in FUNCTIONS:
            raise _unknown_name(activation)
        return Activation(activation, DEFAULT_PARAMETERS.get(activation, 0.0))
    if isinstance(activation, torch.nn.Module):
        return _of_module(activation)
    advice = ""
    if isinstance(activation, type) and issubclass(activation, torch.nn.Module):
        advice = f". Make an object of the class: {activation.__name__}()"
    raise ArgumentTypeError(
        f"activation has to be one of {', '.join(NAMES)}, or a module such as torch.nn.GELU(), but "
        f"got {activation!r} (of type {type(activation).__name__}){advice}"
    )


def _unknown_name(name: str) -> ArgumentError:
    key = name.lower()
    meant = OTHER_NAMES.get(key) or next(iter(difflib.get_close_matches(key, NAMES, n=1)), None)
    question = "" if meant is None else f": did you mean {meant!r}?"
    return ArgumentError(
        f"activation has to be one of {', '.join(NAMES)}, but got {name!r}{question}"
    )


def _of_module(module: torch.nn.Module) -> Activation:
    # Not isinstance: a subclass may compute something else.
    kind, attributes = type(module), vars(module)
    if kind is torch.nn.GELU:
        return Activation("gelu_tanh" if attributes["approximate"] == "tanh" else "gelu")
    if kind is torch.nn.LeakyReLU:
        return Activation("leaky_relu", float(attributes["negative_slope"]))
    if kind is torch.nn.ELU:
        return Activation("elu", float(attributes["alpha"]))
    if kind in MODULES:
        return Activation(MODULES[kind])
    raise ArgumentError(
        f"activation has to be one of {', '.join(NAMES)}, but got the module {module!r}, which has "
        "no fused kernel: put it behind the layer with torch.nn.Sequential, the layer's activation "
        "being 'identity'"
    )


MODULES: dict[type[torch.nn.Module], str] = {
    torch.nn.Identity: "identity",
    torch.nn.ReLU: "relu",
    torch.nn.Sigmoid: "sigmoid",
    torch.nn.Tanh: "tanh",
    torch.nn.SiLU: "silu",
    torch.nn.Hardswish: "hardswish",
    torch.nn.Mish: "mish",
}

MAKERS: dict[str, Callable[[float], torch.nn.Module]] = {
    "identity": lambda _: torch.nn.Identity(),
    "relu": lambda _: torch.nn.ReLU(),
    "leaky_relu": torch.nn.LeakyReLU,
    "sigmoid": lambda _: torch.nn.Sigmoid(),
    "tanh": lambda _: torch.nn.Tanh(),
    "gelu": lambda _: torch.nn.GELU(),
    "gelu_tanh": lambda _: torch.nn.GELU(approximate="tanh"),
    "silu": lambda _: torch.nn.SiLU(),
    "elu": torch.nn.ELU,
    "hardswish": lambda _: torch.nn.Hardswish(),
    "mish": lambda _: torch.nn.Mish(),
}
"""What makes torch's layer of an activation, from the activation's parameter."""


def as_module(activation: Activation) -> torch.nn.Module:
    """Return the layer of torch.nn that an activation stands for: `as_activation` the other way."""
    return MAKERS[activation.name](activation.parameter)
