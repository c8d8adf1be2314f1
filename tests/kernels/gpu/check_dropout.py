"""Dropout's kernels against the mask contract and float64."""

import json
import math
from pathlib import Path

import pytest
import torch

from cases import LAYOUTS, RATES, dropouts
from cases import draw as draw_on_cpu
from wolfsbane.kernels.gpu import dropout_add, masked_affine
from wolfsbane.mask import keep_mask, scale, threshold

KEY = 0xFEDCBA9876543210
"""Its upper half is beyond 2^31."""

SATURATE = (0.87, 0.31, -1.2)
SIZES = (0, 1, 2, 127, 128, 129, 1023, 1024, 1025, 2 * 1024 + 1, 10_007, 2 * 8192)
STARTS = (1, 128, 1023, 4096, 5000, 123_457, 2**32 - 5, 2**40 + 77)
VECTORS = json.loads((Path(__file__).parents[2] / "mask_vectors.json").read_text())
FLOAT32_ERROR = 2**-22

dtypes = pytest.mark.parametrize(
    "dtype",
    [torch.float32, torch.bfloat16, torch.float16],
    ids=["float32", "bfloat16", "float16"],
)
layouts = pytest.mark.parametrize("layout", LAYOUTS, ids=lambda case: case.name)


def zeroing(p):
    return (0.0 if threshold(p) == 65536 else scale(p), 0.0, 0.0)


def assert_rounded_once(y, truth, summands):
    """Assert that float32 arithmetic and one rounding lie between `y` and `truth`."""
    info = torch.finfo(y.dtype)
    _, exponent = torch.frexp(truth.abs().clamp_min(info.smallest_normal))
    half_unit = info.eps / 2 * torch.ldexp(torch.ones_like(truth), exponent - 1)
    assert ((y.double() - truth).abs() <= half_unit + FLOAT32_ERROR * summands).all()


def assert_is_affine(y, x, keep, coefficients):
    a, b, fill = coefficients
    truth = (x.double() * a + b).masked_fill(~keep, fill)
    assert_rounded_once(y, truth, (x.double() * a).abs() + abs(b) + abs(fill))
    assert (y[~keep.expand(y.shape)] == y.new_tensor(fill)).all()


@pytest.fixture
def run(device):
    """Return a function that runs a kernel on tensors from the CPU."""

    def on_device(function, *operands, **options):
        moved = [t.to(device) if isinstance(t, torch.Tensor) else t for t in operands]
        return function(*moved, **options).cpu()

    return on_device


@dtypes
@layouts
def test_every_layout_and_dtype_has_the_contract_s_mask(run, mask_source, layout, dtype):
    x = draw_on_cpu(layout, dtype)
    y = run(masked_affine, x, 0.3, KEY, tuple(x.shape), SATURATE)
    assert_is_affine(y, x, keep_mask(x.shape, 0.3, KEY), SATURATE)
    assert (y.stride(), y.dtype) == (torch.empty_like(x).stride(), dtype)


@pytest.mark.parametrize("masked_dims", [1, 2, 3])
@layouts
def test_mask_is_shared_by_what_it_is_broadcast_over(run, mask_source, masked_dims, layout):
    x = draw_on_cpu(layout)
    shape = tuple(x.shape[:masked_dims]) + (1,) * (x.dim() - masked_dims)
    y = run(masked_affine, x, 0.3, KEY, shape, SATURATE)
    assert_is_affine(y, x, keep_mask(shape, 0.3, KEY), SATURATE)
    assert y.stride() == torch.empty_like(x).stride()


@pytest.mark.parametrize("dims", [(0,), (1,), (0, 2), (1, 3), (0, 1, 3)])
@layouts
def test_mask_may_be_shared_over_any_dimensions(run, mask_source, dims, layout):
    x = draw_on_cpu(layout)
    shape = tuple(1 if dim in dims else size for dim, size in enumerate(x.shape))
    y = run(masked_affine, x, 0.3, KEY, shape, SATURATE)
    assert_is_affine(y, x, keep_mask(shape, 0.3, KEY), SATURATE)
    assert y.stride() == torch.empty_like(x).stride()


@dropouts
def test_every_kind_of_dropout(run, mask_source, case):
    y = run(masked_affine, torch.ones(case.shape), 0.4, KEY, case.mask_shape, zeroing(0.4))
    assert torch.equal(y != 0, keep_mask(case.mask_shape, 0.4, KEY).expand(case.shape))


@pytest.mark.parametrize("length", [1, 2, 4, 8, 16, 48, 49, 1030])
def test_runs_of_any_length_share_a_decision(run, mask_source, length):
    x = torch.rand(7, 13, length) + 1
    y = run(masked_affine, x, 0.4, KEY, (7, 13, 1), zeroing(0.4))
    assert torch.equal(y != 0, keep_mask((7, 13, 1), 0.4, KEY).expand(x.shape))


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=["float32", "bfloat16"])
def test_every_element_is_written_at_any_size(run, size, dtype):
    x = (torch.rand(size) + 1).to(dtype)
    y = run(masked_affine, x, 0.4, KEY, (size,), zeroing(0.4))
    assert_is_affine(y, x, keep_mask(size, 0.4, KEY), zeroing(0.4))


@pytest.mark.parametrize("p", RATES)
def test_every_rate(run, p):
    y = run(masked_affine, torch.ones(3001), p, KEY, (3001,), zeroing(p))
    assert torch.equal(y != 0, keep_mask(3001, p, KEY))


@pytest.mark.parametrize("start", STARTS)
def test_part_of_a_mask_begins_at_any_element(run, mask_source, start):
    x = torch.rand(2, 41, 5, 23) + 1
    keep = keep_mask(x.shape, 0.4, KEY, start=start)
    for z in (x, x.contiguous(memory_format=torch.channels_last)):
        y = run(masked_affine, z, 0.4, KEY, tuple(x.shape), zeroing(0.4), start)
        assert torch.equal(y != 0, keep)
    residual = torch.full_like(x, 4.0)
    assert torch.equal(run(dropout_add, x, residual, 0.4, KEY, start) != 4, keep)
    keep = keep_mask((2, 41, 1, 1), 0.4, KEY, start=start)
    y = run(masked_affine, x, 0.4, KEY, (2, 41, 1, 1), zeroing(0.4), start)
    assert torch.equal(y != 0, keep.expand(x.shape))


KNOWN = [
    (int(row["key"]), int(index), bits)
    for row in VECTORS["u16"]
    for index, bits in zip(row["index"], row["u"], strict=True)
]


def assert_sixteen_bits(run, shape, mask_shape, key, index, bits):
    for cut in (bits, min(bits + 1, 65535)):
        x, p = torch.ones(shape), cut / 65536
        y = run(masked_affine, x, p, key, mask_shape, (2.0, 0.0, 0.0), index)
        assert (y == (2.0 if cut <= bits else 0.0)).all()


def test_element_is_kept_up_to_its_own_sixteen_bits_and_no_further(run):
    for key, index, bits in KNOWN[::3]:
        assert_sixteen_bits(run, (1,), (1,), key, index, bits)


def test_decision_is_made_by_its_own_sixteen_bits(run, mask_source):
    for key, index, bits in KNOWN[::7]:
        assert_sixteen_bits(run, (1, 3), (1, 1), key, index, bits)


@pytest.mark.parametrize("value", [math.inf, -math.inf, math.nan])
@pytest.mark.parametrize("p", [0.5, 1.0])
@dtypes
def test_dropped_inf_or_nan_is_gone(run, value, p, dtype):
    x = torch.full((1025,), value, dtype=dtype)
    y = run(masked_affine, x, p, KEY, (1025,), zeroing(p))
    keep = keep_mask(1025, p, KEY)
    assert (y[~keep] == 0).all()
    assert not y[keep].isfinite().any()


@dtypes
@layouts
@pytest.mark.parametrize("p", [0.3, 1.0])
def test_residual_is_added(run, layout, dtype, p):
    x, residual = draw_on_cpu(layout, dtype), torch.randn(layout.shape).to(dtype)
    y = run(dropout_add, x, residual, p, KEY)
    keep = keep_mask(x.shape, p, KEY)
    dropped = torch.where(keep, x.double() * zeroing(p)[0], 0.0)
    assert_rounded_once(y, dropped + residual.double(), dropped.abs() + residual.double().abs())
    assert (y.stride(), y.dtype) == (torch.empty_like(x).stride(), dtype)


def test_leading_dimensions_share_one_mask(run):
    y = run(masked_affine, torch.ones(3, 5, 7), 0.4, KEY, (5, 7), zeroing(0.4))
    assert torch.equal(y != 0, keep_mask((5, 7), 0.4, KEY).expand(3, 5, 7))


def test_tensor_without_dimensions_is_one_element(run):
    y = run(masked_affine, torch.tensor(3.0), 0.5, KEY, (), zeroing(0.5))
    assert y.item() == (6.0 if keep_mask((), 0.5, KEY) else 0.0)
