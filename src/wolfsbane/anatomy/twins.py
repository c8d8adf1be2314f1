"""Copies of models, to be run and traced in their stead: the model itself stays as it is."""

import contextlib
import copy
import io
import logging
import warnings
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor
from torch.nn import Module

from wolfsbane.anatomy.example import Inputs
from wolfsbane.anatomy.randomness import preserved_randomness

HOOKS = ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks")
"""Where torch keeps a module's hooks that see, or may change, what it computes."""

LOGS = ("torch.fx.experimental.symbolic_shapes", "torch._subclasses.fake_tensor")
"""Loggers that tell, at length, why an export fails."""


def twin_of(model: Module, *, shared: bool = False) -> Module:
    """Return a copy of a model that has no hooks, and tensors of its own.

    With `shared` it has the parameters of the model itself: nothing must write into them.
    """
    memo: dict[int, Any] = {id(p): p for p in model.parameters()} if shared else {}
    for module in model.modules():
        for value in vars(module).values():
            if isinstance(value, torch.Generator):
                memo[id(value)] = torch.Generator(value.device)
            elif isinstance(value, Tensor) and not value.is_leaf:
                memo[id(value)] = value.detach().clone()
    twin = copy.deepcopy(model, memo)
    for module in twin.modules():
        for name in HOOKS:
            module.__dict__[name] = type(module.__dict__[name])()
    return twin


@contextlib.contextmanager
def quiet(model: Module, inputs: Inputs | None = None) -> Iterator[None]:
    """Run a copy of a model: no warnings, no gradients, no trace in the random number generators.

    A torch.export that fails logs a warning and prints the graph it had; its error says why.
    """
    logs = [(log, log.level) for log in map(logging.getLogger, LOGS)]
    printed = contextlib.redirect_stderr(io.StringIO())
    kept = preserved_randomness(model, inputs)
    with warnings.catch_warnings(), kept, torch.no_grad(), printed:
        warnings.simplefilter("ignore")
        for log, _ in logs:
            log.setLevel(logging.CRITICAL)
        try:
            yield
        finally:
            for log, level in logs:
                log.setLevel(level)


def in_short(error: Exception) -> str:
    """Return the first line of an error, of a bearable length."""
    text = next(iter(str(error).strip().splitlines()), "")
    return f"{type(error).__name__}: {text[:160]}"
