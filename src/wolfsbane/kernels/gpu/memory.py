"""How numbers are stored: rounded once, to nearest, ties to even."""

import triton
import triton.language as tl

_IS_INTERPRETED = tl.constexpr(triton.knobs.runtime.interpret)

_TIES = tl.constexpr(0x7FFF)
_NAN = tl.constexpr(0x7FC0)


@triton.jit
def as_element_of(pointer, values):
    """Return values in the dtype of what a pointer points to."""
    dtype: tl.constexpr = pointer.dtype.element_ty
    if _IS_INTERPRETED and dtype == tl.bfloat16:
        return _rounded_to_bfloat16(values)
    return values.to(dtype)


@triton.jit
def _rounded_to_bfloat16(values):
    """Round as a GPU does; Triton's interpreter (3.6 to 3.9) cuts the bits off instead."""
    word = values.to(tl.float32).to(tl.uint32, bitcast=True)
    half = ((word + _TIES + ((word >> 16) & 1)) >> 16).to(tl.uint16)
    is_nan = values != values  # noqa: PLR0124 (that is what a nan is)
    half = tl.where(is_nan, tl.full(half.shape, _NAN, tl.uint16), half)
    return half.to(tl.bfloat16, bitcast=True)
