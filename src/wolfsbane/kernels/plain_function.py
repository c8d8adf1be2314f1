"""Autograd functions of plain tensors."""

from typing import Any

import torch


class PlainFunction(torch.autograd.Function):
    """A function that is never called under torch.func or a trace: `select` sees to that.

    So `apply` may leave out what torch does for those before it calls autograd, which takes it
    about two microseconds: as long as a small dropout itself.
    """

    @classmethod
    def apply(cls, *args: Any) -> Any:
        """Record the function and return its result."""
        return super(torch.autograd.Function, cls).apply(*args)  # type: ignore[misc]  # no stub
