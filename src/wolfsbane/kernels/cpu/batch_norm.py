"""Batch norm + activation + dropout on a CPU: which kernel a layout needs, and its arguments.

A channel (planes) or a block of channels (rows) is done in one call where there are enough of them
for all threads: its values are then still in cache when they are normalised. Otherwise three calls
go over pieces of it. The bits of the result are the same.
"""

import torch
from torch import Tensor

from wolfsbane.kernels.block import Norm, Running, Tail
from wolfsbane.kernels.cpu.dropout import mask_bits
from wolfsbane.kernels.cpu.dtypes import DTYPES, VECTOR_CODES
from wolfsbane.kernels.cpu.kernel import kernel
from wolfsbane.kernels.cpu.signatures import (
    APPLY,
    BATCH_NORM,
    BLOCK,
    MERGE,
    PIECE,
    STATISTICS,
)
from wolfsbane.kernels.cpu.threads import num_threads_for
from wolfsbane.kernels.layout import Batch, as_batch, in_layout_of
from wolfsbane.mask import scale

_CHUNKS_PER_THREAD = 4


def forward(
    input: Tensor, norm: Norm, tail: Tail, statistics: Tensor, running: Running | None = None
) -> Tensor:
    """Return the output; in training, write (2, C) float64 means and variances to `statistics`."""
    batch = as_batch(input)
    output = torch.empty_like(batch.tensor)
    arguments = _arguments(batch, norm, tail, statistics)
    arguments |= {"x": batch.tensor.data_ptr(), "y": output.data_ptr()}
    if running is not None:
        arguments |= {
            "running_mean": running.mean.data_ptr(),
            "running_var": running.var.data_ptr(),
            "running_code": VECTOR_CODES[running.mean.dtype],
            "momentum": float(running.momentum),
        }
    phases = (STATISTICS | MERGE | APPLY) if norm.uses_batch else APPLY
    _run("forward", batch, tail, arguments, phases)
    return output if batch.tensor is input else in_layout_of(output, input)


def backward(
    grad: Tensor, input: Tensor, norm: Norm, tail: Tail, statistics: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """Return the gradients of input, weight and bias, the latter two in float64."""
    batch = as_batch(input)
    upstream, output = batch.matching(grad), torch.empty_like(batch.tensor)
    grad_weight, grad_bias = torch.empty(
        2, batch.channels, dtype=torch.float64, device="cpu"
    ).unbind()
    arguments = _arguments(batch, norm, tail, statistics)
    arguments |= {
        "x": batch.tensor.data_ptr(),
        "y": output.data_ptr(),
        "grad": upstream.data_ptr(),
        "grad_weight": grad_weight.data_ptr(),
        "grad_bias": grad_bias.data_ptr(),
    }
    _run(
        "backward",
        batch,
        tail,
        arguments,
        STATISTICS | MERGE | APPLY,
    )
    output = output if batch.tensor is input else in_layout_of(output, input)
    return output, grad_weight, grad_bias


def _arguments(batch: Batch, norm: Norm, tail: Tail, statistics: Tensor) -> dict[str, float]:
    weight, bias = norm.weight, norm.bias
    return {
        "grad": 0,
        "grad_weight": 0,
        "grad_bias": 0,
        "running_mean": 0,
        "running_var": 0,
        "running_code": 0,
        "momentum": 0.0,
        "samples": batch.samples,
        "channels": batch.channels,
        "length": batch.length,
        "statistics": statistics.data_ptr(),
        "weight": 0 if weight is None else weight.data_ptr(),
        "weight_code": 0 if weight is None else VECTOR_CODES[weight.dtype],
        "bias": 0 if bias is None else bias.data_ptr(),
        "bias_code": 0 if bias is None else VECTOR_CODES[bias.dtype],
        "eps": norm.eps,
        "scale": scale(tail.numbers[0]),
        "parameter": tail.activation.parameter,
        "uses_batch": int(norm.uses_batch),
    }


def _run(
    direction: str, batch: Batch, tail: Tail, arguments: dict[str, float], phases: int
) -> None:
    """Call the kernel once for all phases, or once for each."""
    samples, channels, length = batch.samples, batch.channels, batch.length
    size = batch.tensor.numel()
    if batch.is_rows:
        name, units = "batch_norm_rows", -(channels // -BLOCK)
        pieces = -(samples * length // -BLOCK)
        divisible = pieces
    else:
        name, units = "batch_norm_planes", channels
        pieces = samples * -(length // -PIECE)
        divisible = samples
    partials = torch.empty(2 * pieces * channels, dtype=torch.float64, device="cpu")
    bits = mask_bits(size, *tail.numbers, tail.start) if tail.has_dropout else None
    call = kernel(
        BATCH_NORM,
        name,
        direction,
        DTYPES[batch.tensor.dtype],
        tail.activation.name,
        tail.has_dropout,
    )
    arguments |= {
        "partials": partials.data_ptr(),
        "bits": 0 if bits is None else bits.data_ptr(),
    }
    wanted = _CHUNKS_PER_THREAD * num_threads_for(size)
    groups = 1 if units >= wanted else min(divisible, -(wanted // -units))
    if groups == 1:
        call(units, size, groups=1, phase=phases, **arguments)
        return
    for phase in (STATISTICS, MERGE, APPLY):
        if phase & phases:
            parts = 1 if phase == MERGE else groups
            call(units * parts, size, groups=parts, phase=phase, **arguments)
