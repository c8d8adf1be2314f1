"""The normal quantile that the CPU's kernels compute, against the reference in float64."""

import functools
import re

import numpy as np
import pytest
import torch
from numba import njit

from wolfsbane.kernels.cpu.source.memory import COMPILED
from wolfsbane.kernels.cpu.source.normal import DOUBLE, SINGLE, quantile
from wolfsbane.mask.normal import quantile as reference

LARGEST_ERROR = {"float32": 5.0, "float64": 8.0}
"""In units in the last place. All words were tried once, on a processor with FMA: float32 was at
most 4.53 off, 9.3e-7 in all; float64 7, 2.7e-15 in all.
"""

STRIDE = 4099
"""Prime, so that the low bits of the million words tried take all values."""

NEIGHBOURS = 1000
"""Words tried on each side of a seam."""

formats = pytest.mark.parametrize("dtype", ["float32", "float64"])


@functools.cache
def loop(dtype):
    """Return a compiled loop over words."""
    function = quantile(dtype == "float64")

    @njit(f"void(uint32[::1], {dtype}[::1])", **COMPILED)
    def apply(words, z):
        for i in range(words.size):
            z[i] = function(words[i])

    return apply


def evaluate(dtype, words):
    z = np.full(words.shape, np.nan, dtype)
    loop(dtype)(words.astype(np.uint32), z)
    return z


def truth(words):
    return reference(torch.from_numpy(words.astype(np.int64))).numpy()


def assert_accurate(dtype, words):
    true = truth(words)
    unit = np.ldexp(np.finfo(dtype).eps, np.frexp(true)[1] - 1)
    errors = np.abs(evaluate(dtype, words) - true) / unit
    worst = errors.argmax()  # nan, if there is one
    assert errors[worst] <= LARGEST_ERROR[dtype], f"{errors[worst]} ulp at {words[worst]}"


def words_at_the_seam(numbers):
    """Return words whose w is the seam: 1 - x^2 = exp(-w)."""
    x = np.sqrt(-np.expm1(-numbers.seam))
    return [int((1 + side * x) * 2**31) for side in (-1, 1)]


@formats
def test_error_is_a_few_units_in_the_last_place_over_all_words(dtype):
    assert_accurate(dtype, np.arange(0, 2**32, STRIDE))


@formats
def test_error_is_a_few_units_in_the_last_place_next_to_the_seams(dtype):
    seams = words_at_the_seam(DOUBLE if dtype == "float64" else SINGLE)
    centres = np.array([NEIGHBOURS, *seams, 2**31, 2**32 - 1 - NEIGHBOURS])
    steps = np.arange(-NEIGHBOURS, NEIGHBOURS + 1)
    assert_accurate(dtype, (centres[:, None] + steps).ravel())


@formats
def test_quantile_is_antisymmetric_and_ends_at_six_and_a_third(dtype):
    words = np.array([0, 1, 12_345, 2**31 - 1])
    lower, upper = evaluate(dtype, words), evaluate(dtype, 2**32 - 1 - words)
    np.testing.assert_array_equal(lower, -upper)
    assert 6.33 < upper[0] < 6.34
    assert upper[-1] > 0


@formats
def test_loop_is_vector_code_without_calls(dtype):
    (intermediate,) = loop(dtype).inspect_llvm().values()
    kind = {"float32": "<(4|8|16) x float>", "float64": "<(2|4|8) x double>"}[dtype]
    assert re.search(f"fmul contract {kind}", intermediate)
    assert re.search(rf"call[^@\n]*{kind} @llvm\.sqrt", intermediate)
    # The rest of a loop, scalar code, has sqrtf, which becomes an instruction.
    assert not re.search(r"call[^@\n]*@\"?(\w*wolfsbane|log)", intermediate)
