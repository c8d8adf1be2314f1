"""The mask contract on a GPU; see `wolfsbane.mask`.

Tiles of 1024 elements are eight rows of 128 lanes, and one Philox block decides for the eight
elements of a lane. Kernels whose programs are whole tiles hold lanes in registers and take the rows
one after another: 4 words a block, each compared twice, no bit is moved between threads.

Seven rounds take some 28 multiplications and 28 other instructions, which an H200 (132 SMs, 64
integer lanes each) issues at roughly 2.6e11 blocks a second: 2e12 elements where eight share a
block, more than the 6e11 that memory delivers of dropout in float32 or the 1.2e12 in bfloat16;
but 2.6e11 where each element computes its own. So kernels that do not run over whole tiles (where
memory is in another order, or reduced by channel) have the bits written first, once, an eighth of a
byte an element (`mask_bits`), unless the tensor is so small that another launch would cost more.
"""

import triton
import triton.language as tl

from wolfsbane.kernels.gpu.memory import as_element_of

TILE = tl.constexpr(1024)
LANES = tl.constexpr(128)
ROWS = tl.constexpr(8)
"""Elements, lanes and rows of a tile."""

ROUNDS = tl.constexpr(7)
_WORDS = tl.constexpr(4)

NO_MASK = 0
PHILOX = 1
BITS = 2
"""Where the mask of a single element comes from."""

_PHILOX = tl.constexpr(PHILOX)
_BITS = tl.constexpr(BITS)


@triton.jit
def _philox(low, high, key_low, key_high):
    key = (_unsigned(key_high).to(tl.uint64) << 32) | _unsigned(key_low).to(tl.uint64)
    none = tl.zeros_like(low)
    return tl.philox(key, low, high.to(tl.uint32), none, none, ROUNDS)


@triton.jit
def _unsigned(word):
    return word.to(tl.uint32, bitcast=True)


@triton.jit
def group_offsets(TILES: tl.constexpr, GROUP: tl.constexpr):
    """Return the place of the first element of each group of lanes, counted from the first tile's.

    The shape is (TILES * 128 / GROUP, 1): what is the same for GROUP neighbours, such as their
    channel, is computed once. A group of one is a lane: (TILES, 128).
    """
    if GROUP == 1:
        offsets = _group_offsets(TILES, LANES) + tl.arange(0, LANES)[None, :]
    else:
        offsets = _group_offsets(TILES, GROUP)
    return offsets


@triton.jit
def _group_offsets(TILES: tl.constexpr, GROUP: tl.constexpr):
    group = tl.arange(0, TILES * LANES // GROUP) * GROUP
    return ((group // LANES) * TILE + group % LANES)[:, None]


@triton.jit
def lane_offsets(TILES: tl.constexpr, GROUP: tl.constexpr):
    """Return the place of each lane's first element, GROUP of them, or all 128, in a row."""
    return group_offsets(TILES, GROUP) + tl.arange(0, GROUP)[None, :]


@triton.jit
def tile_words(start, key_low, key_high, TILES: tl.constexpr, GROUP: tl.constexpr):
    """Return the four random words of each lane of TILES tiles.

    `start` is the index of the first element, a multiple of 1024 * TILES, as int64. So all lanes
    share the upper half of their counters.
    """
    first = start // ROWS
    WIDTH: tl.constexpr = LANES if GROUP == 1 else GROUP
    lanes = tl.arange(0, TILES * LANES // WIDTH)[:, None] * WIDTH + tl.arange(0, WIDTH)[None, :]
    low = first.to(tl.uint32) + lanes.to(tl.uint32)
    return _philox(low, (first >> 32).to(tl.uint32), key_low, key_high)


@triton.jit
def is_kept(words, row: tl.constexpr, cut):
    """Tell which lanes keep their element of a row; sixteen bits decide, moved to the top."""
    word = words[row % 4]
    if row < 4:  # noqa: PLR2004 (four words)
        word = word << 16
    return word >= _unsigned(cut)


@triton.jit
def keep_at(base, offset, in_range, bits, key_low, key_high, cut, MASK: tl.constexpr):
    """Tell which elements are kept, each by itself; anything where they are not in range.

    `base` is a multiple of 1024 (int64), `offset` counts from there, not negative, of any shape.
    """
    lane = (offset >> 10 << 7) | (offset & 127)
    row = (offset >> 7) & 7
    if MASK == _BITS:
        byte = tl.load(bits + base // ROWS + lane, mask=in_range, other=0)
        kept = ((byte >> row.to(tl.uint8)) & 1) != 0
    else:
        counter = base // ROWS + lane
        low, high = (counter & 0xFFFFFFFF).to(tl.uint32), (counter >> 32).to(tl.uint32)
        w0, w1, w2, w3 = _philox(low, high, key_low, key_high)
        odd = (row & 1) != 0
        word = tl.where((row & 2) != 0, tl.where(odd, w3, w2), tl.where(odd, w1, w0))
        kept = tl.where(row >= _WORDS, word, word << 16) >= _unsigned(cut)
    return kept


@triton.jit
def load_rows(pointer, offsets, low, high):
    """Return the eight rows of tiles, places from low to high, asked for before any is used."""
    return (
        _load_row(pointer, offsets, low, high, 0),
        _load_row(pointer, offsets, low, high, 1),
        _load_row(pointer, offsets, low, high, 2),
        _load_row(pointer, offsets, low, high, 3),
        _load_row(pointer, offsets, low, high, 4),
        _load_row(pointer, offsets, low, high, 5),
        _load_row(pointer, offsets, low, high, 6),
        _load_row(pointer, offsets, low, high, 7),
    )


@triton.jit
def _load_row(pointer, offsets, low, high, row: tl.constexpr):
    place = offsets + row * LANES
    return tl.load(pointer + place, mask=(place >= low) & (place < high), other=0.0)


@triton.jit
def store_row(pointer, offsets, low, high, row: tl.constexpr, values):
    """Store a row of tiles."""
    place = offsets + row * LANES
    in_range = (place >= low) & (place < high)
    tl.store(pointer + place, as_element_of(pointer, values), mask=in_range)


@triton.jit
def tiles_of_program(size, first, TILES: tl.constexpr, HAS_START: tl.constexpr):
    """Return where this program's tiles begin in the mask and in memory, and low and high.

    Their places from low to high are in range. Tiles are the mask's; in memory, there is first its
    element of the index `first`.
    """
    program = tl.program_id(0).to(tl.int64)
    if HAS_START:
        skipped = first % (TILES * TILE)
        place = program * (TILES * TILE) - skipped
        low = tl.maximum(-place, 0).to(tl.int32)
        start = place + first
    else:
        place, low = program * (TILES * TILE), 0
        start = place
    high = tl.minimum(size - place, TILES * TILE).to(tl.int32)
    return start, place, low, high
