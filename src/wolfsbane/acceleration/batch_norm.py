"""Torch's batch norm in training, routed below autograd: derivatives stay torch's own formulas.

So a graph recorded with one kernel can be run backward with the other: they save the same things.
"""

import functools
from typing import Any

import torch
from torch import Tensor
from torch._C import DispatchKeySet

from wolfsbane.acceleration.dispatcher import (
    CPU,
    Kernel,
    Override,
    cpu_kernel,
    is_plain,
    plain_keys,
    without_torch_function,
)
from wolfsbane.acceleration.worth import pays
from wolfsbane.errors import ArgumentError
from wolfsbane.kernels.block import Norm, Running, Tail
from wolfsbane.kernels.cpu import batch_norm as cpu

Gradients = tuple[Tensor | None, Tensor | None, Tensor | None]


def forward(
    input: Tensor,
    weight: Tensor | None,
    bias: Tensor | None,
    running_mean: Tensor | None,
    running_var: Tensor | None,
    momentum: float,
    eps: float,
) -> tuple[Tensor, Tensor, Tensor]:
    """Return the output, and mean and 1/sqrt(var + eps) as torch saves them; update the running."""
    running = None
    if running_mean is not None and running_var is not None:
        running = Running(running_mean, running_var, momentum)
    statistics = torch.empty(2, input.size(1), dtype=torch.float64)
    output = cpu.forward(input, Norm(weight, bias, eps), Tail(), statistics, running)
    given = (vector for vector in (weight, bias, running_mean) if vector is not None)
    saved_dtype = next((vector.dtype for vector in given), input.dtype)
    mean, variance = statistics
    return output, mean.to(saved_dtype), torch.rsqrt(variance + eps).to(saved_dtype)


def backward(
    grad: Tensor,
    input: Tensor,
    weight: Tensor | None,
    save_mean: Tensor,
    save_invstd: Tensor,
    eps: float,
    mask: list[bool],
) -> Gradients:
    """Return the gradients of input, weight and bias; None for what `mask` does not ask for."""
    statistics = torch.stack([save_mean.double(), save_invstd.double().pow(-2) - eps])
    grads = cpu.backward(grad, input, Norm(weight, None, eps), Tail(), statistics)
    dtype = save_mean.dtype if weight is None else weight.dtype
    wanted = (grads[0], grads[1].to(dtype), grads[2].to(dtype))
    return tuple(value if asked else None for value, asked in zip(wanted, mask, strict=True))  # type: ignore[return-value]


@functools.cache
def batch_norm_overrides() -> tuple[Override, ...]:
    """Return the overrides of the forward and the backward operator."""
    aten = torch.ops.aten
    return (
        Override(aten.native_batch_norm.default, CPU, _routed_forward()),
        Override(aten.native_batch_norm_backward.default, CPU, _routed_backward()),
    )


def _routed_forward() -> Kernel:
    plain = plain_keys(CPU)
    # The same C++ function under other names: the overridden operator's own is out of reach.
    stock = cpu_kernel(torch.ops.aten._native_batch_norm_legit.default)  # noqa: SLF001
    stock_without_running = cpu_kernel(torch.ops.aten._native_batch_norm_legit.no_stats)  # noqa: SLF001

    @without_torch_function
    def routed(
        keys: DispatchKeySet,
        input: Tensor,
        weight: Tensor | None,
        bias: Tensor | None,
        running_mean: Tensor | None,
        running_var: Tensor | None,
        training: bool,
        momentum: float,
        eps: float,
    ) -> Any:
        if (running_mean is None) != (running_var is None):
            raise ArgumentError(
                "running_mean and running_var must either both be None or neither be None"
            )
        if (
            training
            and pays("batch_norm", input)
            and keys.raw_repr() == plain
            and _go_together(input, weight, bias, running_mean, running_var)
        ):
            return forward(input, weight, bias, running_mean, running_var, momentum, eps)
        if running_mean is None:
            return stock_without_running(input, weight, bias, training, momentum, eps)
        return stock(input, weight, bias, running_mean, running_var, training, momentum, eps)

    return routed


def _routed_backward() -> Kernel:
    plain = plain_keys(CPU)
    stock = cpu_kernel(torch.ops.aten.batch_norm_backward.default)

    @without_torch_function
    def routed(
        keys: DispatchKeySet,
        grad: Tensor,
        input: Tensor,
        weight: Tensor | None,
        running_mean: Tensor | None,
        running_var: Tensor | None,
        save_mean: Tensor | None,
        save_invstd: Tensor | None,
        train: bool,
        eps: float,
        mask: list[bool],
    ) -> Any:
        if (
            train
            and save_mean is not None
            and save_invstd is not None
            and pays("batch_norm", input)
            and keys.raw_repr() == plain
            and is_plain(grad)
            and grad.dtype is input.dtype
            and _go_together(input, weight, save_mean, save_invstd)
        ):
            return backward(grad.contiguous(), input, weight, save_mean, save_invstd, eps, mask)
        statistics = (running_mean, running_var, save_mean, save_invstd)
        reserve = input  # any tensor: it is for cuDNN
        return stock(grad, input, weight, *statistics, train, eps, mask, reserve)

    return routed


def _go_together(input: Tensor, *vectors: Tensor | None) -> bool:
    """Whether the vectors are torch's own class, and hold C values of one dtype that fits."""
    if input.dim() < 2:  # noqa: PLR2004
        return False
    given = [vector for vector in vectors if vector is not None]
    if not given:
        return True
    dtype, size = given[0].dtype, (input.size(1),)
    mixed = input.dtype is torch.bfloat16 and dtype is torch.float32
    return (dtype is input.dtype or mixed) and all(
        is_plain(vector)
        and vector.dtype is dtype
        and vector.shape == size
        and vector.is_contiguous()
        for vector in given
    )
