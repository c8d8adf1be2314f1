"""The bits of a mask look like coin flips; each test's false alarm is significance.FALSE_ALARM."""

import itertools

import pytest
import torch

from cases import RATES
from significance import assert_cells_by_chance, assert_counts_by_chance
from wolfsbane.mask import keep_mask, threshold

COUNT = 2**19
ROWS, LANES = 8, 128
KEY = 0x0123456789ABCDEF


def tiles(p, key=KEY):
    """Return a mask as (tiles, rows, lanes): rows of one lane share a Philox block."""
    return keep_mask((COUNT // (ROWS * LANES), ROWS, LANES), p, key)


def keep_rate(p):
    return 1 - threshold(p) / 65536


def agreement(p):
    """Return the chance that two independent elements are both kept or both dropped."""
    return keep_rate(p) ** 2 + (1 - keep_rate(p)) ** 2


def top_four_bits(key=KEY):
    """Return the upper four of each element's sixteen bits, read off sixteen nested masks."""
    return sum(tiles(level / 16, key).long() for level in range(1, 16))


@pytest.mark.parametrize("p", RATES)
@pytest.mark.parametrize("key", [0, KEY, 2**64 - 1])
def test_rate_of_kept_elements_is_one_minus_p(p, key):
    assert_counts_by_chance(keep_mask(COUNT, p, key).sum(), COUNT, keep_rate(p))


@pytest.mark.parametrize("p", [0.1, 0.5, 0.9])
def test_rate_is_the_same_in_every_row_and_lane(p):
    kept = tiles(p).sum(0)
    assert_counts_by_chance(kept, COUNT // (ROWS * LANES), keep_rate(p))


@pytest.mark.parametrize("p", [0.1, 0.5, 0.9])
def test_lanes_are_independent(p):
    mask = tiles(p).flatten(0, 1)
    agree = torch.stack([(mask == mask.roll(by, 1)).sum() for by in range(1, LANES // 2 + 1)])
    # roll by half the lanes compares every pair twice: its count has half as many trials.
    assert_counts_by_chance(agree[:-1], mask.numel(), agreement(p))
    assert_counts_by_chance(agree[-1:] // 2, mask.numel() // 2, agreement(p))


@pytest.mark.parametrize("p", [0.1, 0.5, 0.9])
def test_rows_that_share_a_philox_block_are_independent(p):
    mask = tiles(p)
    pairs = itertools.combinations(range(ROWS), 2)
    agree = torch.stack([(mask[:, a] == mask[:, b]).sum() for a, b in pairs])
    assert_counts_by_chance(agree, COUNT // ROWS, agreement(p))


@pytest.mark.parametrize("p", [0.1, 0.5, 0.9])
def test_neighbours_at_any_distance_are_independent(p):
    mask = keep_mask(COUNT, p, KEY)
    distances = [1, 2, 3, 7, 31, 127, 128, 129, 512, 1023, 1024, 1025, 4096, 65536, 131072]
    for distance in distances:
        # Two disjoint sets of pairs, each of independent trials under the hypothesis.
        agree = mask[distance:] == mask[:-distance]
        assert_counts_by_chance(agree.sum(), COUNT - distance, agreement(p))


def test_two_halves_of_a_word_are_independent():
    bits = top_four_bits()
    low, high = bits[:, : ROWS // 2], bits[:, ROWS // 2 :]
    cells = torch.bincount((low * 16 + high).flatten(), minlength=256)
    assert_cells_by_chance(cells)


def test_four_words_of_a_block_are_independent():
    bits = top_four_bits() >> 2
    digits = torch.tensor([1, 4, 16, 64]).view(1, 4, 1)
    for half in (bits[:, : ROWS // 2], bits[:, ROWS // 2 :]):
        cells = torch.bincount((half * digits).sum(1).flatten(), minlength=256)
        assert_cells_by_chance(cells)


def test_sixteen_bits_are_uniform():
    assert_cells_by_chance(torch.bincount(top_four_bits().flatten(), minlength=16))


def test_consecutive_keys_give_independent_masks():
    masks = [keep_mask(2**15, 0.5, key) for key in range(64)]
    pairs = itertools.combinations(masks, 2)
    agree = torch.stack([(a == b).sum() for a, b in pairs])
    assert_counts_by_chance(agree, 2**15, 0.5)


@pytest.mark.parametrize("key", [0, KEY])
def test_flipping_any_bit_of_the_key_gives_an_independent_mask(key):
    mask = keep_mask(2**16, 0.5, key)
    agree = [(mask == keep_mask(2**16, 0.5, key ^ (1 << bit))).sum() for bit in range(64)]
    assert_counts_by_chance(torch.stack(agree), 2**16, 0.5)


@pytest.mark.parametrize("start", [2**32, 2**35, 2**42, 2**60])
def test_far_indices_do_not_repeat_near_ones(start):
    near, far = keep_mask(COUNT, 0.5, KEY), keep_mask(COUNT, 0.5, KEY, start=start)
    assert_counts_by_chance((near == far).sum(), COUNT, 0.5)


def test_statistics_see_a_biased_mask():
    biased = keep_mask(COUNT, 0.51, KEY)
    with pytest.raises(AssertionError, match="chance"):
        assert_counts_by_chance(biased.sum(), COUNT, 0.5)
