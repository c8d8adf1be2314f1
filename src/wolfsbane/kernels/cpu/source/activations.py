"""Activation functions of one number, and their derivatives, for float32 and float64.

Each is a pair of functions of (x, parameter), both of the same dtype; the derivative, too, is one
of the activation's argument. No branches, so a loop over float32 vectorises.

Values and derivatives at the joints (0, -3, 3) and at nan are those of torch's autograd in
float64: relu's derivative is 1 at nan, leaky_relu's the slope. Where torch differs:

- silu, gelu, gelu_tanh and mish have their limits at infinities: f(-inf) = -0, f'(-inf) = 0 and
  f'(inf) = 1. torch gives nan, from inf 0; in float32 also for gelu(inf), and for the derivative
  of gelu_tanh from 1e19 on.
- hardswish(-inf) = -0 where torch gives nan, and hardswish(x) = x up to the largest number, where
  torch's 6 x overflows; so does its float32 gelu.
- In float32, torch's derivatives of elu and hardswish at nan are nan or 1, by the element's place.
"""

import functools
import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numba import njit

from wolfsbane.kernels.cpu.source import elementary
from wolfsbane.kernels.cpu.source.memory import INLINED

Pair = tuple[Any, Any]
"""A function and its derivative."""

_SATURATED = 1000.0
"""exp of it is infinite, exp of its negative zero, in both dtypes."""

_MISH_IS_X = 22.0
"""Above, mish(x) / x rounds to 1 in both dtypes; and exp(4 * 22), of its derivative, is finite."""

# Hendrycks, Gimpel 2016, arXiv:1606.08415: Phi(x) is about (1 + tanh(u)) / 2 with
# u = sqrt(2/pi) (x + 0.044715 x^3); and that is sigmoid(2u).
_GELU_SLOPE = 2 * math.sqrt(2 / math.pi)
_GELU_CUBIC = 0.044715


class _Arithmetic(NamedTuple):
    """What the functions below are made of, in one dtype."""

    real: Any
    exp: Any
    expm1: Any
    erf: Any
    tanh: Any


_FLOAT32 = _Arithmetic(
    np.float32,
    elementary.exp_f32,
    elementary.expm1_f32,
    elementary.erf_f32,
    elementary.tanh_f32,
)
_FLOAT64 = _Arithmetic(
    np.float64,
    elementary.exp_f64,
    elementary.expm1_f64,
    elementary.erf_f64,
    elementary.tanh_f64,
)


def activation_functions(name: str, is_double: bool) -> Pair:
    """Return an activation and its derivative, to be called in compiled code.

    Args:
        name: one of `ACTIVATIONS`.
        is_double: whether for float64; else for float32.

    Both take x and the activation's parameter: the slope of leaky_relu, the alpha of elu.
    """
    return _compiled(name, is_double)


@functools.cache
def _compiled(name: str, is_double: bool) -> Pair:
    forward, derivative = ACTIVATIONS[name](_FLOAT64 if is_double else _FLOAT32)
    return njit(**INLINED)(forward), njit(**INLINED)(derivative)


def _identity(arithmetic: _Arithmetic) -> Pair:
    """Return x and 1."""
    one = arithmetic.real(1)

    def forward(x, _parameter):
        return x

    def derivative(_x, _parameter):
        return one

    return forward, derivative


def _relu(arithmetic: _Arithmetic) -> Pair:
    """Return max(x, 0) and [x > 0]."""
    zero, one = arithmetic.real(0), arithmetic.real(1)

    def forward(x, _parameter):
        return max(x, zero)

    def derivative(x, _parameter):
        return zero if x <= zero else one

    return forward, derivative


def _leaky_relu(arithmetic: _Arithmetic) -> Pair:
    """Return x where positive, slope x elsewhere; 1 and slope."""
    zero, one = arithmetic.real(0), arithmetic.real(1)

    def forward(x, slope):
        return x if x > zero else x * slope

    def derivative(x, slope):
        return one if x > zero else slope

    return forward, derivative


def _sigmoid(arithmetic: _Arithmetic) -> Pair:
    """Return s = 1 / (1 + exp(-x)) and s (1 - s) = e / (1 + e)^2, where e = exp(-|x|)."""
    exp, one = arithmetic.exp, arithmetic.real(1)

    def forward(x, _parameter):
        return one / (one + exp(-x))

    def derivative(x, _parameter):
        e = exp(-abs(x))
        return e / ((one + e) * (one + e))

    return forward, derivative


def _tanh(arithmetic: _Arithmetic) -> Pair:
    """Return tanh(x) and 1 - tanh(x)^2 = 4e / (1 + e)^2, where e = exp(-2|x|)."""
    exp, tanh = arithmetic.exp, arithmetic.tanh
    one, two, four = (arithmetic.real(n) for n in (1, 2, 4))

    def forward(x, _parameter):
        return tanh(x)

    def derivative(x, _parameter):
        e = exp(-two * abs(x))
        return four * e / ((one + e) * (one + e))

    return forward, derivative


def _gelu(arithmetic: _Arithmetic) -> Pair:
    """Return x Phi(x) and Phi(x) + x phi(x), of the standard normal distribution."""
    real, exp, erf = arithmetic.real, arithmetic.exp, arithmetic.erf
    half, one = real(0.5), real(1)
    root_of_half, peak = real(math.sqrt(0.5)), real(1 / math.sqrt(2 * math.pi))
    low, high = real(-_SATURATED), real(_SATURATED)

    def forward(x, _parameter):
        x = max(x, low)
        return half * x * (one + erf(x * root_of_half))

    def derivative(x, _parameter):
        x = min(max(x, low), high)
        return half * (one + erf(x * root_of_half)) + x * peak * exp(-half * x * x)

    return forward, derivative


def _gelu_tanh(arithmetic: _Arithmetic) -> Pair:
    """Return x s and s + x s (1 - s) (2u)', where s = sigmoid(2u); for u see above.

    With e = exp(-|2u|), s is 1 or e, by the sign, over 1 + e, and s (1 - s) = e / (1 + e)^2.
    """
    real, exp = arithmetic.real, arithmetic.exp
    zero, one, three = (real(n) for n in (0, 1, 3))
    linear, cubic = real(_GELU_SLOPE), real(_GELU_SLOPE * _GELU_CUBIC)
    low, high = real(-_SATURATED), real(_SATURATED)

    def forward(x, _parameter):
        x = max(x, low)
        return x / (one + exp(-x * (linear + cubic * x * x)))

    def derivative(x, _parameter):
        x = min(max(x, low), high)
        e = exp(-abs(x) * (linear + cubic * x * x))
        slope = linear + three * cubic * x * x
        part = one / (one + e)
        return part * ((one if x > zero else e) + x * slope * e * part)

    return forward, derivative


def _silu(arithmetic: _Arithmetic) -> Pair:
    """Return x s and s + x s (1 - s), where s = sigmoid(x).

    With e = exp(-|x|), s is 1 or e, by the sign of x, over 1 + e, and s (1 - s) = e / (1 + e)^2.
    """
    real, exp = arithmetic.real, arithmetic.exp
    zero, one = real(0), real(1)
    low, high = real(-_SATURATED), real(_SATURATED)

    def forward(x, _parameter):
        x = max(x, low)
        return x / (one + exp(-x))

    def derivative(x, _parameter):
        x = min(max(x, low), high)
        e = exp(-abs(x))
        part = one / (one + e)
        return part * ((one if x > zero else e) + x * e * part)

    return forward, derivative


def _elu(arithmetic: _Arithmetic) -> Pair:
    """Return x where positive, alpha expm1(x) elsewhere; 1 and alpha exp(x)."""
    exp, expm1 = arithmetic.exp, arithmetic.expm1
    zero, one = arithmetic.real(0), arithmetic.real(1)

    def forward(x, alpha):
        negative = alpha * expm1(x)
        return x if x > zero else negative

    def derivative(x, alpha):
        negative = alpha * exp(x)
        return one if x > zero else negative

    return forward, derivative


def _hardswish(arithmetic: _Arithmetic) -> Pair:
    """Return x min(max(x + 3, 0), 6) / 6, and x / 3 + 1/2 between -3 and 3, 0 or 1 outside."""
    real = arithmetic.real
    zero, half, one, three = (real(n) for n in (0, 0.5, 1, 3))
    third, sixth = real(1 / 3), real(1 / 6)  # 6 * sixth rounds to 1 in both dtypes
    low, six = real(-_SATURATED), real(6)

    def forward(x, _parameter):
        x = max(x, low)
        return x * (min(max(x + three, zero), six) * sixth)

    def derivative(x, _parameter):
        inner = zero if x <= -three else x * third + half
        return one if x >= three else inner

    return forward, derivative


def _mish(arithmetic: _Arithmetic) -> Pair:
    """Return x tanh(ln(1 + e)) and its derivative, where e = exp(x), without the logarithm.

    With n = e (e + 2) = (1 + e)^2 - 1: tanh(ln(1 + e)) = n / (n + 2), whose derivative in x is
    4 e (1 + e) / (n + 2)^2.
    """
    real, exp = arithmetic.real, arithmetic.exp
    one, two, four = (real(n) for n in (1, 2, 4))
    low, high = real(-_SATURATED), real(_MISH_IS_X)

    def forward(x, _parameter):
        x = max(x, low)
        e = exp(min(x, high))
        n = e * (e + two)
        return x * (n / (n + two))

    def derivative(x, _parameter):
        x = min(max(x, low), high)
        e = exp(x)
        n = e * (e + two)
        below = n + two
        return (n * below + four * x * e * (one + e)) / (below * below)

    return forward, derivative


ACTIVATIONS: dict[str, Callable[[_Arithmetic], Pair]] = {
    "identity": _identity,
    "relu": _relu,
    "leaky_relu": _leaky_relu,
    "sigmoid": _sigmoid,
    "tanh": _tanh,
    "gelu": _gelu,
    "gelu_tanh": _gelu_tanh,
    "silu": _silu,
    "elu": _elu,
    "hardswish": _hardswish,
    "mish": _mish,
}
"""What makes each activation and its derivative, of one dtype's arithmetic."""
