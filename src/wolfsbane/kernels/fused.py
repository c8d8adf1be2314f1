"""Blocks of layers as autograd sees them: one pass over memory forward, one or two backward.

The compiled kernels save the input, per-channel statistics and the mask's key, and compute all else
again. Where they cannot run, and where a backward is itself differentiated, a block is a
`composition` with the same mask.
"""

from typing import Any, cast

import torch
from torch import Tensor

from wolfsbane.kernels import composition
from wolfsbane.kernels.batch_norm import update_running
from wolfsbane.kernels.block import Norm, Running, Tail
from wolfsbane.kernels.executor import Executor
from wolfsbane.kernels.plain_function import PlainFunction
from wolfsbane.kernels.reference import Statistics, accumulator
from wolfsbane.kernels.select import executor_for
from wolfsbane.kernels.transforms import is_recorded
from wolfsbane.mask.key import key_as_tensor


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
    if is_recorded():
        if isinstance(tail.p, Tensor):
            kept = _recorded_batch_norm(input, norm, tail._replace(p=0.0), running)
            return composition.drop(kept, tail)
        return _recorded_batch_norm(input, norm, tail, running)
    executor = _executor(input, norm, tail, running)
    if executor is None:
        return composition.batch_norm_act_dropout(input, norm, tail, running)[0]
    if running is None or _is_addressable(running):
        return compiled_batch_norm(executor, input, norm, tail, running)[0]
    mean, var = running.mean.contiguous(), running.var.to(running.mean.dtype).contiguous()
    output, _ = compiled_batch_norm(
        executor, input, norm, tail, Running(mean, var, float(running.momentum))
    )
    with torch.no_grad():
        running.mean.copy_(mean)
        running.var.copy_(var)
    return output


def batch_norm_and_statistics(
    input: Tensor, norm: Norm, tail: Tail, running: Running | None
) -> tuple[Tensor, Tensor]:
    """Return the output, and the (2, C) means and biased variances it was normalised with.

    Running statistics are used in evaluation, and left alone in training.
    """
    executor = _executor(input, norm, tail, running)
    past = None if norm.uses_batch else running
    if executor is not None:
        return compiled_batch_norm(executor, input, norm, tail, past)
    output, statistics = composition.batch_norm_act_dropout(input, norm, tail, past)
    if statistics is None:
        assert past is not None
        return output, torch.stack([past.mean, past.var]).to(accumulator(input.device))
    return output, torch.stack([statistics.mean.flatten(), statistics.variance.flatten()])


def batch_norm_with_statistics(input: Tensor, norm: Norm) -> tuple[Tensor, Statistics]:
    """Return the output and the batch's own statistics, recorded or not; differentiable.

    The statistics are flat, of C values each, and carry no gradient.
    """
    if is_recorded():
        output, found = torch.ops.wolfsbane.batch_norm(
            input, norm.weight, norm.bias, norm.eps, None, None, *_recorded_tail(Tail())
        )
    else:
        output, found = batch_norm_and_statistics(input, norm, Tail(), None)
    mean, variance = found.detach().unbind()
    count = mean.new_full((), input.numel() // input.size(1))
    return output, Statistics(mean, variance, count)


def fixed(vector: Tensor) -> Tensor:
    """Return numbers without a gradient so that backward has the same as forward.

    A compiler may compute them again in backward instead of keeping them: with what running
    statistics have become by then, where it is those that they come from.
    """
    return cast("Tensor", torch.ops.wolfsbane.snapshot(vector)) if is_recorded() else vector


def compiled_batch_norm(
    executor: Executor, input: Tensor, norm: Norm, tail: Tail, running: Running | None
) -> tuple[Tensor, Tensor]:
    """Return the output, and the (2, C) float64 means and variances it was normalised with."""
    weight = None if norm.weight is None else norm.weight.contiguous()
    bias = None if norm.bias is None else norm.bias.contiguous()
    output, statistics = _CompiledBatchNorm.apply(
        input, weight, bias, executor, (norm.eps, norm.uses_batch, tail), running
    )
    return output, statistics


def batch_norm_gradients(
    grad: Tensor, input: Tensor, norm: Norm, tail: Tail, statistics: Tensor
) -> list[Tensor | None]:
    """Return the gradients of input, weight and bias; differentiable where that is on."""
    weight, bias = norm.weight, norm.bias
    executor = None if torch.is_grad_enabled() else executor_for("batch_norm", grad, input)
    if executor is None:
        past = None if norm.uses_batch else Running(*statistics.unbind())

        def block(input: Tensor, weight: Tensor | None, bias: Tensor | None) -> Tensor:
            own = norm._replace(weight=weight, bias=bias)
            return composition.batch_norm_act_dropout(input, own, tail, past)[0]

        return composition.gradients(block, (input, weight, bias), grad)
    grad_input, grad_weight, grad_bias = executor.batch_norm_backward(
        grad, input, norm, tail, statistics
    )
    return [
        grad_input,
        None if weight is None else grad_weight.to(weight.dtype),
        None if bias is None else grad_bias.to(bias.dtype),
    ]


def _executor(input: Tensor, norm: Norm, tail: Tail, running: Running | None) -> Executor | None:
    if isinstance(tail.p, Tensor) or isinstance(tail.key, Tensor):
        return None
    operation = "batch_norm" if tail.is_empty else "batch_norm_act_dropout"
    past: tuple[Tensor, ...] = () if running is None else (running.mean, running.var)
    return executor_for(operation, input, norm.weight, norm.bias, *past)


def _is_addressable(running: Running) -> bool:
    """Tell whether a kernel can write running statistics where they are."""
    return (
        running.mean.is_contiguous()
        and running.var.is_contiguous()
        and running.mean.dtype is running.var.dtype
        and not isinstance(running.momentum, Tensor)
    )


def _recorded_batch_norm(input: Tensor, norm: Norm, tail: Tail, running: Running | None) -> Tensor:
    """Record the operator, and what it leaves to others: to move the running statistics.

    In evaluation torch's own operators do: compilers fuse them, and exporters know them.
    """
    if not (norm.uses_batch or tail.has_dropout):
        return composition.evaluation(input, norm, tail, running)
    past = None if norm.uses_batch else running
    output, statistics = torch.ops.wolfsbane.batch_norm(
        input,
        norm.weight,
        norm.bias,
        norm.eps,
        None if past is None else past.mean,
        None if past is None else past.var,
        *_recorded_tail(tail),
    )
    if norm.uses_batch and running is not None:
        mean, variance = statistics.detach().unbind()
        count = mean.new_full((), input.numel() // input.size(1))
        update_running(running, Statistics(mean, variance, count))
    return cast("Tensor", output)


def _recorded_tail(tail: Tail) -> tuple[Tensor, float, str, float, int]:
    assert not isinstance(tail.p, Tensor)
    return (key_as_tensor(tail.key), tail.p, *tail.activation, tail.start)


class _CompiledBatchNorm(PlainFunction):
    @staticmethod
    def forward(
        ctx: Any,
        input: Tensor,
        weight: Tensor | None,
        bias: Tensor | None,
        executor: Executor,
        how: tuple[float, bool, Tail],
        running: Running | None,
    ) -> tuple[Tensor, Tensor]:
        eps, uses_batch, tail = how
        norm = Norm(weight, bias, eps, uses_batch)
        if uses_batch:
            statistics = torch.empty(2, input.size(1), dtype=torch.float64, device=input.device)
            output = executor.batch_norm_forward(input, norm, tail, statistics, running)
            if running is not None:
                torch.autograd.graph.increment_version((running.mean, running.var))
        else:
            assert running is not None
            statistics = torch.stack([running.mean, running.var]).double()
            output = executor.batch_norm_forward(input, norm, tail, statistics)
        ctx.save_for_backward(input, weight, bias, statistics)
        ctx.how = how
        ctx.mark_non_differentiable(statistics)
        ctx.set_materialize_grads(False)
        return output, statistics

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> Any:
        if grads[0] is None:
            return (None,) * 6
        input, weight, bias, statistics = ctx.saved_tensors
        eps, uses_batch, tail = ctx.how
        norm = Norm(weight, bias, eps, uses_batch)
        found = batch_norm_gradients(grads[0], input, norm, tail, statistics)
        return *found, None, None, None


def bias_act_dropout(input: Tensor, bias: Tensor | None, tail: Tail) -> Tensor:
    """Return dropout(act(input + bias)), the bias along the last dimension; differentiable."""
    if is_recorded() and not isinstance(tail.p, Tensor):
        if not tail.has_dropout:  # a compiler fuses it, an exporter knows it
            return composition.bias_act_dropout(input, bias, tail)
        recorded = torch.ops.wolfsbane.bias_act_dropout(input, bias, *_recorded_tail(tail))
        return cast("Tensor", recorded)
    executor = _bias_executor(tail, input, bias)
    if executor is None:
        return composition.bias_act_dropout(input, bias, tail)
    output: Tensor = _CompiledBias.apply(input, bias, executor, tail)
    return output


def bias_act_dropout_gradients(
    grad: Tensor, input: Tensor, bias: Tensor | None, tail: Tail
) -> list[Tensor | None]:
    """Return the gradients of input and bias; differentiable where that is on."""
    executor = None if torch.is_grad_enabled() else _bias_executor(tail, grad, input)
    if executor is None:

        def block(input: Tensor, bias: Tensor | None) -> Tensor:
            return composition.bias_act_dropout(input, bias, tail)

        return composition.gradients(block, (input, bias), grad)
    grad_input, sums = executor.bias_act_dropout_backward(grad, input, bias, tail)
    return [grad_input, None if bias is None or sums is None else sums.to(bias.dtype)]


def _bias_executor(tail: Tail, input: Tensor, other: Tensor | None) -> Executor | None:
    if isinstance(tail.p, Tensor) or isinstance(tail.key, Tensor):
        return None
    return executor_for("bias_act_dropout", input, other)


class _CompiledBias(PlainFunction):
    @staticmethod
    def forward(
        ctx: Any, input: Tensor, bias: Tensor | None, executor: Executor, tail: Tail
    ) -> Tensor:
        ctx.save_for_backward(input, bias)
        ctx.tail = tail
        return executor.bias_act_dropout_forward(input, bias, tail)

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> Any:
        input, bias = ctx.saved_tensors
        return *bias_act_dropout_gradients(grads[0], input, bias, ctx.tail), None, None
