"""Models that torch.compile has wrapped: of their copies, what was wrapped is called itself.

The wrapper calls what it has compiled past the module, so that a trace would take the operations of
that module for the wrapper's own.
"""

import functools
from collections.abc import Callable
from typing import Any

from torch.nn import Module

WRAPPER = "OptimizedModule"
"""What torch.compile returns. To import the class would import the compiler."""

WRAPPED = "_orig_mod"


def call_uncompiled(twin: Module) -> None:
    """Let the wrappers in a copy of a model call the modules that they wrap."""
    for module in list(twin.modules()):
        if type(module).__name__ == WRAPPER and WRAPPED in module._modules:  # noqa: SLF001
            module.__dict__["forward"] = _calling(module.get_submodule(WRAPPED))


def _calling(module: Module) -> Callable[..., Any]:
    @functools.wraps(module.forward)
    def called(*args: Any, **kwargs: Any) -> Any:
        return module(*args, **kwargs)

    return called
