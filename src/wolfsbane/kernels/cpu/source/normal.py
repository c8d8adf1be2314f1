r"""The normal quantile of a 32-bit word, for loops that LLVM turns into vector code.

    z = Phi^-1((word + 1/2) / 2^32) = x P(w),  x = (2 word + 1) / 2^32 - 1,  w = -ln(1 - x^2)

No branches, no calls: P is a polynomial in w near the middle and one in sqrt(w) towards the tails,
both are computed, and one is selected. |x| and 1 - |x| are taken from the word as integers, so that
nothing cancels; |x| is at least 2^-32, w at most 21.5. The logarithm is, of a mantissa m between
sqrt(1/2) and sqrt(2), 2 artanh(s) with s = (m - 1) / (m + 1), |s| < 0.172, by Taylor's series.

The polynomials are the minimax ones for the relative error, found by Remez' exchange in 45 digits,
then rounded. The errors are those after the rounding; `tests/kernels/cpu/test_normal.py` has those
of the whole.

References:
    Giles 2012, GPU Computing Gems, Jade edition, chapter 10: x P(w) for the inverse of erf.
    Remez 1934, Comptes Rendus 198: the exchange algorithm.
"""

import math
from typing import Any, NamedTuple

import numpy as np
from numba import njit, types

from wolfsbane.kernels.cpu.source.elementary import polynomial
from wolfsbane.kernels.cpu.source.memory import (
    INLINED,
    bits_of_f32,
    bits_of_f64,
    f32_of_bits,
    f64_of_bits,
)


class Format(NamedTuple):
    """What depends on the format of the numbers."""

    real: Any
    integer: Any
    """A signed integer of as many bits."""
    bits_of: Any
    of_bits: Any
    mantissa_bits: int
    artanh_tail: Any
    """artanh(s) / s - 1, divided by s^2, in s^2."""
    middle: Any
    middle_centre: float
    seam: float
    """The w from which on the other polynomial is taken."""
    tail: Any
    tail_centre: float


def _artanh_tail(num_terms: int, real: Any) -> Any:
    return polynomial(*(1 / (2 * k + 3) for k in range(num_terms)), real=real)


@njit(**INLINED)
def _signed_bits_of_f32(x):
    return np.int32(bits_of_f32(x))


@njit(**INLINED)
def _f32_of_signed_bits(bits):
    return f32_of_bits(np.uint32(bits))


SINGLE = Format(
    real=np.float32,
    integer=np.int32,
    bits_of=_signed_bits_of_f32,
    of_bits=_f32_of_signed_bits,
    mantissa_bits=23,
    artanh_tail=_artanh_tail(4, types.float32),  # relative error at most 2e-9
    # P in w - 3 for w from 0 to 6; degree 10, relative error at most 8.6e-8.
    middle=polynomial(
        2.296035,
        0.341717,
        -0.008115031,
        -0.0011825552,
        0.00027595184,
        -1.7972938e-05,
        -2.5113359e-06,
        6.3415683e-07,
        -2.5936854e-08,
        -7.740444e-09,
        8.8483104e-10,
    ),
    middle_centre=3.0,
    seam=6.0,
    # P in sqrt(w) - 3.5625 for sqrt(w) from 2.4375 to 4.6875; degree 9, at most 4e-8.
    tail=polynomial(
        4.806146,
        1.4251821,
        0.00412558,
        -0.0025775556,
        0.0012503016,
        -0.00071603357,
        0.00054478686,
        -0.00032646998,
        5.0907976e-05,
        2.4456676e-05,
    ),
    tail_centre=3.5625,
)

DOUBLE = Format(
    real=np.float64,
    integer=np.int64,
    bits_of=bits_of_f64,
    of_bits=f64_of_bits,
    mantissa_bits=52,
    artanh_tail=_artanh_tail(10, types.float64),  # relative error at most 2e-18
    # P in w - 3.5 for w from 0 to 7; degree 23, relative error at most 3.1e-16.
    middle=polynomial(
        2.4647337126953026,
        0.33284705432033695,
        -0.009499366667660089,
        -0.0006806376011600936,
        0.0002242409764197834,
        -2.2342387467653032e-05,
        -5.407507175983862e-07,
        4.5492735228116437e-07,
        -5.214526685746414e-08,
        -9.961871255393714e-10,
        1.0532135058529195e-09,
        -1.2178033044801272e-10,
        -2.70926243920696e-12,
        2.543683775961289e-12,
        -2.888270033667416e-13,
        -7.759656982907506e-15,
        6.4776501182256395e-15,
        -7.237040938167113e-16,
        -4.0095523268846684e-17,
        1.872222020666888e-17,
        -7.855116684037901e-19,
        -2.24638880515893e-19,
        1.4035944586411586e-20,
        1.1852132031562758e-21,
        real=types.float64,
    ),
    middle_centre=3.5,
    seam=7.0,
    # P in sqrt(w) - 3.640625 for sqrt(w) from 2.640625 to 4.640625; degree 19, at most 2.7e-16.
    tail=polynomial(
        4.917512469137343,
        1.4257804088839354,
        0.003563228196064026,
        -0.002208203543728738,
        0.0010230345170952687,
        -0.0005629699554630988,
        0.00035420637849723635,
        -0.00020384868271581708,
        8.957333011440171e-05,
        -2.236271389703172e-05,
        -3.5458794117786915e-06,
        6.777869064241407e-06,
        -3.399250052282366e-06,
        7.197635738451517e-07,
        1.8111108535925153e-07,
        -2.1375187961946238e-07,
        8.28922515066131e-08,
        -5.320823008024945e-09,
        -1.0261770324670026e-08,
        3.421641469323143e-09,
        real=types.float64,
    ),
    tail_centre=3.640625,
)

_TOP_BIT, _ONE = np.uint32(0x80000000), np.uint32(1)


def quantile(is_double: bool) -> Any:
    """Return the function that takes a word to its number, in float32 or float64."""
    numbers = DOUBLE if is_double else SINGLE
    real, integer, bits_of, of_bits = numbers[:4]
    artanh_tail, middle, tail = numbers.artanh_tail, numbers.middle, numbers.tail
    mantissa_bits = integer(numbers.mantissa_bits)
    root_half = integer(real(math.sqrt(0.5)).view(integer))
    ln_2, one, two = real(math.log(2)), real(1.0), real(2.0)
    unit = real(2.0**-32)
    middle_centre, tail_centre = real(numbers.middle_centre), real(numbers.tail_centre)
    seam = real(numbers.seam)

    @njit(**INLINED)
    def minus_log(x):
        bits = bits_of(x)
        exponent = integer((bits - root_half) >> mantissa_bits)
        mantissa = of_bits(integer(bits - (exponent << mantissa_bits)))
        s = (mantissa - one) / (mantissa + one)
        square = s * s
        return -(real(exponent) * ln_2 + two * (s + s * (square * artanh_tail(square))))

    @njit(**INLINED)
    def normal(word):
        is_lower = word < _TOP_BIT
        distance = np.uint32((np.uint32(~word) if is_lower else word) << _ONE) | _ONE
        size = real(distance) * unit
        rest = real(np.uint32(np.uint32(0) - distance)) * unit
        w = minus_log(rest * (one + size))
        near, far = middle(w - middle_centre), tail(math.sqrt(w) - tail_centre)
        z = size * (near if w < seam else far)
        return -z if is_lower else z

    return normal
