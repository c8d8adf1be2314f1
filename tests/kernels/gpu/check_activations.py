"""Activations and their derivatives, as kernels compute them, against torch's autograd."""

import functools
import math

import pytest
import torch
import triton
import triton.language as tl
from torch.nn import functional as F

from blocks import TORCH
from significance import assert_as_accurate_as_torch
from wolfsbane.kernels.gpu.activations import activate, derivative

PARAMETER = {"leaky_relu": 0.1, "elu": 0.7}
HERE = TORCH | {
    "leaky_relu": functools.partial(F.leaky_relu, negative_slope=PARAMETER["leaky_relu"]),
    "elu": functools.partial(F.elu, alpha=PARAMETER["elu"]),
}
BLOCK = 4096
LARGE = (100.0, 1000.0, 1e19, 1e30, 3e38, math.inf)

names = pytest.mark.parametrize("name", HERE)


@triton.jit
def _both(x, values, slopes, size, parameter, name: tl.constexpr, block: tl.constexpr):
    place = tl.program_id(0) * block + tl.arange(0, block)
    value = tl.load(x + place, mask=place < size, other=0.0)
    tl.store(values + place, activate(value, parameter, name), mask=place < size)
    tl.store(slopes + place, derivative(value, parameter, name), mask=place < size)


@pytest.fixture
def ours(device):
    def run(name, x):
        x = x.to(device)
        values, slopes = torch.empty_like(x), torch.empty_like(x)
        parameter = PARAMETER.get(name, math.nan)  # where it is not used, it does not matter
        grid = (triton.cdiv(x.numel(), BLOCK),)
        _both[grid](
            x, values, slopes, x.numel(), parameter, name=name, block=BLOCK, enable_fp_fusion=True
        )
        return values.cpu(), slopes.cpu()

    return run


def theirs(name, x):
    x = x.clone().requires_grad_()
    values = HERE[name](x)
    (slopes,) = torch.autograd.grad(values, x, torch.ones_like(x))
    return values.detach(), slopes


@names
@pytest.mark.parametrize("reach", [1e-4, 0.3, 3.0, 20.0])
def test_values_and_derivatives_are_as_accurate_as_torch(ours, name, reach):
    x = torch.linspace(-reach, reach, 8001)
    for one, other, truth in zip(
        ours(name, x), theirs(name, x), theirs(name, x.double()), strict=True
    ):
        assert_as_accurate_as_torch(one, other, truth)


@names
def test_large_arguments_have_their_limits(ours, name):
    x = torch.tensor([sign * size for size in LARGE for sign in (1, -1)])
    values, slopes = ours(name, x)
    # In float64, what is saturated at 1000 is exact; beyond, torch overflows here and there.
    near = x.double().clamp(-1000, 1000)
    linear = name not in {"sigmoid", "tanh"}
    expected, expected_slopes = theirs(name, near)
    if linear:
        expected = torch.where(x > 0, x.double(), expected)
        slope = {"identity": 1.0, "leaky_relu": PARAMETER["leaky_relu"]}.get(name, 0.0)
        expected = torch.where((x < 0) & (slope != 0), slope * x.double(), expected)
    torch.testing.assert_close(values, expected.float(), rtol=1e-6, atol=1e-37)
    torch.testing.assert_close(slopes, expected_slopes.float(), rtol=1e-6, atol=1e-37)


@names
def test_nan_stays(ours, name):
    values, slopes = ours(name, torch.tensor([math.nan]))
    assert values.isnan().all()
    constant = {"identity": 1.0, "relu": 1.0, "leaky_relu": PARAMETER["leaky_relu"]}
    if name in constant:
        assert slopes.item() == pytest.approx(constant[name])
    else:
        assert slopes.isnan().all()


@names
def test_joints_are_torch_s(ours, name):
    x = torch.tensor([0.0, -0.0, 3.0, -3.0])
    for one, other in zip(ours(name, x), theirs(name, x.double()), strict=True):
        torch.testing.assert_close(one, other.float(), rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("name", ["tanh", "elu"])
def test_small_arguments_keep_their_digits(ours, name):
    x = torch.logspace(-30, 0, 500)
    x = torch.cat([x, -x])
    values, _ = ours(name, x)
    torch.testing.assert_close(values, theirs(name, x.double())[0].float(), rtol=5e-7, atol=0)
