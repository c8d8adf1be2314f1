"""exp, expm1, erf and tanh of one float32, for loops that LLVM turns into vector code.

No branches, no calls: both sides of every choice are computed, and one is selected. At most 2 ulp
off for all 2^32 arguments; subnormal numbers, the signs of zeros, infinities and nan are kept.

    exp(x) = 2^n exp(r)        n = round(x / ln 2), r = x - n ln 2, |r| <= ln(2)/2
    expm1(x) = 2^n expm1(r) + (2^n - 1)
    tanh(x) = 1 - 2 / (exp(2x) + 1), near zero x + x^3 P(x^2)
    erf(x) = 1 - P(x - c), near zero x + x P(x^2)

Each polynomial is the minimax one for the stated weight, found by Remez' exchange in 40 digits.
Then its coefficients were rounded to float32, the constant one first, each time with the remaining
ones fitted anew; of the polynomial for erf far from zero all at once. The maximum errors are those
after the rounding. In float64 the functions are libm's.

References:
    Remez 1934, Comptes Rendus 198: the exchange algorithm.
    Cody, Waite 1980, Software Manual for the Elementary Functions: ln 2 in two parts.
"""

import math
from typing import Any

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.extending import intrinsic

from wolfsbane.kernels.cpu.source.memory import INLINED, bits_of_f32, f32_of_bits


def polynomial(*coefficients: float, real: Any = types.float32) -> Any:
    """Return the function of one number with these coefficients, the constant one first.

    An intrinsic, because Numba would keep a loop over the coefficients a loop.
    """
    kind = ir.FloatType() if real is types.float32 else ir.DoubleType()

    @intrinsic
    def horner(typingctx: Any, x: Any) -> Any:  # noqa: ARG001
        def generate(_context: Any, builder: Any, _signature: Any, args: Any) -> Any:
            constants = [ir.Constant(kind, value) for value in coefficients]
            total = constants.pop()
            while constants:
                product = builder.fmul(total, args[0], flags=["contract"])
                total = builder.fadd(product, constants.pop(), flags=["contract"])
            return total

        return real(real), generate

    return horner


# (expm1(r) - r) / r^2 for |r| <= 1.001 ln(2)/2; degree 4, weighted so that the error is relative to
# expm1(r): at most 1.5e-8.
_expm1_tail = polynomial(0.49999997, 0.16666539, 0.0416677445, 0.00836705603, 0.00138386665)

# erf(x) / x - 1 in x^2, for |x| <= 1.125; degree 6, relative to erf(x): at most 9.1e-9. The one is
# left out so that adding it to the rest rounds only once.
_ERF_SEAM = np.float32(1.125)
_erf_near_zero = polynomial(
    0.128379166,
    -0.376126021,
    0.112832561,
    -0.0268392246,
    0.0051602656,
    -0.000776568952,
    7.06220744e-05,
)

# erf(x) - 1 in x - 2.5, for 1.125 <= x <= 3.90625; degree 12, absolute error at most 2.6e-8, which
# is 0.44 ulp of erf(x). From 3.875 on the value at 3.875 is taken: it rounds to 1. In all of the
# interval x - 2.5 is exact.
_ERF_CENTRE = np.float32(2.5)
_ERF_IS_ONE = np.float32(3.875)
_minus_erfc = polynomial(
    -0.000406936102,
    0.00217811414,
    -0.00544647453,
    0.0083528161,
    -0.00861643441,
    0.00610467046,
    -0.00281567546,
    0.000568443153,
    0.000284022914,
    -0.000277778483,
    6.30072973e-05,
    2.0806423e-05,
    -9.31123213e-06,
)

# (tanh(x) / x - 1) / x^2 in x^2, for |x| <= 0.625; degree 4, relative to tanh(x): at most 4.6e-9.
_TANH_SEAM = np.float32(0.625)
_tanh_tail = polynomial(-0.333332807, 0.133314058, -0.0537365153, 0.0206281673, -0.0056922963)
_TANH_IS_ONE = np.float32(10.0)  # from 9.02 on

# 1.5 2^23: a float32 of this size has no bits below one, so adding it rounds to an integer, which
# then stands in the lower bits. 127, the bias of a float32's exponent, makes them an exponent.
_EXPONENT_BIAS = 127
_ROUNDER = np.float32(1.5 * 2**23 + _EXPONENT_BIAS)
_MANTISSA_BITS = np.uint32(23)

_LOG2_E = np.float32(1 / math.log(2))
# 15 bits, so that their product with a number of 8 bits is exact in float32.
_LN2_HIGH = np.float32(round(math.log(2) * 2**15) / 2**15)
_LN2_LOW = np.float32(math.log(2) - float(_LN2_HIGH))

_EXP_IS_ZERO = np.float32(-104.0)  # below 2^-150, half of the smallest subnormal number
_EXP_IS_INFINITE = np.float32(89.0)  # from 128 ln 2 = 88.73 on
_EXPM1_IS_MINUS_ONE = np.float32(-18.0)  # from -25 ln 2 = -17.33 on
_EXPM1_IS_X = np.float32(2.0**-25)  # the next term, x^2 / 2, is below a quarter ulp

_HALF, _ONE, _TWO = np.float32(0.5), np.float32(1.0), np.float32(2.0)


@njit(**INLINED)
def _power_of_two(n):
    """Return 2^n of an integer from -126 to 127; for nan any number, to be multiplied by nan."""
    return f32_of_bits(np.uint32(bits_of_f32(n + _ROUNDER) << _MANTISSA_BITS))


@njit(**INLINED)
def _clamp(x, low, high):
    """Return x brought into an interval; nan, being the first argument, stays nan."""
    return min(max(x, low), high)


@njit(**INLINED)
def _split(x):
    """Return n and expm1(r) of x = n ln 2 + r."""
    n = (x * _LOG2_E + _ROUNDER) - _ROUNDER
    r = (x - n * _LN2_HIGH) - n * _LN2_LOW
    return n, r + r * r * _expm1_tail(r)


@njit(**INLINED)
def exp_f32(x):
    """Return e^x."""
    n, tail = _split(_clamp(x, _EXP_IS_ZERO, _EXP_IS_INFINITE))
    # In two factors: 2^n alone may be infinite or subnormal where the result is not.
    half = (n * _HALF + _ROUNDER) - _ROUNDER
    return (_ONE + tail) * _power_of_two(half) * _power_of_two(n - half)


@njit(**INLINED)
def expm1_f32(x):
    """Return e^x - 1."""
    n, tail = _split(_clamp(x, _EXPM1_IS_MINUS_ONE, _EXP_IS_INFINITE))
    half_power = _power_of_two(n - _ONE)  # 2^128 would be infinite
    result = _TWO * (half_power * tail + (half_power - _HALF))
    return x if abs(x) < _EXPM1_IS_X else result


@njit(**INLINED)
def erf_f32(x):
    """Return the integral of 2 exp(-t^2) / sqrt(pi) from 0 to x."""
    size = abs(x)
    near_zero = size + size * _erf_near_zero(size * size)
    size = min(size, _ERF_IS_ONE)
    far = _ONE + _minus_erfc(size - _ERF_CENTRE)
    return math.copysign(near_zero if size < _ERF_SEAM else far, x)


@njit(**INLINED)
def tanh_f32(x):
    """Return the hyperbolic tangent."""
    size = abs(x)
    square = size * size
    near_zero = size + size * (square * _tanh_tail(square))
    size = min(size, _TANH_IS_ONE)
    n, tail = _split(_TWO * size)
    far = _ONE - _TWO / ((_ONE + tail) * _power_of_two(n) + _ONE)
    return math.copysign(near_zero if size < _TANH_SEAM else far, x)


@njit(**INLINED)
def exp_f64(x):
    """Return e^x."""
    return math.exp(x)


@njit(**INLINED)
def expm1_f64(x):
    """Return e^x - 1."""
    return math.expm1(x)


@njit(**INLINED)
def erf_f64(x):
    """Return the integral of 2 exp(-t^2) / sqrt(pi) from 0 to x."""
    return math.erf(x)


@njit(**INLINED)
def tanh_f64(x):
    """Return the hyperbolic tangent."""
    return math.tanh(x)
