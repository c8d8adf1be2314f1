"""Activations and their derivatives, as compiled for kernels, against torch's autograd."""

import functools
import math
import re

import pytest
import torch
from numba import njit
from torch.nn import functional as F

from significance import ROUNDINGS, assert_as_accurate_as_torch
from wolfsbane.kernels.cpu.source.activations import ACTIVATIONS, activation_functions
from wolfsbane.kernels.cpu.source.memory import COMPILED

PARAMETER = {"leaky_relu": 0.1, "elu": 0.7}

TORCH = {
    "identity": torch.clone,
    "relu": F.relu,
    "leaky_relu": functools.partial(F.leaky_relu, negative_slope=PARAMETER["leaky_relu"]),
    "sigmoid": torch.sigmoid,
    "tanh": torch.tanh,
    "gelu": F.gelu,
    "gelu_tanh": functools.partial(F.gelu, approximate="tanh"),
    "silu": F.silu,
    "elu": functools.partial(F.elu, alpha=PARAMETER["elu"]),
    "hardswish": F.hardswish,
    "mish": F.mish,
}

BOUNDED = {"sigmoid", "tanh"}

ROUNDINGS_HERE = {torch.float32: ROUNDINGS[torch.float32], torch.float64: 32}
"""float64: torch is not accurate enough to be its own truth.

Its derivatives multiply x, up to 20 here, by the rounding error of 1 - s. Against 80-bit numbers
that of gelu_tanh is 22 eps off, that of mish 18; ours are 2.
"""

JOINTS = (math.nan, math.inf, 0.0, 3.0, 1e-40, 1e-3, 100.0, 1000.0, 1e19, 1e30, 3e38)
"""Special arguments, each taken with both signs."""

names = pytest.mark.parametrize("name", TORCH)
both_dtypes = pytest.mark.parametrize(
    "dtype", [torch.float32, torch.float64], ids=["float32", "float64"]
)


@functools.cache
def loop(name, dtype):
    """Return a compiled loop over the activation and its derivative."""
    forward, derivative = activation_functions(name, dtype is torch.float64)
    real = str(dtype).removeprefix("torch.")
    array = f"{real}[::1]"

    @njit(f"void({array}, {real}, {array}, {array})", **COMPILED)
    def apply(x, parameter, values, derivatives):
        for i in range(x.size):
            values[i] = forward(x[i], parameter)
            derivatives[i] = derivative(x[i], parameter)

    return apply


def ours(name, x):
    values, derivatives = torch.empty_like(x), torch.empty_like(x)
    parameter = PARAMETER.get(name, math.nan)  # where it is not used, it does not matter
    loop(name, x.dtype)(x.numpy(), parameter, values.numpy(), derivatives.numpy())
    return values, derivatives


def theirs(name, x):
    x = x.clone().requires_grad_()
    values = TORCH[name](x)
    (derivatives,) = torch.autograd.grad(values, x, torch.ones_like(x))
    return values.detach(), derivatives


def limits(name, x):
    """Return torch's values in float64, but for nan of a number the limits."""
    x = x.double()
    values, derivatives = theirs(name, x)
    is_lost = ~x.isnan()
    values = torch.where(is_lost & values.isnan(), x.clamp(min=0.0), values)
    derivatives = torch.where(is_lost & derivatives.isnan(), (x > 0.0).double(), derivatives)
    return values, derivatives


def test_every_activation_is_tested():
    assert list(TORCH) == list(ACTIVATIONS)


@names
@both_dtypes
def test_values_and_derivatives_are_as_accurate_as_torch(name, dtype):
    wide, narrow = (torch.linspace(-end, end, 8001, dtype=dtype) for end in (20, 1))
    for x in (wide, narrow, 3 * torch.randn(10_000, dtype=dtype)):
        for result, other, truth in zip(
            ours(name, x), theirs(name, x), theirs(name, x.double()), strict=True
        ):
            eps = torch.finfo(dtype).eps
            floor = ROUNDINGS_HERE[dtype] * eps * truth.abs().max().item()
            assert_as_accurate_as_torch(result, other, truth, floor)


@names
@both_dtypes
def test_joints_nan_and_limits_are_those_of_torch_in_float64(name, dtype):
    x = torch.tensor([*JOINTS, *(-joint for joint in JOINTS)], dtype=dtype)
    tolerance = 4 * torch.finfo(dtype).eps
    for result, expected in zip(ours(name, x), limits(name, x), strict=True):
        torch.testing.assert_close(
            result, expected.to(dtype), rtol=tolerance, atol=tolerance, equal_nan=True
        )


@names
@both_dtypes
def test_sign_of_zero_is_that_of_torch(name, dtype):
    x = torch.tensor([0.0, -0.0], dtype=dtype)
    assert torch.equal(ours(name, x)[0].signbit(), theirs(name, x)[0].signbit())


@both_dtypes
@pytest.mark.parametrize("name", [name for name in TORCH if name not in BOUNDED])
def test_largest_number_is_kept(name, dtype):
    x = torch.tensor([torch.finfo(dtype).max], dtype=dtype)
    values, derivatives = ours(name, x)
    assert torch.equal(values, x)
    assert derivatives.item() == 1.0


@names
def test_float32_loop_is_vector_code_without_calls(name):
    (intermediate,) = loop(name, torch.float32).inspect_llvm().values()
    assert re.search(r"store <(4|8|16) x float>", intermediate)
    assert not re.search(r"call[^@\n]*@\"?(llvm\.)?(exp|exp2|expm1|erf|tanh)f?\b", intermediate)
    assert not re.search(r"call[^@\n]*@\"?\w*wolfsbane", intermediate)
