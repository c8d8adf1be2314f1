"""Blocks of layers composed of their differentiable parts, where no compiled kernel can run them.

So it is under torch.func, where a backward is itself differentiated, and on other devices. The
masks are the same; half precision is rounded once, at the end of a block.
"""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from wolfsbane.kernels import reference
from wolfsbane.kernels.batch_norm import batch_norm_train, update_running
from wolfsbane.kernels.block import Norm, Running, Tail
from wolfsbane.kernels.dropout import masked_affine
from wolfsbane.kernels.reference import HALF_PRECISION, Statistics
from wolfsbane.mask import scale


def batch_norm_act_dropout(
    input: Tensor, norm: Norm, tail: Tail, running: Running | None
) -> tuple[Tensor, Statistics | None]:
    """Return dropout(act(batch_norm(input))), and the batch's statistics where those are used.

    Running statistics are moved towards them, or used themselves.
    """
    wide = input.float() if input.dtype in HALF_PRECISION and not tail.is_empty else input
    statistics = None
    if norm.uses_batch:
        output, statistics = batch_norm_train(wide, norm.weight, norm.bias, norm.eps)
        if running is not None:
            update_running(running, statistics)
    else:
        assert running is not None
        output = reference.normalise(
            wide, running.mean, running.var, norm.weight, norm.bias, norm.eps
        )
    return _tail(output, tail).to(input.dtype), statistics


def evaluation(input: Tensor, norm: Norm, tail: Tail, running: Running | None) -> Tensor:
    """Return act(batch_norm(input)) of torch's own operators, with running statistics."""
    assert running is not None
    output = torch.nn.functional.batch_norm(
        input, running.mean, running.var, norm.weight, norm.bias, eps=norm.eps
    )
    return tail.activation(output)


def bias_act_dropout(input: Tensor, bias: Tensor | None, tail: Tail) -> Tensor:
    """Return dropout(act(input + bias)), the bias along the last dimension."""
    wide = input.float() if input.dtype in HALF_PRECISION else input
    wide = wide if bias is None else wide + bias
    return _tail(wide, tail).to(input.dtype)


def _tail(input: Tensor, tail: Tail) -> Tensor:
    output = tail.activation(input)
    return drop(output, tail) if tail.has_dropout else output


def drop(input: Tensor, tail: Tail) -> Tensor:
    """Return dropout(input)."""
    zeroing = (scale(tail.p), 0.0, 0.0)
    return masked_affine(input, tail.p, tail.key, tuple(input.shape), zeroing, tail.start)


def gradients(block: Any, tensors: Sequence[Tensor | None], grad: Tensor) -> list[Tensor | None]:
    """Return the gradients of a composed block, themselves differentiable where that is on."""
    create_graph = torch.is_grad_enabled()
    with torch.enable_grad():
        operands = [None if tensor is None else _alias(tensor, create_graph) for tensor in tensors]
        output = block(*operands)
        wanted = [operand for operand in operands if operand is not None and operand.requires_grad]
        found = iter(torch.autograd.grad(output, wanted, grad, create_graph=create_graph))
    return [
        next(found) if operand is not None and operand.requires_grad else None
        for operand in operands
    ]


def _alias(tensor: Tensor, create_graph: bool) -> Tensor:
    """Return a tensor of the same numbers that no other operand is, or is computed from.

    Differentiated with respect to the operands themselves, a block whose bias is computed from its
    input would count that way twice, and their hooks would run.
    """
    if not create_graph:
        return tensor.detach().requires_grad_()
    return tensor.view_as(tensor) if tensor.requires_grad else tensor
