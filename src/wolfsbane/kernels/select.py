"""Which executor runs an operation, and why.

Executors are listed fastest first; the first one that can run an operation on a tensor does. What
an executor needs is a list of conditions with their words, so that the choice and its explanation
cannot differ.
"""

import importlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import cast

import torch
from torch import Tensor

from wolfsbane.errors import ArgumentError, ArgumentTypeError
from wolfsbane.kernels.conditions import (
    CONDITIONS,
    DTYPES,
    WITHOUT_KERNEL,
    forced,
    is_memory,
    is_usable,
)
from wolfsbane.kernels.executor import Executor
from wolfsbane.kernels.transforms import is_transformed

OPERATIONS = (
    "dropout",
    "batch_norm",
    "batch_norm_act_dropout",
    "bias_act_dropout",
    "dropout_add",
    "gaussian",
)

EXECUTORS = ("gpu", "cpu", "reference")
"""Fastest first."""


@cache
def _kernels(executor: str) -> Executor | None:
    """Return an executor's kernels; they are imported where they are first chosen."""
    if executor == "reference":
        return None
    return cast("Executor", importlib.import_module(f"wolfsbane.kernels.{executor}"))


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


def _obstacle(operation: str, executor: str, input: Tensor) -> str | None:
    """Return the first condition that does not hold, in words."""
    for condition in CONDITIONS[executor]:
        if not condition.holds(input):
            return condition.otherwise(input)
    if operation in WITHOUT_KERNEL[executor]:
        return f"it has no kernel for {operation}"
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
    found = {name: _obstacle(operation, name, input) for name in EXECUTORS}
    obstacles = tuple((name, why) for name, why in found.items() if why is not None)
    asked = forced.get()
    if asked is not None:
        why = found[asked]
        if why is not None:
            raise ArgumentError(
                f"use_executor({asked!r}) asks for an executor that cannot run {operation} here: "
                f"{why}. Leave the choice free, or name another: {', '.join(sorted(EXECUTORS))}"
            )
        return Choice(operation, asked, f"use_executor({asked!r}) asks for it", obstacles)
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
    if forced.get() is not None:
        operands = [input, *(other for other in others if other is not None)]
        chosen = {choose(operation, operand).executor for operand in operands}
        return _kernels(chosen.pop()) if len(chosen) == 1 else None
    if is_transformed():
        return None
    name = "cpu" if input.is_cpu else "gpu"
    if operation in WITHOUT_KERNEL[name] or not _is_computed(name, input):
        return None
    for other in others:
        if other is not None and not _is_computed(name, other):
            return None
    return _kernels(name) if is_usable(name) else None


def _is_computed(executor: str, tensor: Tensor) -> bool:
    on_device = tensor.is_cpu if executor == "cpu" else tensor.is_cuda
    return on_device and tensor.dtype in DTYPES[executor] and is_memory(tensor)


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
    token = forced.set(executor)
    try:
        yield
    finally:
        forced.reset(token)


def explain(operation: str, input: Tensor) -> Choice:
    """Say which executor would run an operation on a tensor, and why; nothing is computed.

    Args:
        operation: "dropout", "batch_norm", "batch_norm_act_dropout", "bias_act_dropout",
            "dropout_add" or "gaussian" (Gaussian dropout and noise).
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
