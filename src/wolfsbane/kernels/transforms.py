"""Transformations of torch that look at what is done: a kernel that reads memory would be missed.

torch.compile traces these questions, and takes their answers for constants of its graph.
"""

from collections.abc import Callable
from typing import ParamSpec, TypeVar

import torch
from torch.autograd import forward_ad
from torch.compiler import is_compiling

from wolfsbane.errors import UnsupportedError

# By names of our own: these questions are asked in every call, and looking names up is half of it.
_is_under_functorch: Callable[[], bool] = torch._C._are_functorch_transforms_active  # noqa: SLF001
_num_modes: Callable[[], int] = torch._C._len_torch_dispatch_stack  # noqa: SLF001
_traced_graph: Callable[[], object] = torch._C._get_tracing_state  # noqa: SLF001

P = ParamSpec("P")
R = TypeVar("R")


def is_under_functorch() -> bool:
    """Tell whether a transform of torch.func is on: vmap, grad, jvp and so on."""
    return _is_under_functorch()


def is_transformed() -> bool:
    """Tell whether anything at all looks at what is done."""
    return (
        is_compiling()  # first: torch.compile cannot trace all of the others
        or _is_under_functorch()
        or forward_ad._current_level >= 0  # noqa: SLF001
        or _num_modes() > 0
        or _traced_graph() is not None
    )


def is_jit_traced() -> bool:
    """Tell whether torch.jit.trace records what is done."""
    return _traced_graph() is not None


def refuse_capture(device: torch.device) -> None:
    """Raise where a CUDA graph is captured: it would keep a key, which is drawn on the host.

    Raises:
        UnsupportedError: it is.
    """
    if device.type == "cuda" and torch.cuda.is_current_stream_capturing():
        raise UnsupportedError(
            "a CUDA graph would replay a dropout's key, drawn on the host: the same mask for ever. "
            "Capture in evaluation mode, or leave the dropout out of the graph; torch.compile "
            "(mode='reduce-overhead') does so by itself"
        )


def is_recorded() -> bool:
    """Tell whether operators are recorded by name: by torch.compile, or by a dispatch mode.

    There the operators of `library` stand for the kernels. torch.func and forward-mode derivatives
    look through the parts of an operation instead.
    """
    if _is_under_functorch() or forward_ad._current_level >= 0:  # noqa: SLF001
        return False
    # In this order: torch.compile can trace the first, and not the second.
    return is_compiling() or _num_modes() > 0


def hidden_from_compiler(function: Callable[P, R], reason: str = "") -> Callable[P, R]:
    """Return the function, marked so that torch.compile runs it and does not look into it.

    As `torch.compiler.disable` does, without importing the compiler (a second or more), and
    without a wrapper to be paid for at each call.

    Args:
        function: changed in place, and returned.
        reason: what torch.compile says where it may not break its graph.
    """
    dynamo = torch._C._dynamo.eval_frame  # noqa: SLF001
    skip = dynamo._FrameAction.SKIP  # noqa: SLF001
    here_and_below = dynamo._FrameExecStrategy(skip, skip)  # noqa: SLF001
    dynamo.set_code_exec_strategy(function.__code__, here_and_below)
    function._torchdynamo_disable = True  # type: ignore[attr-defined]  # noqa: SLF001
    function._torchdynamo_disable_msg = reason or None  # type: ignore[attr-defined]  # noqa: SLF001
    return function
