"""Blocks of layers as autograd sees them: one pass over memory forward, one or two backward.

The compiled kernels save the input, per-channel statistics and the mask's key, and compute all else
again. Where they cannot run, and where a backward is itself differentiated, a block is the
composition of its differentiable parts, with the same mask.
"""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from wolfsbane.kernels import reference
from wolfsbane.kernels.batch_norm import batch_norm_train, update_running
from wolfsbane.kernels.block import Norm, Running, Tail
from wolfsbane.kernels.cpu import batch_norm as cpu_batch_norm
from wolfsbane.kernels.cpu import bias_act_dropout as cpu_bias
from wolfsbane.kernels.dropout import masked_affine
from wolfsbane.kernels.plain_function import PlainFunction
from wolfsbane.kernels.reference import HALF_PRECISION
from wolfsbane.kernels.select import runs_on_cpu
from wolfsbane.mask import scale


def batch_norm_act_dropout(
    input: Tensor, norm: Norm, tail: Tail, running: Running | None
) -> Tensor:
    """Return dropout(act(batch_norm(input))); differentiable.

    Args:
        input: (N, C, *), not empty.
        norm: gamma, beta, eps, and whether the batch's statistics are used.
        tail: activation, rate and key.
        running: moved towards the batch's statistics where those are used; else what is used.
    """
    if not _is_compiled(input, norm, tail, running):
        return _composed_batch_norm(input, norm, tail, running)
    if running is None or _is_addressable(running):
        output, _ = compiled_batch_norm(input, norm, tail, running)
        return output
    mean, var = running.mean.contiguous(), running.var.to(running.mean.dtype).contiguous()
    output, _ = compiled_batch_norm(input, norm, tail, Running(mean, var, running.momentum))
    with torch.no_grad():
        running.mean.copy_(mean)
        running.var.copy_(var)
    return output


def compiled_batch_norm(
    input: Tensor, norm: Norm, tail: Tail, running: Running | None
) -> tuple[Tensor, Tensor]:
    """Return the output, and the (2, C) float64 means and variances it was normalised with."""
    weight = None if norm.weight is None else norm.weight.contiguous()
    bias = None if norm.bias is None else norm.bias.contiguous()
    output, statistics = _CompiledBatchNorm.apply(
        input, weight, bias, (norm.eps, norm.uses_batch, tail), running
    )
    return output, statistics


def _is_compiled(input: Tensor, norm: Norm, tail: Tail, running: Running | None) -> bool:
    operation = "batch_norm" if tail.is_empty else "batch_norm_act_dropout"
    past = () if running is None else (running.mean, running.var)
    return runs_on_cpu(operation, input, norm.weight, norm.bias, *past)


def _is_addressable(running: Running) -> bool:
    """Tell whether a kernel can write running statistics where they are."""
    return (
        running.mean.is_contiguous()
        and running.var.is_contiguous()
        and running.mean.dtype is running.var.dtype
    )


def _composed_batch_norm(input: Tensor, norm: Norm, tail: Tail, running: Running | None) -> Tensor:
    # Half precision is rounded once, at the end of the block.
    wide = input.float() if input.dtype in HALF_PRECISION and not tail.is_empty else input
    if norm.uses_batch:
        output, statistics = batch_norm_train(wide, norm.weight, norm.bias, norm.eps)
        if running is not None:
            update_running(running, statistics)
    else:
        assert running is not None
        output = reference.normalise(
            wide, running.mean, running.var, norm.weight, norm.bias, norm.eps
        )
    return _composed_tail(output, tail).to(input.dtype)


def _composed_tail(input: Tensor, tail: Tail) -> Tensor:
    output = tail.activation(input)
    if tail.p == 0.0:
        return output
    return masked_affine(output, tail.p, tail.key, tuple(input.shape), _zeroing(tail.p))


def _zeroing(p: float) -> tuple[float, float, float]:
    return (scale(p), 0.0, 0.0)


class _CompiledBatchNorm(PlainFunction):
    @staticmethod
    def forward(
        ctx: Any,
        input: Tensor,
        weight: Tensor | None,
        bias: Tensor | None,
        how: tuple[float, bool, Tail],
        running: Running | None,
    ) -> tuple[Tensor, Tensor]:
        eps, uses_batch, tail = how
        norm = Norm(weight, bias, eps, uses_batch)
        if uses_batch:
            statistics = torch.empty(2, input.size(1), dtype=torch.float64, device="cpu")
            output = cpu_batch_norm.forward(input, norm, tail, statistics, running)
            if running is not None:
                torch.autograd.graph.increment_version((running.mean, running.var))
        else:
            assert running is not None
            statistics = torch.stack([running.mean, running.var]).double()
            output = cpu_batch_norm.forward(input, norm, tail, statistics)
        ctx.save_for_backward(input, weight, bias, statistics)
        ctx.how = how
        ctx.mark_non_differentiable(statistics)
        ctx.set_materialize_grads(False)
        return output, statistics

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> Any:
        grad = grads[0]
        nothing = (None, None)
        if grad is None:
            return None, None, None, *nothing
        input, weight, bias, statistics = ctx.saved_tensors
        eps, uses_batch, tail = ctx.how
        norm = Norm(weight, bias, eps, uses_batch)
        if torch.is_grad_enabled() or not runs_on_cpu("batch_norm", grad):
            past = None if uses_batch else Running(*statistics.unbind())

            def block(input: Tensor, weight: Tensor | None, bias: Tensor | None) -> Tensor:
                return _composed_batch_norm(input, Norm(weight, bias, eps, uses_batch), tail, past)

            return *_composed_gradients(block, (input, weight, bias), grad), *nothing
        grad_input, grad_weight, grad_bias = cpu_batch_norm.backward(
            grad, input, norm, tail, statistics
        )
        return (
            grad_input,
            None if weight is None else grad_weight.to(weight.dtype),
            None if bias is None else grad_bias.to(bias.dtype),
            *nothing,
        )


def _composed_gradients(
    block: Any, tensors: Sequence[Tensor | None], grad: Tensor
) -> list[Tensor | None]:
    """Return the gradients of a block's composition, themselves differentiable where that is on."""
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


def bias_act_dropout(input: Tensor, bias: Tensor | None, tail: Tail) -> Tensor:
    """Return dropout(act(input + bias)), the bias along the last dimension; differentiable."""
    if not runs_on_cpu("bias_act_dropout", input, bias):
        return _composed_bias(input, bias, tail)
    output: Tensor = _CompiledBias.apply(input, bias, tail)
    return output


def _composed_bias(input: Tensor, bias: Tensor | None, tail: Tail) -> Tensor:
    wide = input.float() if input.dtype in HALF_PRECISION else input
    wide = wide if bias is None else wide + bias
    return _composed_tail(wide, tail).to(input.dtype)


class _CompiledBias(PlainFunction):
    @staticmethod
    def forward(ctx: Any, input: Tensor, bias: Tensor | None, tail: Tail) -> Tensor:
        ctx.save_for_backward(input, bias)
        ctx.tail = tail
        return cpu_bias.forward(input, bias, tail)

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> Any:
        input, bias = ctx.saved_tensors
        if torch.is_grad_enabled() or not runs_on_cpu("bias_act_dropout", grads[0]):

            def block(input: Tensor, bias: Tensor | None) -> Tensor:
                return _composed_bias(input, bias, ctx.tail)

            return *_composed_gradients(block, (input, bias), grads[0]), None
        grad_input, sums = cpu_bias.backward(grads[0], input, bias, ctx.tail)
        return grad_input, None if bias is None or sums is None else sums.to(bias.dtype), None
