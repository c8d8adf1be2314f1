"""How classes and modes see our functions: by `__torch_function__`, as torch's."""

import functools
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from torch.overrides import handle_torch_function, has_torch_function_unary

from wolfsbane.arguments import raise_explained

P = ParamSpec("P")
R = TypeVar("R")


def overridable(function: Callable[P, R]) -> Callable[P, R]:
    """Let the first argument's class override a public function, and explain unknown arguments.

    So torch.fx records one call of the function, a subclass of Tensor gets its own result, and a
    TorchFunctionMode sees the call, as it sees those of torch.nn.functional.
    """

    @functools.wraps(function)
    def called(*args: P.args, **kwargs: P.kwargs) -> R:
        first = args[0] if args else kwargs.get("input")
        if has_torch_function_unary(first):
            return handle_torch_function(called, (first,), *args, **kwargs)
        try:
            return function(*args, **kwargs)
        except TypeError as error:
            raise_explained(error, function, args, kwargs)

    return called
