"""What an executor needs of a tensor and of the installation, each with its words."""

import importlib
import importlib.util
import os
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass
from functools import cache

import torch
from torch import Tensor

from wolfsbane.kernels.transforms import is_transformed

DTYPES = {
    "gpu": frozenset({torch.float32, torch.bfloat16, torch.float16}),
    "cpu": frozenset({torch.float32, torch.float64, torch.bfloat16}),
}

WITHOUT_KERNEL = {"gpu": frozenset({"gaussian"}), "cpu": frozenset(), "reference": frozenset()}
"""Operations that an executor leaves to the reference, whatever the tensor."""

OLDEST_TRITON = (3, 6)

forced: ContextVar[str | None] = ContextVar("wolfsbane_executor", default=None)
"""The executor that `use_executor` asks for."""


@dataclass(frozen=True)
class Condition:
    """What an executor needs of a tensor, and what is said where it is not so."""

    holds: Callable[[Tensor], bool]
    otherwise: Callable[[Tensor], str]


@cache
def has_numba() -> bool:
    """Tell whether Numba is installed."""
    return all(importlib.util.find_spec(name) for name in ("numba", "llvmlite"))


@cache
def is_numba_off() -> bool:
    """Tell whether Numba is switched off; it asks when it is imported."""
    return os.environ.get("NUMBA_DISABLE_JIT", "0") not in {"", "0"}


@cache
def has_triton() -> bool:
    """Tell whether a Triton is installed that is new enough."""
    if not importlib.util.find_spec("triton"):
        return False
    version = importlib.import_module("triton").__version__
    return tuple(int(number) for number in version.split(".")[:2]) >= OLDEST_TRITON


@cache
def is_interpreted() -> bool:
    """Tell whether Triton interprets its kernels, on any device; it asks when it is imported."""
    return os.environ.get("TRITON_INTERPRET", "").lower() in {"1", "true", "yes", "on", "y"}


_PLAIN_TYPES = frozenset({Tensor, torch.nn.Parameter})


def is_memory(tensor: Tensor) -> bool:
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
    is_memory,
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
            lambda tensor: tensor.is_cuda or forced.get() == "gpu",
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
            lambda _: has_triton(),
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
        Condition(lambda _: has_numba(), lambda _: "Numba is not installed: pip install numba"),
        Condition(
            lambda _: not is_numba_off(),
            lambda _: "Numba is switched off: unset the environment variable NUMBA_DISABLE_JIT",
        ),
    ),
    "reference": (),
}


@cache
def is_usable(executor: str) -> bool:
    """Tell whether the packages that an executor needs are there, and not switched off."""
    return has_triton() if executor == "gpu" else has_numba() and not is_numba_off()
