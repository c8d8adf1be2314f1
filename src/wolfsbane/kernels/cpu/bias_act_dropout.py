"""Bias + activation + dropout on a CPU: the kernel's arguments."""

import torch
from torch import Tensor

from wolfsbane.kernels.block import Tail
from wolfsbane.kernels.cpu import signatures
from wolfsbane.kernels.cpu.dropout import TILES_PER_CHUNK
from wolfsbane.kernels.cpu.dtypes import DTYPES
from wolfsbane.kernels.cpu.kernel import kernel
from wolfsbane.kernels.layout import in_layout_of
from wolfsbane.mask import scale, threshold
from wolfsbane.mask.bits import TILE

_MOST_CHUNKS = 128
_MOST_SUMS = 1 << 20
"""Each chunk has its own sums of the bias's gradient, one a feature: 8 MiB of float64 at most."""


def forward(input: Tensor, bias: Tensor | None, tail: Tail) -> Tensor:
    """Return keep * scale * act(input + bias)."""
    source = input.contiguous()
    output = torch.empty_like(source)
    _run("forward", source, bias, None, output, tail)
    return output if source is input else in_layout_of(output, input)


def backward(
    grad: Tensor, input: Tensor, bias: Tensor | None, tail: Tail
) -> tuple[Tensor, Tensor | None]:
    """Return the gradients of input and bias, the latter in float64."""
    source = input.contiguous()
    output = torch.empty_like(source)
    sums = _run("backward", source, bias, grad.contiguous(), output, tail)
    return output if source is input else in_layout_of(output, input), sums


def _run(
    direction: str,
    input: Tensor,
    bias: Tensor | None,
    grad: Tensor | None,
    output: Tensor,
    tail: Tail,
) -> Tensor | None:
    size = input.numel()
    num_tiles = -((tail.start % TILE + size) // -TILE)
    num_features = 1 if bias is None else bias.numel()
    most_chunks = max(1, min(_MOST_CHUNKS, _MOST_SUMS // num_features))
    tiles_per_chunk = max(TILES_PER_CHUNK, -(num_tiles // -most_chunks))
    num_chunks = -(num_tiles // -tiles_per_chunk)
    if bias is not None:
        bias = bias.to(torch.float64 if input.dtype is torch.float64 else torch.float32)
        bias = bias.contiguous()
    sums = None
    if grad is not None and bias is not None:
        sums = torch.empty(num_chunks, num_features, dtype=torch.float64, device="cpu")
    call = kernel(
        signatures.BIAS_ACT_DROPOUT,
        "bias_act_dropout",
        direction,
        DTYPES[input.dtype],
        tail.activation.name,
        bias is not None,
        tail.has_dropout,
    )
    p, key = tail.numbers
    call(
        num_chunks,
        size,
        x=input.data_ptr(),
        y=output.data_ptr(),
        bias=0 if bias is None else bias.data_ptr(),
        grad=0 if grad is None else grad.data_ptr(),
        sums=0 if sums is None else sums.data_ptr(),
        start=tail.start,
        end=tail.start + size,
        num_features=num_features,
        key=key,
        threshold=threshold(p),
        scale=scale(p),
        parameter=tail.activation.parameter,
        tiles_per_chunk=tiles_per_chunk,
    )
    return None if sums is None else sums.sum(0)
