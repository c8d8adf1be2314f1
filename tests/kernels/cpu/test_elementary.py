"""The float32 functions that kernels are made of, against the same in float64."""

import functools
import math
import re

import numpy as np
import pytest
import torch
from numba import njit

from wolfsbane.kernels.cpu.source import elementary
from wolfsbane.kernels.cpu.source.memory import COMPILED


def erf(x):
    return torch.erf(torch.from_numpy(x)).numpy()


TRUTHS = {"exp": np.exp, "expm1": np.expm1, "erf": erf, "tanh": np.tanh}

LARGEST_ERROR = 2.0
"""In units in the last place. All 2^32 arguments were tried once, on a processor with FMA: exp was
at most 1.04 off, expm1 1.53, erf 1.32, tanh 1.34.
"""

STRIDE = 1009
"""Prime, so that the low bits of the 4 million bit patterns tried take all values."""

NEIGHBOURS = 1000
"""Numbers tried on each side of a seam."""

LN_2_MULTIPLES = [(n + 0.5) * math.log(2) for n in range(-151, 129)]
SEAMS = {
    "exp": [*LN_2_MULTIPLES, -104.0, -126 * math.log(2), 89.0],
    "expm1": [*LN_2_MULTIPLES, -18.0, -(2.0**-25), 2.0**-25],
    "erf": [-3.875, -1.125, 1.125, 3.875, 3.92],
    "tanh": [-10.0, -0.625, 0.625, 9.02, 10.0],
}

LARGEST, SMALLEST_NORMAL, SMALLEST = 3.4028235e38, 1.1754944e-38, 1e-45
SPECIAL = np.float32([np.nan, np.inf, 0.0, SMALLEST, 100.0, LARGEST])

LIBM = re.compile(r"call[^@\n]*@\"?(llvm\.)?(exp|exp2|expm1|erf|tanh)f?\b")

functions = pytest.mark.parametrize("name", TRUTHS)


@functools.cache
def loop(name):
    """Return a compiled loop over the function."""
    function = getattr(elementary, f"{name}_f32")

    @njit("void(float32[::1], float32[::1])", **COMPILED)
    def apply(x, y):
        for i in range(x.size):
            y[i] = function(x[i])

    return apply


def evaluate(name, x):
    y = np.full_like(x, np.nan)
    loop(name)(x, y)
    return y


def truth(name, x):
    with np.errstate(over="ignore"):
        return TRUTHS[name](x.astype(np.float64))


def error_in_ulp(ours, true):
    """Return the errors in units in the last place of the true values as float32.

    Infinity counts as 2^128: so far is it from the largest number.
    """
    infinite = 2.0**128
    true, ours = (np.clip(np.float64(each), -infinite, infinite) for each in (true, ours))
    exponents = np.frexp(np.maximum(np.abs(true), SMALLEST_NORMAL))[1] - 1
    return np.abs(ours - true) / np.ldexp(1.0, np.minimum(exponents, 127) - 23)


def assert_accurate(name, x):
    errors = error_in_ulp(evaluate(name, x), truth(name, x))
    worst = errors.argmax()  # nan, if there is one
    assert errors[worst] <= LARGEST_ERROR, f"{errors[worst]} ulp at {x[worst]!r}"


@functools.cache
def numbers_of_all_sizes():
    x = np.arange(0, 2**32, STRIDE, dtype=np.uint64).astype(np.uint32).view(np.float32)
    return x[~np.isnan(x)]


@functions
def test_error_is_at_most_two_ulp_over_all_float32(name):
    assert_accurate(name, numbers_of_all_sizes())


@functions
def test_error_is_at_most_two_ulp_next_to_the_seams(name):
    centres = np.float32(SEAMS[name]).view(np.int32)
    x = (centres[:, None] + np.arange(-NEIGHBOURS, NEIGHBOURS + 1, dtype=np.int32)).ravel()
    assert_accurate(name, x.view(np.float32))


@pytest.mark.parametrize("name", ["erf", "tanh"])
def test_result_is_between_minus_one_and_one(name):
    assert np.abs(evaluate(name, numbers_of_all_sizes())).max() == 1.0


@pytest.mark.parametrize("name", ["expm1", "erf", "tanh"])
def test_result_has_the_sign_of_its_argument(name):
    x = numbers_of_all_sizes()
    np.testing.assert_array_equal(np.signbit(evaluate(name, x)), np.signbit(x))


@functions
def test_special_values_are_those_of_float64_rounded(name):
    x = np.concatenate([SPECIAL, -SPECIAL])
    with np.errstate(over="ignore", under="ignore"):
        expected = truth(name, x).astype(np.float32)
    ours = evaluate(name, x)
    np.testing.assert_array_equal(ours, expected)
    numbers = ~np.isnan(x)
    np.testing.assert_array_equal(np.signbit(ours[numbers]), np.signbit(expected[numbers]))


@functions
def test_loop_is_vector_code_without_calls(name):
    (intermediate,) = loop(name).inspect_llvm().values()
    assert re.search(r"fmul contract <(4|8|16) x float>", intermediate)
    assert not LIBM.search(intermediate)
    assert not re.search(r"call[^@\n]*@\"?\w*wolfsbane", intermediate)


@functions
def test_float64_is_libm(name):
    function = getattr(elementary, f"{name}_f64")
    for x in (-2.5, -0.0, 1e-300, 0.7):
        assert function(x) == getattr(math, name)(x)
