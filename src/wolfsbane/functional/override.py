"""How classes that stand for tensors see our functions: by `__torch_function__`, as torch's."""

import functools
from collections.abc import Callable
from typing import ParamSpec, TypeVar

import torch
from torch.overrides import handle_torch_function, has_torch_function_unary

from wolfsbane.arguments import explain_unknown_arguments

P = ParamSpec("P")
R = TypeVar("R")

_PLAIN_TYPES = frozenset({torch.Tensor, torch.nn.Parameter})


def overridable(function: Callable[P, R]) -> Callable[P, R]:
    """Let the first argument's class override a public function, and explain unknown arguments.

    So torch.fx records one call of the function, and a subclass of Tensor gets its own result.
    """
    explained = explain_unknown_arguments(function)

    @functools.wraps(function)
    def called(*args: P.args, **kwargs: P.kwargs) -> R:
        input = args[0] if args else None
        if type(input) in _PLAIN_TYPES or not has_torch_function_unary(input):
            return explained(*args, **kwargs)
        return handle_torch_function(called, (input,), *args, **kwargs)

    return called
