"""Tensors of more than 2^31 elements, of which only the last chunk is computed.

Their memory is reserved, not allocated: a page exists once it is touched. A kernel's count of
claimed chunks starts where one is left, the last, so that little is. The addresses are real.
"""

import ctypes
import mmap
import struct
import sys

import pytest
import torch
from torch.nn import functional as F

from skips import require
from wolfsbane.kernels.cpu import signatures
from wolfsbane.kernels.cpu.kernel import kernel
from wolfsbane.mask import keep_mask, scale, threshold

KEY = 0xFEDCBA9876543210
P = 0.3
TILE, LANES, BLOCK = 1024, 128, 64
TILES_PER_CHUNK = 32
STATISTICS, APPLY = 1, 4
EPS = 1e-5

MAP_NORESERVE = 0x4000
"""Of Linux; Python's mmap has no name for it before 3.13."""

AFFINE = {"scale": scale(P), "shift": 0.0, "fill": 0.0}
RANDOM = {"key": KEY, "threshold": threshold(P)}
NO_VECTORS = dict.fromkeys(
    ["weight", "weight_code", "bias", "bias_code", "running_mean", "running_var", "running_code"], 0
)


class Reserved:
    """A tensor as long as wanted in memory that is full of zeros and not allocated."""

    def __init__(self, size, dtype=torch.float32):
        require(sys.platform == "linux", "memory that is reserved without being allocated")
        flags = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | MAP_NORESERVE
        self.memory = mmap.mmap(-1, size * dtype.itemsize, flags=flags)
        self.tensor = torch.frombuffer(self.memory, dtype=dtype)

    def __enter__(self):
        return self.tensor

    def __exit__(self, *exception):
        del self.tensor
        self.memory.close()


def run_last_chunk(signature, num_chunks, parameters, **arguments):
    """Compute one chunk of a kernel: that with the largest number."""
    compiled = kernel(signature, *parameters)
    memory = signature.pack(num_chunks, arguments)
    struct.pack_into("=q", memory, 0, num_chunks - 1)
    (compiled._entry or compiled._load())(ctypes.addressof(memory))


def dropped(x, start):
    """Return dropout of a contiguous part that begins at a logical index."""
    keep = keep_mask(x.shape, P, KEY, start=start)
    return torch.where(keep, x * scale(P), 0.0)


def fill_bits(bits, index, length):
    """Write the mask bytes of those tiles in which logical neighbours lie."""
    for tile in range(index // TILE, (index + length - 1) // TILE + 1):
        run_last_chunk(
            signatures.MASK_BITS,
            tile + 1,
            ["mask_bits"],
            bits=bits.data_ptr(),
            first_tile=0,
            num_tiles=tile + 1,
            tiles_per_chunk=1,
            **RANDOM,
        )


def unpacked(tile_bytes):
    """Return the 1024 decisions of a tile from its 128 bytes."""
    rows = [(tile_bytes >> bit) & 1 for bit in range(TILE // LANES)]
    return torch.cat(rows).bool()


@pytest.mark.parametrize("kind", ["zeroing", "affine", "residual"])
@pytest.mark.parametrize("start", [2**31, 2**32, 2**40, 2**62], ids=["31", "32", "40", "62"])
@pytest.mark.parametrize("before", [0, 1, 1500])
def test_dropout_of_a_part_has_the_mask_of_its_place_in_the_whole(start, before, kind):
    x, residual = torch.randn(2, 5003).unbind()
    begin = start - before
    y = torch.empty_like(x)
    last_tile = -((begin + len(x)) // -TILE)
    kernel(signatures.DROPOUT, "dropout", "float32", kind)(
        -((last_tile - begin // TILE) // -TILES_PER_CHUNK),
        len(x),
        x=x.data_ptr(),
        y=y.data_ptr(),
        residual=residual.data_ptr(),
        start=begin,
        end=begin + len(x),
        tiles_per_chunk=TILES_PER_CHUNK,
        **RANDOM,
        **AFFINE,
    )
    expected = dropped(x, begin) + (residual if kind == "residual" else 0.0)
    torch.testing.assert_close(y, expected)


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_dropout_addresses_the_end_of_a_large_tensor(dtype):
    size, torch_dtype = 2**32 + 3 * TILE + 77, getattr(torch, dtype)
    last = TILE * 3 + 77
    with Reserved(size, torch_dtype) as x, Reserved(size, torch_dtype) as y:
        x[-last:] = torch.randn(last)
        run_last_chunk(
            signatures.DROPOUT,
            -(size // -(TILE * 4)),
            ["dropout", dtype, "zeroing"],
            x=x.data_ptr(),
            y=y.data_ptr(),
            residual=0,
            start=0,
            end=size,
            tiles_per_chunk=4,
            **RANDOM,
            **AFFINE,
        )
        torch.testing.assert_close(
            y[-last:], dropped(x[-last:].float(), size - last).to(torch_dtype)
        )
        assert (y[-last - 5000 : -last] == 0).all()


@pytest.mark.parametrize("tile", [2**21, 2**22 + 1, 2**25 + 3])
def test_mask_bits_are_the_contract_s_for_the_last_of_many_tiles(tile):
    with Reserved((tile + 1) * LANES, torch.uint8) as bits:
        fill_bits(bits, tile * TILE, 1)
        keep = keep_mask(TILE, P, KEY, start=tile * TILE)
        assert torch.equal(unpacked(bits[tile * LANES :]), keep)


def test_channels_last_dropout_addresses_the_end_of_a_large_tensor():
    samples, channels, length = 3, 5, 2**28 + 7
    rows, size = samples * length, samples * channels * length
    height = rows % BLOCK
    with Reserved(size) as x, Reserved(size) as y, Reserved(size // 8 + TILE, torch.uint8) as bits:
        values = torch.randn(height, channels)
        x[-height * channels :] = values.flatten()
        starts = [((samples - 1) * channels + c + 1) * length - height for c in range(channels)]
        for start in starts:
            fill_bits(bits, start, height)
        run_last_chunk(
            signatures.CHANNELS_LAST_DROPOUT,
            -(rows // -BLOCK),
            ["channels_last_dropout", "float32"],
            x=x.data_ptr(),
            y=y.data_ptr(),
            bits=bits.data_ptr(),
            samples=samples,
            channels=channels,
            length=length,
            **AFFINE,
        )
        expected = [dropped(values[:, c], start) for c, start in enumerate(starts)]
        found = y[-height * channels :].view(height, channels)
        torch.testing.assert_close(found, torch.stack(expected, dim=1))


@pytest.mark.parametrize(
    ("outer", "middle", "inner"), [(2**21, 1027, 1), (2**22 + 1, 257, 5)], ids=["planes", "rows"]
)
def test_channel_dropout_addresses_the_end_of_a_large_tensor(outer, middle, inner):
    size, last = outer * middle * inner, middle * inner
    num_bytes = outer * inner // 8 + TILE
    with Reserved(size) as x, Reserved(size) as y, Reserved(num_bytes, torch.uint8) as bits:
        x[-last:] = torch.randn(last)
        fill_bits(bits, (outer - 1) * inner, inner)
        run_last_chunk(
            signatures.BROADCAST_DROPOUT,
            outer,
            ["broadcast_dropout", "float32"],
            x=x.data_ptr(),
            y=y.data_ptr(),
            bits=bits.data_ptr(),
            outer=outer,
            middle=middle,
            inner=inner,
            **AFFINE,
        )
        keep = keep_mask(inner, P, KEY, start=(outer - 1) * inner)
        expected = torch.where(keep, x[-last:].view(middle, inner) * scale(P), 0.0)
        torch.testing.assert_close(y[-last:].view(middle, inner), expected)


@pytest.mark.parametrize("direction", ["forward", "backward"])
def test_bias_block_addresses_the_end_of_a_large_tensor(direction):
    num_features, last = 129, 2 * TILE + 77
    size = 2**31 + last
    num_chunks = -(size // -(TILE * 4))
    first = num_chunks * TILE * 4 - TILE * 4
    bias = torch.randn(num_features)
    x, y, grad = (Reserved(size) for _ in range(3))
    with x as x, y as y, grad as grad, Reserved(num_chunks * num_features, torch.float64) as sums:
        x[first:] = torch.randn(size - first)
        grad[first:] = torch.randn(size - first)
        run_last_chunk(
            signatures.BIAS_ACT_DROPOUT,
            num_chunks,
            ["bias_act_dropout", direction, "float32", "gelu", True, True],
            x=x.data_ptr(),
            y=y.data_ptr(),
            bias=bias.data_ptr(),
            grad=grad.data_ptr(),
            sums=sums.data_ptr(),
            start=0,
            end=size,
            num_features=num_features,
            scale=scale(P),
            parameter=0.0,
            tiles_per_chunk=4,
            **RANDOM,
        )
        features = (torch.arange(first, size)) % num_features
        z = (x[first:] + bias[features]).requires_grad_()
        output = dropped(F.gelu(z), first)
        if direction == "forward":
            torch.testing.assert_close(y[first:], output.detach())
            return
        (expected,) = torch.autograd.grad(output, z, grad[first:])
        torch.testing.assert_close(y[first:], expected)
        total = torch.zeros(num_features).index_add(0, features, expected)
        torch.testing.assert_close(sums[-num_features:].float(), total)


PLANES = {
    "module": "batch_norm_planes",
    "samples": 2**15,
    "channels": 2**15 + 3,
    "length": 2,
    "groups": 2**15,
    "units": 2**15 + 3,
}
"""A chunk is a plane of two values; `partials` has more than 2^31 numbers, too."""

ROWS = {
    "module": "batch_norm_rows",
    "samples": 2**25,
    "channels": 67,
    "length": 1,
    "groups": 2**19,
    "units": 2,
}
"""A chunk is 64 rows by 64 channels; here the last has three."""


def last_elements(case):
    """Return where the last chunk's values lie: planes (1, 2), rows (64, 3)."""
    size = case["samples"] * case["channels"] * case["length"]
    if case is PLANES:
        return torch.arange(size - 2, size)[None]
    rows = torch.arange(case["samples"] - BLOCK, case["samples"])
    return rows[:, None] * case["channels"] + torch.arange(BLOCK, case["channels"])


def run_last_block(case, direction, phase, x, y, bits, partials, statistics, **arguments):
    shape = {name: case[name] for name in ("samples", "channels", "length", "groups")}
    run_last_chunk(
        signatures.BATCH_NORM,
        case["units"] * case["groups"],
        [case["module"], direction, "float32", "gelu", True],
        x=x.data_ptr(),
        y=y.data_ptr(),
        bits=bits.data_ptr(),
        partials=partials.data_ptr(),
        statistics=statistics.data_ptr(),
        phase=phase,
        eps=EPS,
        momentum=0.0,
        scale=scale(P),
        parameter=0.0,
        uses_batch=0,
        **({"grad": 0, "grad_weight": 0, "grad_bias": 0} | arguments),
        **shape,
        **NO_VECTORS,
    )


@pytest.mark.parametrize("case", [PLANES, ROWS], ids=["planes", "rows"])
def test_batch_norm_addresses_the_end_of_a_large_tensor(case):
    size = case["samples"] * case["channels"] * case["length"]
    pieces = case["samples"] if case is PLANES else case["groups"]
    last = last_elements(case)
    values, upstream = torch.randn(2, *last.shape).unbind()
    statistics = torch.zeros(2, case["channels"], dtype=torch.float64)
    statistics[1] = 1.0
    sums = torch.zeros(2, case["channels"], dtype=torch.float64)
    num_bytes, num_partials = size // 8 + TILE, 2 * pieces * case["channels"]
    x, y, grad = (Reserved(size) for _ in range(3))
    bits, partials = Reserved(num_bytes, torch.uint8), Reserved(num_partials, torch.float64)
    with x as x, y as y, grad as grad, bits as bits, partials as partials:
        x[last.flatten()], grad[last.flatten()] = values.flatten(), upstream.flatten()
        for row in last:
            fill_bits(bits, int(row[0]), len(row))
        memory = (x, y, bits, partials, statistics)

        z = (values / (1 + EPS) ** 0.5).requires_grad_()
        output = torch.stack([dropped(F.gelu(r), int(i[0])) for r, i in zip(z, last, strict=True)])
        (dz,) = torch.autograd.grad(output, z, upstream)

        run_last_block(case, "forward", STATISTICS, *memory)
        variance, mean = torch.var_mean(values.double(), 1 if case is PLANES else 0, correction=0)
        count = 2 if case is PLANES else BLOCK
        assert_partials(case, partials, mean, variance * count)

        run_last_block(case, "forward", APPLY, *memory)
        torch.testing.assert_close(y[last], output.detach())

        gradients = {
            "grad": grad.data_ptr(),
            "grad_weight": sums[0].data_ptr(),
            "grad_bias": sums[1].data_ptr(),
        }
        run_last_block(case, "backward", STATISTICS, *memory, **gradients)
        dim = 1 if case is PLANES else 0
        products = (dz.double() * values.double()).sum(dim)
        assert_partials(case, partials, dz.double().sum(dim), products)
        run_last_block(case, "backward", APPLY, *memory, **gradients)
        torch.testing.assert_close(y[last], dz / (1 + EPS) ** 0.5)


def assert_partials(case, partials, first, second):
    """Assert the two numbers of the last piece, for each of its channels."""
    if case is PLANES:
        found = partials[-2], partials[-1]
    else:
        width, channels = first.numel(), case["channels"]
        found = partials[-channels - width : -channels], partials[-width:]
    for one, other in zip(found, (first, second), strict=True):
        torch.testing.assert_close(one.flatten(), other.flatten(), rtol=1e-5, atol=1e-6)
