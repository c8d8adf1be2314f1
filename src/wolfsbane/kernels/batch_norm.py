"""Training-mode batch norm on the reference, as autograd and torch.func see it.

Saved for backward: the input, the weight and the per-channel statistics; no normalised copy.
Where the backward is itself differentiated, in either mode, the statistics are computed again from
the input, so that second derivatives see how they depend on it.
"""

from typing import Any

import torch
from torch import Tensor
from torch.autograd import forward_ad

from wolfsbane.errors import UnsupportedError
from wolfsbane.kernels import reference
from wolfsbane.kernels.block import Running
from wolfsbane.kernels.reference import Statistics, SumOverRanks


def batch_norm_train(
    input: Tensor,
    weight: Tensor | None,
    bias: Tensor | None,
    eps: float,
    sum_over_ranks: SumOverRanks = reference.over_one_rank,
) -> tuple[Tensor, Statistics]:
    """Return the normalised batch and the statistics it was normalised with.

    The output is differentiable to any order in input, weight and bias; the statistics are not.
    """
    if torch.compiler.is_compiling():  # which differentiates, and cannot trace the function's jvp
        output, found = reference.batch_norm(input, weight, bias, eps, sum_over_ranks)
        return output, Statistics(*(tensor.detach() for tensor in found))
    output, *statistics = _BatchNormTrain.apply(input, weight, bias, eps, sum_over_ranks)
    return output, Statistics(*statistics)


@torch.no_grad()
def update_running(running: Running, statistics: Statistics) -> None:
    """Move running statistics towards a batch's, with the unbiased variance."""
    mean, variance, count = statistics
    unbiased = variance * (count / (count - 1))
    for vector, batch in ((running.mean, mean), (running.var, unbiased)):
        kept = vector.to(batch.dtype) * (1 - running.momentum)
        try:
            vector.copy_(kept + running.momentum * batch.reshape(-1))
        except RuntimeError as error:
            if not str(error).startswith("vmap: inplace"):
                raise
            raise UnsupportedError(
                "Batch norm got a batched tensor as input while the running_mean or running_var, "
                "which will be updated in place, were not batched. Map over the buffers too "
                "(torch.func.stack_module_state), or use track_running_stats=False"
            ) from error


class _BatchNormTrain(torch.autograd.Function):
    generate_vmap_rule = True

    @staticmethod
    def forward(
        input: Tensor,
        weight: Tensor | None,
        bias: Tensor | None,
        eps: float,
        sum_over_ranks: SumOverRanks,
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        output, statistics = reference.batch_norm(input, weight, bias, eps, sum_over_ranks)
        return output, *statistics

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: tuple[Any, ...]) -> None:
        input, weight, bias, ctx.eps, ctx.sum_over_ranks = inputs
        _, *statistics = output
        ctx.mark_non_differentiable(*statistics)
        ctx.set_materialize_grads(False)
        ctx.save_for_backward(input, weight, bias, *statistics)
        ctx.save_for_forward(input, weight, bias, *statistics)

    @staticmethod
    def _statistics(ctx: Any) -> tuple[Tensor, Tensor | None, Tensor | None, Statistics]:
        input, weight, bias, *saved = ctx.saved_tensors
        is_dual = forward_ad.unpack_dual(input).tangent is not None
        if is_dual or torch.is_grad_enabled():
            return input, weight, bias, reference.batch_statistics(input, ctx.sum_over_ranks)
        return input, weight, bias, Statistics(*saved)

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> Any:
        grad = grads[0]
        if grad is None:
            return None, None, None, None, None
        input, weight, bias, statistics = _BatchNormTrain._statistics(ctx)
        grad_input, grad_weight, grad_bias = reference.batch_norm_backward(
            grad, input, statistics, weight, ctx.eps, ctx.sum_over_ranks
        )
        return (
            grad_input,
            None if weight is None else grad_weight.to(weight.dtype),
            None if bias is None else grad_bias.to(bias.dtype),
            None,
            None,
        )

    @staticmethod
    def jvp(ctx: Any, *tangents: Any) -> Any:
        input, weight, _, *saved = ctx.saved_tensors
        output = reference.batch_norm_jvp(
            tangents[:3], input, Statistics(*saved), weight, ctx.eps, ctx.sum_over_ranks
        )
        return output, None, None, None
