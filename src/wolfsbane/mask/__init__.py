r"""The mask contract, version 1: which elements a dropout keeps.

A mask is a pure function of (key, p, logical index), and of nothing else: not of the device, the
dtype, the memory layout, the number of threads, or the executor. So a mask is never stored;
backward computes it again.

For the 64-bit row-major index $i$ of an element in the mask's logical shape::

    t = i // 1024,  r = i % 1024,  lane = r % 128,  j = r // 128,  n = 128 t + lane
    w = philox4x32-7(counter = (n mod 2^32, n // 2^32, 0, 0), key = (key mod 2^32, key // 2^32))
    u = (w[j % 4] >> (16 * (j // 4))) & 0xffff
    kept iff u >= T,  T = round(65536 p)

Sixteen bits an element, so one Philox block serves eight elements, and eight contiguous runs of
128 elements share the same 128 counters. Kept values are multiplied by `65536 / (65536 - T)`,
the inverse of the true keep rate: the output is unbiased although p is quantised to 1/65536.
For one key, masks are nested: what is kept at a rate is kept at every lower rate.

`bits` is the reference executor: plain torch, on any device. `uniform` and `normal` are numbers of
other streams, for the same keys and indices. `key` draws keys, `shard` gives the
processes of a run their parts of one mask.

References:
    Salmon, Moraes, Dror, Shaw: Parallel random numbers: as easy as 1, 2, 3. SC'11,
    doi:10.1145/2063384.2063405 (Philox; seven rounds pass BigCrush, table 2).
"""

from wolfsbane.mask.bits import keep_mask
from wolfsbane.mask.key import draw_key
from wolfsbane.mask.rate import scale, threshold
from wolfsbane.mask.shard import shard

__all__ = ["draw_key", "keep_mask", "scale", "shard", "threshold"]
