"""Sums over the processes of a group, differentiable to any order."""

from dataclasses import dataclass
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor

from wolfsbane.kernels.transforms import hidden_from_compiler


@dataclass(frozen=True)
class AllReduceSum:
    """Sums a tensor over the ranks of `group` (all ranks where None), on any backend."""

    group: Any = None

    def __call__(self, tensor: Tensor) -> Tensor:
        total: Tensor = _AllReduceSum.apply(tensor, self.group)
        return total


# torch.compile (2.11) loses the backward of the function below, without a word.
hidden_from_compiler(AllReduceSum.__call__, "sums over processes are not compiled")


class _AllReduceSum(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, tensor: Tensor, group: Any) -> Tensor:
        ctx.group = group
        total = tensor.contiguous().clone()
        dist.all_reduce(total, op=dist.ReduceOp.SUM, group=group)
        return total

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> Any:
        # Every rank's input enters every rank's sum once.
        return _AllReduceSum.apply(grads[0], ctx.group), None
