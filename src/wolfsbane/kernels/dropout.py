"""Dropout as autograd sees it: linear in its input, so its derivative is the same operation.

Nothing is saved for backward but the key: the mask is computed again.
"""

from typing import Any

import torch
from torch import Tensor

from wolfsbane.kernels import reference
from wolfsbane.kernels.plain_function import PlainFunction
from wolfsbane.kernels.reference import Coefficients
from wolfsbane.kernels.select import executor_for
from wolfsbane.kernels.transforms import is_recorded, is_transformed
from wolfsbane.mask import scale
from wolfsbane.mask.key import Key, key_as_number, key_as_tensor
from wolfsbane.mask.rate import Rate, check_rates


def masked_affine(
    input: Tensor,
    p: Rate,
    key: Key,
    mask_shape: tuple[int, ...],
    coefficients: Coefficients,
    start: int = 0,
) -> Tensor:
    """Return scale * input + shift where the mask keeps, fill where it drops; differentiable.

    See `wolfsbane.kernels.reference.masked_affine`.
    """
    if isinstance(p, Tensor) or (isinstance(key, Tensor) and key.numel() != 1):
        return _for_each_key(input, p, key, mask_shape, coefficients, start)
    executor = executor_for("dropout", input)
    if executor is None:
        if is_recorded():
            return _record(input, p, key, mask_shape, coefficients, start)
        return _for_each_key(input, p, key, mask_shape, coefficients, start)
    number = key_as_number(key) if isinstance(key, Tensor) else key
    how: tuple[Any, ...] = (p, number, mask_shape, coefficients, start)  # numbers, as p is one
    if not (torch.is_grad_enabled() and input.requires_grad):
        return executor.masked_affine(input, *how)
    output: Tensor = _CompiledMaskedAffine.apply(input, executor, how)
    return output


def _record(
    input: Tensor,
    p: float,
    key: Key,
    mask_shape: tuple[int, ...],
    coefficients: Coefficients,
    start: int,
) -> Tensor:
    """Call the operator, which a compiler or a mode records."""
    output: Tensor = torch.ops.wolfsbane.masked_affine(
        input, key_as_tensor(key), p, *coefficients, mask_shape, start
    )
    return output


def _for_each_key(
    input: Tensor,
    p: Rate,
    key: Key,
    mask_shape: tuple[int, ...],
    coefficients: Coefficients,
    start: int,
) -> Tensor:
    """Return what the reference does, whose rates and keys may be tensors."""
    if torch.compiler.is_compiling():  # which differentiates, and cannot trace the function's jvp
        return reference.masked_affine(input, p, key, mask_shape, coefficients, start)
    if isinstance(p, Tensor) and not is_transformed():
        check_rates(p)  # for the first time: vmap shows the numbers here
    output: Tensor = _MaskedAffine.apply(input, p, key, *coefficients, mask_shape, start)
    return output


class _CompiledMaskedAffine(PlainFunction):
    """For plain tensors, and without `setup_context`, which would cost more than the kernel."""

    @staticmethod
    def forward(ctx: Any, input: Tensor, executor: Any, how: tuple[Any, ...]) -> Tensor:
        ctx.how = how
        output: Tensor = executor.masked_affine(input, *how)
        return output

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> Any:
        p, key, mask_shape, (scale, _, _), start = ctx.how
        return masked_affine(grads[0], p, key, mask_shape, (scale, 0.0, 0.0), start), None, None


class _MaskedAffine(torch.autograd.Function):
    """For every tensor and every transformation of torch.func.

    Under vmap, the input, the rate and the key each may have a number for each entry of the mapped
    dimension. A dimension in front of all of them stands for it; see `reference.masked_affine`.
    """

    @staticmethod
    def forward(
        input: Tensor,
        p: Rate,
        key: Key,
        scale: Rate,
        shift: Rate,
        fill: Rate,
        mask_shape: tuple[int, ...],
        start: int,
    ) -> Tensor:
        return reference.masked_affine(input, p, key, mask_shape, (scale, shift, fill), start)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
        _, p, key, scale, _, _, mask_shape, start = inputs
        given = {"p": p, "key": key, "scale": scale}
        ctx.names = [name for name, value in given.items() if isinstance(value, Tensor)]
        ctx.numbers = {name: value for name, value in given.items() if name not in ctx.names}
        ctx.save_for_backward(*(given[name] for name in ctx.names))
        ctx.save_for_forward(*(given[name] for name in ctx.names))
        ctx.mask_shape, ctx.start = mask_shape, start

    @staticmethod
    def _derivative(ctx: Any, along: Tensor) -> Tensor:
        saved = dict(zip(ctx.names, ctx.saved_tensors, strict=True)) | ctx.numbers
        coefficients = (saved["scale"], 0.0, 0.0)
        return masked_affine(
            along, saved["p"], saved["key"], ctx.mask_shape, coefficients, ctx.start
        )

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> Any:
        return _MaskedAffine._derivative(ctx, grads[0]), *(None,) * 7

    @staticmethod
    def jvp(ctx: Any, *tangents: Any) -> Any:
        return _MaskedAffine._derivative(ctx, tangents[0])

    @staticmethod
    def vmap(info: Any, in_dims: tuple[Any, ...], *inputs: Any) -> tuple[Tensor, int]:
        *numbers, mask_shape, start = inputs
        input, p, key, *coefficients = (
            _mapped(value, dim) for value, dim in zip(numbers, in_dims, strict=False)
        )
        return masked_affine(input, p, key, mask_shape, tuple(coefficients), start), 0


def _mapped(value: Any, dim: int | None) -> Any:
    """Return a tensor with the mapped dimension in front: of length one where it has none."""
    if not isinstance(value, Tensor):
        return value
    return value.unsqueeze(0) if dim is None else value.movedim(dim, 0)


def dropout_add(input: Tensor, residual: Tensor, p: Rate, key: Key, start: int = 0) -> Tensor:
    """Return dropout(input) + residual, of the same shape; differentiable."""
    same = input.dtype is residual.dtype and not isinstance(p, Tensor)
    if same and is_recorded():
        recorded: Tensor = torch.ops.wolfsbane.dropout_add(
            input, residual, key_as_tensor(key), p, start
        )
        return recorded
    executor = executor_for("dropout_add", input, residual) if same else None
    if executor is None:
        shape = tuple(input.shape)
        return masked_affine(input, p, key, shape, (scale(p), 0.0, 0.0), start) + residual
    output: Tensor = _CompiledDropoutAdd.apply(input, residual, executor, (p, key, start))
    return output


class _CompiledDropoutAdd(PlainFunction):
    @staticmethod
    def forward(
        ctx: Any, input: Tensor, residual: Tensor, executor: Any, how: tuple[Any, ...]
    ) -> Tensor:
        p, key, start = how
        ctx.how = (p, key, tuple(input.shape), (scale(p), 0.0, 0.0), start)
        output: Tensor = executor.dropout_add(input, residual, *how)
        return output

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> Any:
        grad = grads[0]
        wanted = ctx.needs_input_grad
        return masked_affine(grad, *ctx.how) if wanted[0] else None, grad, None, None
