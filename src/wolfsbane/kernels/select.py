"""Which executor runs an operation, and why.

Executors are listed fastest first; the first one that can run an operation on a tensor does. What
an executor needs is a list of conditions with their words, so that the choice and its explanation
cannot differ.
"""

import importlib.util
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import cache
from typing import cast

import torch
from torch import Tensor

from wolfsbane.errors import ArgumentError, ArgumentTypeError
from wolfsbane.kernels.executor import Executor
from wolfsbane.kernels.transforms import is_transformed

OPERATIONS = (
    "dropout",
    "batch_norm",
    "batch_norm_act_dropout",
    "bias_act_dropout",
    "dropout_add",
)

EXECUTORS = ("gpu", "cpu", "reference")
"""Fastest first."""

DTYPES = {
    "gpu": frozenset({torch.float32, torch.bfloat16, torch.float16}),
    "cpu": frozenset({torch.float32, torch.float64, torch.bfloat16}),
}

OLDEST_TRITON = (3, 6)

_forced: ContextVar[str | None] = ContextVar("wolfsbane_executor", default=None)


@dataclass(frozen=True)
class Condition:
    """What an executor needs of a tensor, and what is said where it is not so."""

    holds: Callable[[Tensor], bool]
    otherwise: Callable[[Tensor], str]


@cache
def _has_numba() -> bool:
    return all(importlib.util.find_spec(name) for name in ("numba", "llvmlite"))


@cache
def _is_numba_off() -> bool:
    return os.environ.get("NUMBA_DISABLE_JIT", "0") not in {"", "0"}


@cache
def _has_triton() -> bool:
    if not importlib.util.find_spec("triton"):
        return False
    version = importlib.import_module("triton").__version__
    return tuple(int(number) for number in version.split(".")[:2]) >= OLDEST_TRITON


@cache
def is_interpreted() -> bool:
    """Tell whether Triton interprets its kernels, on any device; it asks when it is imported."""
    return os.environ.get("TRITON_INTERPRET", "").lower() in {"1", "true", "yes", "on", "y"}


@cache
def _kernels(executor: str) -> Executor | None:
    """Return an executor's kernels; they are imported where they are first chosen."""
    if executor == "reference":
        return None
    return cast("Executor", importlib.import_module(f"wolfsbane.kernels.{executor}"))


_PLAIN_TYPES = frozenset({Tensor, torch.nn.Parameter})


def _is_memory(tensor: Tensor) -> bool:
    """Tell whether a tensor is numbers in memory: no subclass, no wrapper of a transformation.

    Nor a view that says they are negative (of a conjugate's imaginary part), nor torch's zeros
    without memory, which autograd passes on as gradients, nor a lazy copy, which asking for its
    address would make a real one.
    """
    return (
        type(tensor) in _PLAIN_TYPES
        and tensor.layout is torch.strided
        and torch._C._has_storage(tensor)  # noqa: SLF001
        and not tensor.is_neg()
        and not tensor._is_zerotensor()  # noqa: SLF001
        and not torch._C._is_cow_tensor(tensor)  # type: ignore[attr-defined]  # noqa: SLF001
    )


_NOT_TRANSFORMED = Condition(
    lambda _: not is_transformed(),
    lambda _: (
        "it reads memory, which a transformation (torch.func, forward-mode AD, tracing, compiling, "
        "a dispatch mode) would not see"
    ),
)
_IN_MEMORY = Condition(
    _is_memory,
    lambda tensor: (
        f"it reads numbers from memory, and this is a {type(tensor).__name__} with layout "
        f"{tensor.layout}, whose numbers do not lie there"
    ),
)

CONDITIONS: dict[str, tuple[Condition, ...]] = {
    "gpu": (
        Condition(
            lambda tensor: tensor.is_cuda or (is_interpreted() and tensor.is_cpu),
            lambda tensor: f"the tensor is on {tensor.device}, not on a GPU",
        ),
        Condition(
            lambda tensor: tensor.is_cuda or _forced.get() == "gpu",
            lambda _: "on a CPU, Triton's interpreter runs only where use_executor('gpu') asks",
        ),
        Condition(
            lambda tensor: tensor.dtype in DTYPES["gpu"],
            lambda tensor: f"it computes float32, bfloat16 and float16, not {tensor.dtype}",
        ),
        # Before the next, which would blame the tensor for being a transformation's wrapper.
        _NOT_TRANSFORMED,
        _IN_MEMORY,
        Condition(
            lambda _: _has_triton(),
            lambda _: "Triton 3.6 or newer is not installed: pip install 'triton>=3.6'",
        ),
    ),
    "cpu": (
        Condition(
            lambda tensor: tensor.is_cpu,
            lambda tensor: f"the tensor is on {tensor.device}, not on a CPU",
        ),
        Condition(
            lambda tensor: tensor.dtype in DTYPES["cpu"],
            lambda tensor: f"it computes float32, float64 and bfloat16, not {tensor.dtype}",
        ),
        _NOT_TRANSFORMED,
        _IN_MEMORY,
        Condition(lambda _: _has_numba(), lambda _: "Numba is not installed: pip install numba"),
        Condition(
            lambda _: not _is_numba_off(),
            lambda _: "Numba is switched off: unset the environment variable NUMBA_DISABLE_JIT",
        ),
    ),
    "reference": (),
}


@dataclass(frozen=True)
class Choice:
    """The executor that runs an operation on a tensor, and why not a faster one."""

    operation: str
    executor: str
    reason: str
    obstacles: tuple[tuple[str, str], ...]
    """(executor, why not), for each executor that cannot."""

    def __str__(self) -> str:
        """Say it in words, a line for each executor."""
        lines = [f"{self.operation} runs on {self.executor}: {self.reason}"]
        return "\n".join(lines + [f"  not on {name}: {why}" for name, why in self.obstacles])


def _obstacle(executor: str, input: Tensor) -> str | None:
    """Return the first condition that does not hold, in words."""
    for condition in CONDITIONS[executor]:
        if not condition.holds(input):
            return condition.otherwise(input)
    return None


REASONS = {
    "cpu": "compiled kernels (Numba)",
    "gpu": "compiled kernels (Triton)",
    "reference": "plain torch operations, which run everywhere",
}


def choose(operation: str, input: Tensor) -> Choice:
    """Return the executor for an operation, with the reasons.

    Raises:
        ArgumentError: the executor that `use_executor` forces cannot run it.
    """
    found = {name: _obstacle(name, input) for name in EXECUTORS}
    obstacles = tuple((name, why) for name, why in found.items() if why is not None)
    forced = _forced.get()
    if forced is not None:
        why = found[forced]
        if why is not None:
            raise ArgumentError(
                f"use_executor({forced!r}) asks for an executor that cannot run {operation} here: "
                f"{why}. Leave the choice free, or name another: {', '.join(sorted(EXECUTORS))}"
            )
        return Choice(operation, forced, f"use_executor({forced!r}) asks for it", obstacles)
    executor = next(name for name, why in found.items() if why is None)
    return Choice(operation, executor, REASONS[executor], obstacles)


def executor_for(operation: str, input: Tensor, *others: Tensor | None) -> Executor | None:
    """Return the compiled kernels that are chosen, or None for the reference: `choose`, wordless.

    Args:
        operation: one of `OPERATIONS`.
        input: what it is chosen for.
        others: further operands, for which the same holds.
    """
    if torch.compiler.is_compiling():  # first: torch.compile can trace this, and not the rest
        return None
    if _forced.get() is not None:
        operands = [input, *(other for other in others if other is not None)]
        chosen = {choose(operation, operand).executor for operand in operands}
        return _kernels(chosen.pop()) if len(chosen) == 1 else None
    if is_transformed():
        return None
    name = "cpu" if input.is_cpu else "gpu"
    if not (_is_computed(name, input) and (_has_triton() if input.is_cuda else _has_numba())):
        return None
    for other in others:
        if other is not None and not _is_computed(name, other):
            return None
    return None if name == "cpu" and _is_numba_off() else _kernels(name)


def _is_computed(executor: str, tensor: Tensor) -> bool:
    on_device = tensor.is_cpu if executor == "cpu" else tensor.is_cuda
    return on_device and tensor.dtype in DTYPES[executor] and _is_memory(tensor)


@contextmanager
def use_executor(executor: str) -> Iterator[None]:
    """Force the executor of every wolfsbane operation in a `with` block (of this thread or task).

    A forced executor never falls back: what it cannot run raises. What is no executor's work stays
    torch's own operation: evaluation of a plain batch norm, an addition without dropout, an empty
    input, and what torch.compile traces. Synchronised batch norm is always the reference's.

    Args:
        executor: "reference" (plain torch operations), "cpu" (Numba) or "gpu" (Triton).

    Raises:
        ArgumentTypeError: `executor` is not a string.
        ArgumentError: there is no such executor; in the block: it cannot run an operation.

    Examples:
        >>> from wolfsbane import functional as F
        >>> with use_executor("reference"):
        ...     _ = torch.manual_seed(0)
        ...     slow = F.dropout(torch.ones(1000))
        >>> _ = torch.manual_seed(0)
        >>> torch.equal(F.dropout(torch.ones(1000)), slow)
        True
    """
    if not isinstance(executor, str):
        raise ArgumentTypeError(
            f"executor has to be one of {', '.join(sorted(EXECUTORS))}, but got {executor!r} (of "
            f"type {type(executor).__name__})"
        )
    if executor not in EXECUTORS:
        raise ArgumentError(
            f"executor has to be one of {', '.join(sorted(EXECUTORS))}, but got {executor!r}"
        )
    token = _forced.set(executor)
    try:
        yield
    finally:
        _forced.reset(token)


def explain(operation: str, input: Tensor) -> Choice:
    """Say which executor would run an operation on a tensor, and why; nothing is computed.

    Args:
        operation: "dropout", "batch_norm", "batch_norm_act_dropout", "bias_act_dropout" or
            "dropout_add".
        input: the tensor that the operation would get. Only its kind is looked at.

    Returns:
        A `Choice`: `executor`, `reason`, `obstacles`. Printed, it is a few lines of text.

    Raises:
        ArgumentError: there is no such operation, or a forced executor cannot run it.
        ArgumentTypeError: `input` is not a tensor.

    Examples:
        >>> print(explain("dropout", torch.ones(3, dtype=torch.float16)))
        dropout runs on reference: plain torch operations, which run everywhere
          not on gpu: the tensor is on cpu, not on a GPU
          not on cpu: it computes float32, float64 and bfloat16, not torch.float16
    """
    if operation not in OPERATIONS:
        raise ArgumentError(
            f"operation has to be one of {', '.join(OPERATIONS)}, but got {operation!r}"
        )
    if not isinstance(input, Tensor):
        raise ArgumentTypeError(
            f"explain needs the tensor that {operation} would get, but got {input!r} (of type "
            f"{type(input).__name__})"
        )
    return choose(operation, input)
