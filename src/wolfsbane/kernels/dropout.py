"""Dropout as autograd sees it: linear in its input, so its derivative is the same operation.

Nothing is saved for backward but the key: the mask is computed again.
"""

from typing import Any

import torch
from torch import Tensor

from wolfsbane.kernels import reference
from wolfsbane.kernels.cpu import dropout as cpu
from wolfsbane.kernels.plain_function import PlainFunction
from wolfsbane.kernels.select import runs_on_cpu
from wolfsbane.mask import scale

Coefficients = tuple[float, float, float]


def masked_affine(
    input: Tensor, p: float, key: int, mask_shape: tuple[int, ...], coefficients: Coefficients
) -> Tensor:
    """Return scale * input + shift where the mask keeps, fill where it drops; differentiable.

    See `wolfsbane.kernels.reference.masked_affine`.
    """
    output: Tensor
    if not runs_on_cpu("dropout", input):
        output = _MaskedAffine.apply(input, p, key, mask_shape, coefficients)
    elif torch.is_grad_enabled() and input.requires_grad:
        output = _CompiledMaskedAffine.apply(input, (p, key, mask_shape, coefficients))
    else:
        output = cpu.masked_affine(input, p, key, mask_shape, coefficients)
    return output


class _CompiledMaskedAffine(PlainFunction):
    """For plain tensors, and without `setup_context`, which would cost more than the kernel."""

    @staticmethod
    def forward(ctx: Any, input: Tensor, how: tuple[Any, ...]) -> Tensor:
        ctx.how = how
        return cpu.masked_affine(input, *how)

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> Any:
        p, key, mask_shape, (scale, _, _) = ctx.how
        return masked_affine(grads[0], p, key, mask_shape, (scale, 0.0, 0.0)), None


class _MaskedAffine(torch.autograd.Function):
    """For every tensor and every transformation of torch.func."""

    @staticmethod
    def forward(
        input: Tensor, p: float, key: int, mask_shape: tuple[int, ...], coefficients: Coefficients
    ) -> Tensor:
        return reference.masked_affine(input, p, key, mask_shape, coefficients)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
        _, p, key, mask_shape, (scale, _, _) = inputs
        ctx.derivative = (p, key, mask_shape, (scale, 0.0, 0.0))

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> Any:
        return masked_affine(grads[0], *ctx.derivative), None, None, None, None

    @staticmethod
    def jvp(ctx: Any, *tangents: Any) -> Any:
        return masked_affine(tangents[0], *ctx.derivative)

    @staticmethod
    def vmap(info: Any, in_dims: tuple[Any, ...], *inputs: Any) -> tuple[Tensor, int]:
        # One key, one mask: it is broadcast over the mapped dimension.
        input, *rest = inputs
        return masked_affine(input.movedim(in_dims[0], 0), *rest), 0


def dropout_add(input: Tensor, residual: Tensor, p: float, key: int) -> Tensor:
    """Return dropout(input) + residual, of the same shape; differentiable."""
    output: Tensor
    if input.dtype is residual.dtype and runs_on_cpu("dropout_add", input, residual):
        output = _CompiledDropoutAdd.apply(input, residual, p, key)
        return output
    return masked_affine(input, p, key, tuple(input.shape), (scale(p), 0.0, 0.0)) + residual


class _CompiledDropoutAdd(PlainFunction):
    @staticmethod
    def forward(ctx: Any, input: Tensor, residual: Tensor, p: float, key: int) -> Tensor:
        ctx.how = (p, key, tuple(input.shape), (scale(p), 0.0, 0.0))
        return cpu.dropout_add(input, residual, p, key)

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> Any:
        grad = grads[0]
        wanted = ctx.needs_input_grad
        return masked_affine(grad, *ctx.how) if wanted[0] else None, grad, None, None
