"""Philox's words of a tile, 128 blocks: made into a mask, or as they are.

A tile of the mask contract is 1024 elements as 128 bytes. Bit j of byte `lane` says whether element
128 j + lane of the tile is kept. A byte is what one Philox block gives, so that loop needs
no shuffles: it vectorises. See `wolfsbane.mask`. Words that are to be numbers are four rows of 128.
"""

import numpy as np
from numba import njit

from wolfsbane.kernels.cpu.source.memory import (
    COMPILED,
    INLINED,
    scratch_store_u8,
    scratch_store_u32,
)

TILE = 1024
LANES = 128
"""Elements, and bytes, per tile."""

WORDS = 4
"""Words of a Philox block."""

_ROUNDS = 7

# Salmon et al., SC'11: the multipliers and the Weyl increments of Philox4x32.
_MULTIPLIER_0, _MULTIPLIER_1 = np.uint64(0xD2511F53), np.uint64(0xCD9E8D57)
_WEYL_0, _WEYL_1 = np.uint32(0x9E3779B9), np.uint32(0xBB67AE85)

_HALF = np.uint32(16)
_LOW = np.uint32(0xFFFF)
_WORD = np.uint64(32)


@njit(**INLINED)
def _multiply(constant, word):
    product = constant * np.uint64(word)
    return np.uint32(product >> _WORD), np.uint32(product)


@njit(**INLINED)
def _philox(low, high, stream, key_low, key_high):
    w0, w1, w2, w3 = low, high, np.uint32(stream), np.uint32(0)
    for _ in range(_ROUNDS):
        high0, low0 = _multiply(_MULTIPLIER_0, w0)
        high1, low1 = _multiply(_MULTIPLIER_1, w2)
        w0, w1 = np.uint32(high1 ^ w1 ^ key_low), low1
        w2, w3 = np.uint32(high0 ^ w3 ^ key_high), low0
        key_low, key_high = np.uint32(key_low + _WEYL_0), np.uint32(key_high + _WEYL_1)
    return w0, w1, w2, w3


@njit(**INLINED)
def _bit(is_kept, position):
    return np.uint32(is_kept) << np.uint32(position)


@njit(**COMPILED)
def keep_tile(bits, tile, key, threshold):
    """Write the 128 bytes of a tile to the address `bits`."""
    key_low, key_high = np.uint32(key), np.uint32(np.uint64(key) >> _WORD)
    cut = np.uint32(threshold)
    first = np.uint64(tile) * np.uint64(LANES)
    # LANES divides 2^32, so all lanes of a tile share the upper word.
    low, high = np.uint32(first), np.uint32(first >> _WORD)
    for lane in range(LANES):
        w0, w1, w2, w3 = _philox(np.uint32(low + np.uint32(lane)), high, 0, key_low, key_high)
        byte = _bit((w0 & _LOW) >= cut, 0) | _bit((w1 & _LOW) >= cut, 1)
        byte |= _bit((w2 & _LOW) >= cut, 2) | _bit((w3 & _LOW) >= cut, 3)
        byte |= _bit((w0 >> _HALF) >= cut, 4) | _bit((w1 >> _HALF) >= cut, 5)
        byte |= _bit((w2 >> _HALF) >= cut, 6) | _bit((w3 >> _HALF) >= cut, 7)
        scratch_store_u8(bits, lane, np.uint8(byte))


@njit(**COMPILED)
def word_tile(words, tile, key, stream):
    """Write the words of a tile's 128 blocks to the address `words`, one row for each of four."""
    key_low, key_high = np.uint32(key), np.uint32(np.uint64(key) >> _WORD)
    first = np.uint64(tile) * np.uint64(LANES)
    low, high = np.uint32(first), np.uint32(first >> _WORD)
    for lane in range(LANES):
        counter = np.uint32(low + np.uint32(lane))
        w0, w1, w2, w3 = _philox(counter, high, stream, key_low, key_high)
        scratch_store_u32(words, lane, w0)
        scratch_store_u32(words, LANES + lane, w1)
        scratch_store_u32(words, 2 * LANES + lane, w2)
        scratch_store_u32(words, 3 * LANES + lane, w3)
