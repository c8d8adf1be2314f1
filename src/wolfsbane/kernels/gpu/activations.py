"""Activation functions and their derivatives, elementwise in float32; NAME is a constexpr.

Values at joints, nan and infinities are those of `kernels.cpu`: relu's derivative at nan is 1, that
of leaky_relu the slope; silu, gelu, gelu_tanh and mish have their limits at infinities, and nothing
overflows on the way. Comparisons select, since a GPU's minimum and maximum lose a nan.

exp is the hardware's, off by 2 units in the last place and 2^-24 |x|; expm1 and tanh are as
accurate near zero as elsewhere.
"""

import math

import triton
import triton.language as tl

_SATURATED = tl.constexpr(1000.0)
"""exp of it is infinite, exp of its negative zero."""

_MISH_IS_X = tl.constexpr(22.0)
"""Above, mish(x) / x rounds to 1; and exp(4 * 22), of its derivative, is finite."""

_EXPM1_IS_POLYNOMIAL = tl.constexpr(0.5)
"""Below, Taylor's first eight terms are off by less than 2^-26 of their sum."""

# Hendrycks, Gimpel 2016, arXiv:1606.08415: Phi(x) is about (1 + tanh(u)) / 2 with
# u = sqrt(2/pi) (x + 0.044715 x^3); and that is sigmoid(2u).
_GELU_LINEAR = tl.constexpr(2 * math.sqrt(2 / math.pi))
_GELU_CUBIC = tl.constexpr(0.044715 * 2 * math.sqrt(2 / math.pi))

_ROOT_OF_HALF = tl.constexpr(math.sqrt(0.5))
_NORMAL_PEAK = tl.constexpr(1 / math.sqrt(2 * math.pi))
_JOINT = tl.constexpr(3.0)
_THIRD = tl.constexpr(1 / 3)
_SIXTH = tl.constexpr(1 / 6)


@triton.jit
def activate(x, parameter, NAME: tl.constexpr):
    """Return the activation of each element."""
    if NAME == "relu":
        x = tl.where(x <= 0.0, 0.0, x)
    elif NAME == "leaky_relu":
        x = tl.where(x > 0.0, x, x * parameter)
    elif NAME == "sigmoid":
        x = 1.0 / (1.0 + tl.exp(-x))
    elif NAME == "tanh":
        x = _tanh(x)
    elif NAME == "gelu":
        x = _at_least(x, -_SATURATED)
        x = 0.5 * x * (1.0 + tl.erf(x * _ROOT_OF_HALF))
    elif NAME == "gelu_tanh":
        x = _at_least(x, -_SATURATED)
        x = x / (1.0 + tl.exp(-x * (_GELU_LINEAR + _GELU_CUBIC * x * x)))
    elif NAME == "silu":
        x = _at_least(x, -_SATURATED)
        x = x / (1.0 + tl.exp(-x))
    elif NAME == "elu":
        x = tl.where(x > 0.0, x, parameter * _expm1(x))
    elif NAME == "hardswish":
        x = _at_least(x, -_SATURATED)
        x = x * (_at_most(_at_least(x + 3.0, 0.0), 6.0) * _SIXTH)
    elif NAME == "mish":
        x = _mish(x)
    else:
        tl.static_assert(NAME == "identity", "no such activation")
    return x


@triton.jit
def derivative(x, parameter, NAME: tl.constexpr):
    """Return the activation's derivative at each element."""
    if NAME == "relu":
        slope = tl.where(x <= 0.0, 0.0, 1.0)
    elif NAME == "leaky_relu":
        slope = tl.where(x > 0.0, 1.0, parameter)
    elif NAME == "sigmoid":
        e = tl.exp(-tl.abs(x))
        slope = e / ((1.0 + e) * (1.0 + e))
    elif NAME == "tanh":
        e = tl.exp(-2.0 * tl.abs(x))
        slope = 4.0 * e / ((1.0 + e) * (1.0 + e))
    elif NAME == "gelu":
        x = _at_most(_at_least(x, -_SATURATED), _SATURATED)
        slope = 0.5 * (1.0 + tl.erf(x * _ROOT_OF_HALF)) + x * _NORMAL_PEAK * tl.exp(-0.5 * x * x)
    elif NAME == "gelu_tanh":
        x = _at_most(_at_least(x, -_SATURATED), _SATURATED)
        square = x * x
        e = tl.exp(-tl.abs(x) * (_GELU_LINEAR + _GELU_CUBIC * square))
        slope = _gated(x, e, _GELU_LINEAR + 3.0 * _GELU_CUBIC * square)
    elif NAME == "silu":
        x = _at_most(_at_least(x, -_SATURATED), _SATURATED)
        slope = _gated(x, tl.exp(-tl.abs(x)), 1.0)
    elif NAME == "elu":
        slope = tl.where(x > 0.0, 1.0, parameter * tl.exp(x))
    elif NAME == "hardswish":
        slope = tl.where(x <= -_JOINT, 0.0, x * _THIRD + 0.5)
        slope = tl.where(x >= _JOINT, 1.0, slope)
    elif NAME == "mish":
        slope = _mish_derivative(x)
    else:
        tl.static_assert(NAME == "identity", "no such activation")
        slope = tl.full(x.shape, 1.0, tl.float32)
    return slope


@triton.jit
def _at_least(x, low):
    return tl.where(x < low, low, x)


@triton.jit
def _at_most(x, high):
    return tl.where(x > high, high, x)


@triton.jit
def _gated(x, e, slope):
    """Return s + x s (1 - s) slope, for s = sigmoid(v), e = exp(-|v|), v of the sign of x.

    s is 1 or e, by that sign, over 1 + e, and s (1 - s) = e / (1 + e)^2.
    """
    part = 1.0 / (1.0 + e)
    return part * (tl.where(x > 0.0, 1.0, e) + x * slope * e * part)


@triton.jit
def _expm1(x):
    term = 1.0 / 40320.0
    series = x * term + 1.0 / 5040.0
    series = series * x + 1.0 / 720.0
    series = series * x + 1.0 / 120.0
    series = series * x + 1.0 / 24.0
    series = series * x + 1.0 / 6.0
    series = series * x + 0.5
    small = x + x * x * series
    return tl.where(tl.abs(x) < _EXPM1_IS_POLYNOMIAL, small, tl.exp(x) - 1.0)


@triton.jit
def _tanh(x):
    """Return -t / (t + 2) where t = expm1(-2 |x|), with the sign of x."""
    t = _expm1(-2.0 * tl.abs(x))
    size = -t / (t + 2.0)
    return tl.where(x < 0.0, -size, size)


@triton.jit
def _mish(x):
    """Return x tanh(ln(1 + e)), where e = exp(x), without the logarithm.

    With n = e (e + 2) = (1 + e)^2 - 1: tanh(ln(1 + e)) = n / (n + 2), whose derivative in x is
    4 e (1 + e) / (n + 2)^2.
    """
    x = _at_least(x, -_SATURATED)
    e = tl.exp(_at_most(x, _MISH_IS_X))
    n = e * (e + 2.0)
    return x * (n / (n + 2.0))


@triton.jit
def _mish_derivative(x):
    x = _at_most(_at_least(x, -_SATURATED), _MISH_IS_X)
    e = tl.exp(x)
    n = e * (e + 2.0)
    below = n + 2.0
    return (n * below + 4.0 * x * e * (1.0 + e)) / (below * below)
