"""Torch's four kinds of dropout, routed to the mask contract."""

import functools
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch._C import DispatchKeySet
from torch._ops import OpOverload

from wolfsbane.acceleration.dispatcher import (
    AUTOGRAD_CPU,
    CPU,
    Kernel,
    Override,
    composite_kernel,
    is_compiling,
    plain_keys,
)
from wolfsbane.acceleration.worth import pays
from wolfsbane.functional.masking import saturate, zero
from wolfsbane.kernels.transforms import hidden_from_compiler

Run = Callable[[Tensor, float, bool], Tensor]
"""Takes the input, the rate, and whether to write into the input."""


def _dropout(input: Tensor, p: float, inplace: bool) -> Tensor:
    return zero(input, p, tuple(input.shape), inplace, None)


def _alpha_dropout(input: Tensor, p: float, inplace: bool) -> Tensor:
    return saturate(input, p, tuple(input.shape), inplace, None)


# Not the feature kinds: torch draws one number a channel there, and was as fast at every size.
KINDS: dict[str, Run] = {
    "dropout": _dropout,
    "alpha_dropout": _alpha_dropout,
}


@functools.cache
def dropout_overrides() -> tuple[Override, ...]:
    """Return the overrides for each kind, out of place and in place, with autograd and below it."""
    return tuple(
        Override(operator, key, _kernel(kind, inplace, operator, key))
        for kind in KINDS
        for inplace in (False, True)
        for operator in [_operator(kind, inplace)]
        for key in (AUTOGRAD_CPU, CPU)
    )


def _operator(kind: str, inplace: bool) -> OpOverload[..., Tensor]:
    operator: OpOverload[..., Tensor] = getattr(
        torch.ops.aten, f"{kind}_" * inplace or kind
    ).default
    return operator


def _kernel(kind: str, inplace: bool, operator: OpOverload[..., Tensor], key: str) -> Kernel:
    plain = plain_keys(key)
    stock = composite_kernel(operator)
    below_autograd = key == CPU
    run = torch.no_grad()(KINDS[kind]) if below_autograd else KINDS[kind]

    @hidden_from_compiler
    def routed(keys: DispatchKeySet, input: Tensor, p: float, train: bool) -> Any:
        if keys.raw_repr() != plain:
            kernel = operator.decompose if is_compiling(keys) else stock
            return kernel(input, p, train)
        if not train and 0.0 <= p <= 1.0:
            return input  # as stock would, in half the time
        if 0.0 < p <= 1.0 and pays(kind, input):
            return run(input, p, inplace)
        return stock(input, p, train)

    return routed
