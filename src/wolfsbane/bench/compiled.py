"""torch.compile as a contender, where it can run."""

from collections.abc import Callable
from typing import Any

import torch

LONGEST_REASON = 160
"""Characters of torch.compile's own words that are repeated."""


def compiled(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return the function compiled for the shapes it is called with; compiled at the first call."""
    from torch._inductor import config  # noqa: PLC0415  # a second or more

    # A pool of compiling processes would take the cores from what is timed next.
    config.compile_threads = 1
    torch._dynamo.reset()  # noqa: SLF001
    result: Callable[..., Any] = torch.compile(function, dynamic=False)
    return result


def why_not(error: Exception) -> str:
    """Return in one line why torch.compile could not run."""
    cause: BaseException = error
    while cause.__cause__ is not None:
        cause = cause.__cause__
    lines = [line.strip() for line in str(cause).splitlines() if line.strip()]
    said = lines[0] if lines else "without a word"
    return f"torch.compile failed: {type(cause).__name__}: {said}"[:LONGEST_REASON]
