"""Dropout as autograd sees it: linear in its input, so its derivative is the same operation.

Nothing is saved for backward but the key: the mask is computed again.
"""

from typing import Any

import torch
from torch import Tensor

from wolfsbane.kernels import reference


def masked_affine(
    input: Tensor,
    p: float,
    key: int,
    mask_shape: tuple[int, ...],
    coefficients: tuple[float, float, float],
) -> Tensor:
    """Return scale * input + shift where the mask keeps, fill where it drops; differentiable.

    See `wolfsbane.kernels.reference.masked_affine`.
    """
    output: Tensor = _MaskedAffine.apply(input, p, key, mask_shape, coefficients)
    return output


class _MaskedAffine(torch.autograd.Function):
    @staticmethod
    def forward(
        input: Tensor,
        p: float,
        key: int,
        mask_shape: tuple[int, ...],
        coefficients: tuple[float, float, float],
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
