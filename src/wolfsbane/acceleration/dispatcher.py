"""Overrides in torch's dispatcher. What torch keeps private is used here and nowhere else.

An override takes the place of torch's kernel for one operator and one dispatch key. The dispatcher
hands it the key set of the call, which tells of everything that could be between a call and plain
memory: a fake tensor, a dispatch mode, a functorch transform, a lazy negation or zero, a sparse
layout. A call is routed only where the key set is exactly that of dense CPU tensors.
"""

import contextlib
import functools
import warnings
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, ParamSpec, TypeVar

import torch
from torch import Tensor
from torch._C import DispatchKey, DispatchKeySet
from torch._ops import OpOverload

from wolfsbane.kernels.transforms import hidden_from_compiler

P = ParamSpec("P")
R = TypeVar("R")
Kernel = Callable[..., Any]

CPU, AUTOGRAD_CPU = "CPU", "AutogradCPU"
"""The dispatch keys under which a call on CPU tensors arrives: below autograd, and with it."""

_PLAIN_TYPES = (Tensor, torch.nn.Parameter)

RETIRED_KERNELS = 5000
"""How many removed overrides are kept in memory, for threads still on their way into them.

A thread that has looked up an override and waits for the interpreter's lock would otherwise come
back to freed memory: a crash within seconds where one thread switches and two others compute.
These are 270 rounds of on and off, some 100 ms; a thread waits for its turn 5 ms.
"""

_retired: deque[Any] = deque(maxlen=RETIRED_KERNELS)


@dataclass(frozen=True)
class Override:
    """A kernel that takes the key set of a call and its arguments, and where it belongs."""

    operator: OpOverload[..., Any]
    key: str
    kernel: Kernel


class Overrides:
    """Overrides that are in force from construction until `remove`."""

    def __init__(self, overrides: Iterable[Override]) -> None:
        self._overrides = tuple(overrides)
        self._library = torch.library.Library("aten", "IMPL")
        try:
            with _without_override_warning():
                for override in self._overrides:
                    self._register(override)
        except BaseException:
            self.remove()
            raise
        self._forget_resolutions()

    def _register(self, override: Override) -> None:
        self._library.impl(
            override.operator,
            override.kernel,
            override.key,
            with_keyset=True,
            allow_override=True,
        )
        _retired.append(torch.library.get_kernel(override.operator, override.key))

    def remove(self) -> None:
        """Give torch its own kernels back."""
        self._library._destroy()  # noqa: SLF001
        self._forget_resolutions()

    def _forget_resolutions(self) -> None:
        # What the Python dispatcher (used while compiling) has looked up for these operators.
        for override in self._overrides:
            override.operator._dispatch_cache.clear()  # noqa: SLF001


@contextlib.contextmanager
def _without_override_warning() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Warning only once for all operators", UserWarning)
        yield


def plain_keys(key: str) -> int:
    """Return the key set of a call on dense CPU tensors that arrives at `key`, as raw bits."""
    return DispatchKeySet(DispatchKey.CPU).add(getattr(DispatchKey, key)).raw_repr()


def is_plain(tensor: Tensor) -> bool:
    """Whether a tensor is torch's own class: a subclass may have a mind of its own."""
    return type(tensor) in _PLAIN_TYPES


def composite_kernel(operator: OpOverload[..., Any]) -> Kernel:
    """Return torch's own kernel, in C++, of an operator that torch composes of others."""
    return functools.partial(operator._op_dk, DispatchKey.CompositeImplicitAutograd)  # noqa: SLF001


def is_compiling(keys: DispatchKeySet) -> bool:
    """Whether torch looks for kernels in Python first: `OpOverload.decompose` is its own then."""
    return keys.has(DispatchKey.PythonDispatcher)


def cpu_kernel(operator: OpOverload[..., Any]) -> Kernel:
    """Return torch's own CPU kernel. It runs without the interpreter's lock.

    (One from `torch.library.get_kernel` holds it, and other threads stand still.)
    """
    return functools.partial(operator._op_dk, DispatchKey.CPU)  # noqa: SLF001


def without_torch_function(kernel: Kernel) -> Kernel:
    """Return a kernel in which torch's functions are just that, as they are in C++.

    Backward calls kernels while a TorchFunctionMode may be on, such as `torch.device("meta")`.
    """

    @hidden_from_compiler
    @functools.wraps(kernel)
    def guarded(*args: Any) -> Any:
        with torch._C.DisableTorchFunction():  # noqa: SLF001
            return kernel(*args)

    return guarded
