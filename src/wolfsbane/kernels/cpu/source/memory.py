"""Typed loads and stores at addresses, scratch on the stack, and the claiming of chunks.

An address is an int64, an offset counts elements and is an int64, too.
"""

from typing import Any, NamedTuple

import numpy as np
from llvmlite import binding, ir
from numba import njit, types
from numba.core import cgutils
from numba.extending import intrinsic

COMPILED: Any = {"error_model": "numpy", "fastmath": {"contract"}}
"""Options of every function here: no exceptions; a product and a sum may become one FMA.

Not `reassoc`: it would undo compensated sums and range reductions.
"""

INLINED: Any = {**COMPILED, "forceinline": True}
"""Options of a function of one element: a call left inside a loop keeps it from vectorising."""

SUMS: Any = {"error_model": "numpy", "fastmath": {"contract", "reassoc"}, "inline": "never"}
"""Options of a function that adds up numbers, so that the sum may be split over vector lanes."""

_I8, _I64 = ir.IntType(8), ir.IntType(64)
_CACHE_LINE = 64
F64_BYTES = 8


def _separate(instruction: Any, kind: str) -> None:
    """Tell LLVM that inputs, outputs and scratch memory never overlap.

    It could not vectorise a loop otherwise, or not without checks at run time. `kind` is "scratch",
    "output" or "input"; what is only read, or read and written by the same functions, is an input.
    """
    module = instruction.module
    domain = module.add_metadata([ir.MetaDataString(module, "wolfsbane")])
    scopes = {
        name: module.add_metadata([ir.MetaDataString(module, name), domain])
        for name in ("scratch", "output")
    }
    own = scopes.pop(kind, None)
    if own is not None:
        instruction.set_metadata("alias.scope", module.add_metadata([own]))
    instruction.set_metadata("noalias", module.add_metadata(list(scopes.values())))


def _widen(function: Any) -> None:
    """Let LLVM use all 512 bits of a vector register.

    By itself it stays at 256 on Intel's processors, since the first ones with AVX-512 slowed down.
    Those with bfloat16 instructions do not.
    """
    if "+avx512bf16" in binding.get_host_cpu_features().flatten():
        # llvmlite knows the attributes without a value only.
        set.add(function.attributes, '"prefer-vector-width"="512"')


def _accessors(number: Any, kind: ir.Type, memory: str = "input") -> tuple[Any, Any]:
    @intrinsic
    def load(typingctx: Any, address: Any, offset: Any) -> Any:  # noqa: ARG001
        def generate(_context: Any, builder: Any, _signature: Any, args: Any) -> Any:
            pointer = builder.inttoptr(args[0], kind.as_pointer())
            value = builder.load(builder.gep(pointer, [args[1]]))
            _separate(value, memory)
            _widen(builder.function)
            return value

        return number(types.int64, types.int64), generate

    @intrinsic
    def store(typingctx: Any, address: Any, offset: Any, value: Any) -> Any:  # noqa: ARG001
        def generate(context: Any, builder: Any, _signature: Any, args: Any) -> Any:
            pointer = builder.inttoptr(args[0], kind.as_pointer())
            _separate(builder.store(args[2], builder.gep(pointer, [args[1]])), memory)
            return context.get_dummy_value()

        return types.void(types.int64, types.int64, number), generate

    return load, store


_F32, _F64 = ir.FloatType(), ir.DoubleType()

load_u16, _ = _accessors(types.uint16, ir.IntType(16))
load_i64, store_i64 = _accessors(types.int64, _I64)
load_f32, store_f32 = _accessors(types.float32, _F32)
load_f64, store_f64 = _accessors(types.float64, _F64)

# The tensor that a kernel writes. It may be read again, by these functions only.
output_load_u16, output_store_u16 = _accessors(types.uint16, ir.IntType(16), "output")
output_load_f32, output_store_f32 = _accessors(types.float32, _F32, "output")
output_load_f64, output_store_f64 = _accessors(types.float64, _F64, "output")

# Memory that no tensor shares: masks, and what is collected on the stack.
scratch_load_u8, scratch_store_u8 = _accessors(types.uint8, _I8, "scratch")
scratch_load_u32, scratch_store_u32 = _accessors(types.uint32, ir.IntType(32), "scratch")
scratch_load_f32, scratch_store_f32 = _accessors(types.float32, _F32, "scratch")
scratch_load_f64, scratch_store_f64 = _accessors(types.float64, _F64, "scratch")

SCRATCH = {
    np.float32: (scratch_load_f32, scratch_store_f32),
    np.float64: (scratch_load_f64, scratch_store_f64),
}


def _bitcast(source: Any, target: Any, kind: ir.Type) -> Any:
    @intrinsic
    def cast(typingctx: Any, value: Any) -> Any:  # noqa: ARG001
        def generate(_context: Any, builder: Any, _signature: Any, args: Any) -> Any:
            return builder.bitcast(args[0], kind)

        return target(source), generate

    return cast


bits_of_f32 = _bitcast(types.float32, types.uint32, ir.IntType(32))
f32_of_bits = _bitcast(types.uint32, types.float32, ir.FloatType())
bits_of_f64 = _bitcast(types.float64, types.int64, _I64)
f64_of_bits = _bitcast(types.int64, types.float64, _F64)


@njit(**INLINED)
def load_bf16(address, offset):
    """Return a bfloat16 as float32: its bits are the upper half."""
    return f32_of_bits(np.uint32(load_u16(address, offset)) << np.uint32(16))


@njit(**INLINED)
def output_load_bf16(address, offset):
    """Return an output's bfloat16 as float32."""
    return f32_of_bits(np.uint32(output_load_u16(address, offset)) << np.uint32(16))


@njit(**INLINED)
def output_store_bf16(address, offset, value):
    """Store a float32 as bfloat16, rounded to nearest, ties to even; nan stays nan."""
    bits = bits_of_f32(value)
    is_nan = (bits & np.uint32(0x7FFFFFFF)) > np.uint32(0x7F800000)
    odd = (bits >> np.uint32(16)) & np.uint32(1)
    rounded = (bits + np.uint32(0x7FFF) + odd) >> np.uint32(16)
    quiet = (bits >> np.uint32(16)) | np.uint32(0x40)
    output_store_u16(address, offset, np.uint16(quiet if is_nan else rounded))


class Element(NamedTuple):
    """How the elements of a dtype are read, written, computed with, and read again."""

    load: Any
    store: Any
    real: Any
    """Type of the arithmetic: float32, or float64 for float64."""
    load_written: Any
    """Reads what `store` has written."""

    @property
    def is_double(self) -> bool:
        """Tell whether the arithmetic is in float64."""
        return self.real is np.float64


ELEMENTS = {
    "float32": Element(load_f32, output_store_f32, np.float32, output_load_f32),
    "float64": Element(load_f64, output_store_f64, np.float64, output_load_f64),
    "bfloat16": Element(load_bf16, output_store_bf16, np.float32, output_load_bf16),
}

FLOAT32, FLOAT64, BFLOAT16 = range(3)
"""Codes of dtypes for vectors of one value per channel, whose dtype is known when called."""


@njit(**COMPILED)
def load_vector(address, code, offset):
    """Return an element of a vector of the coded dtype as float64."""
    if code == FLOAT32:
        return np.float64(load_f32(address, offset))
    if code == BFLOAT16:
        return np.float64(load_bf16(address, offset))
    return load_f64(address, offset)


@njit(**COMPILED)
def store_vector(address, code, offset, value):
    """Store a float64 into a vector of the coded dtype."""
    if code == FLOAT32:
        store_f32(address, offset, np.float32(value))
    elif code == BFLOAT16:
        output_store_bf16(address, offset, np.float32(value))
    else:
        store_f64(address, offset, value)


def stack(num_bytes: int) -> Any:
    """Return a function that gives the address of scratch memory on the stack."""

    @intrinsic
    def scratch(typingctx: Any) -> Any:  # noqa: ARG001
        def generate(_context: Any, builder: Any, _signature: Any, _args: Any) -> Any:
            memory = cgutils.alloca_once(builder, ir.ArrayType(_I8, num_bytes))
            memory.align = _CACHE_LINE
            return builder.ptrtoint(memory, _I64)

        return types.int64(), generate

    return scratch


@intrinsic
def _next(typingctx: Any, counter: Any) -> Any:  # noqa: ARG001
    def generate(_context: Any, builder: Any, _signature: Any, args: Any) -> Any:
        pointer = builder.inttoptr(args[0], _I64.as_pointer())
        return builder.atomic_rmw("add", pointer, ir.Constant(_I64, 1), "monotonic")

    return types.int64(types.int64), generate


@njit(**COMPILED)
def claim_chunk(args):
    """Return the number of a chunk that no other thread has claimed; -1 where none is left.

    args[0] counts the claims, args[1] is the number of chunks.
    """
    chunk = _next(args)
    return chunk if chunk < load_i64(args, 1) else -1
