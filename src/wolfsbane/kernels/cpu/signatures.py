"""The arguments of each kernel: one table that both sides of a call read.

Names with their codes of `struct`, eight bytes each: q a signed integer or an address, Q an
unsigned integer, d a float64. Two that every kernel has come first.
"""

import ctypes
import operator
import struct
from collections import namedtuple
from typing import Any

PIECE = 4096
"""Values of a plane whose mean and squared deviation are computed together: 16 KiB of float32."""

BLOCK = 64
"""Rows and channels that are computed together where channels are neighbours: 16 KiB of float32."""

STATISTICS, MERGE, APPLY = 1, 2, 4
"""Bits of `phase`, what a call of a batch norm does. All at once where a channel is one chunk."""


class Signature:
    """Packs a kernel's arguments, and says at which position each of them lies."""

    def __init__(self, arguments: str) -> None:
        pairs = [pair.split(":") for pair in ("claims:q num_chunks:q " + arguments).split()]
        names = [name for name, _ in pairs]
        self.positions: Any = namedtuple("Positions", names)(*range(len(names)))  # noqa: PYI024
        self._layout = struct.Struct("=" + "".join(code for _, code in pairs))
        self._memory = ctypes.c_char * self._layout.size
        self._in_order = operator.itemgetter(*names[2:])

    def pack(self, num_chunks: int, arguments: dict[str, float]) -> ctypes.Array[ctypes.c_char]:
        """Return the arguments in memory of their own, no chunk being claimed."""
        packed = self._layout.pack(0, num_chunks, *self._in_order(arguments))
        return self._memory.from_buffer_copy(packed)


MASK_BITS = Signature("bits:q first_tile:q num_tiles:q tiles_per_chunk:q key:Q threshold:q")

DROPOUT = Signature(
    "x:q y:q residual:q start:q end:q key:Q threshold:q scale:d shift:d fill:d tiles_per_chunk:q"
)

GAUSSIAN = Signature("x:q y:q start:q end:q key:Q std:d tiles_per_chunk:q")

CHANNELS_LAST_DROPOUT = Signature(
    "x:q y:q bits:q samples:q channels:q length:q scale:d shift:d fill:d"
)

BROADCAST_DROPOUT = Signature("x:q y:q bits:q outer:q middle:q inner:q scale:d shift:d fill:d")

BIAS_ACT_DROPOUT = Signature(
    "x:q y:q bias:q grad:q sums:q start:q end:q num_features:q key:Q threshold:q scale:d "
    "parameter:d tiles_per_chunk:q"
)

BATCH_NORM = Signature(
    "x:q y:q grad:q bits:q samples:q channels:q length:q groups:q phase:q partials:q statistics:q "
    "weight:q weight_code:q bias:q bias_code:q running_mean:q running_var:q running_code:q "
    "eps:d momentum:d scale:d parameter:d uses_batch:q grad_weight:q grad_bias:q"
)
"""Forward and backward: y is the output, or the gradient of the input."""
