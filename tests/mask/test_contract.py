"""The mask against a model of the contract in Python integers, one element at a time."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from cases import RATES
from wolfsbane.errors import ArgumentTypeError
from wolfsbane.mask import keep_mask, scale, threshold

LARGEST = 2**64 - 1


def model_threshold(p):
    return round(65536 * p)


def model_bits(key, index):
    """Return the sixteen bits of an element: design.md's formula, in integers of any size."""
    tile, within = divmod(index, 1024)
    row, lane = divmod(within, 128)
    block = 128 * tile + lane
    words = [block % 2**32, block // 2**32, 0, 0]
    low, high = key % 2**32, key // 2**32
    for _ in range(7):
        even, odd = 0xD2511F53 * words[0], 0xCD9E8D57 * words[2]
        words = [
            (odd // 2**32) ^ words[1] ^ low,
            odd % 2**32,
            (even // 2**32) ^ words[3] ^ high,
            even % 2**32,
        ]
        low, high = (low + 0x9E3779B9) % 2**32, (high + 0xBB67AE85) % 2**32
    return (words[row % 4] >> (16 * (row // 4))) % 65536


def model_mask(count, p, key, start):
    return [model_bits(key, start + i) >= model_threshold(p) for i in range(count)]


keys = st.one_of(st.integers(0, LARGEST), st.sampled_from([0, 1, 2**32 - 1, 2**32, LARGEST]))
probabilities = st.one_of(st.floats(0, 1), st.integers(0, 65536).map(lambda level: level / 65536))
landmarks = st.sampled_from([0, 1024, 2**20, 2**32, 2**35, 2**45, 2**60, 2**63])
starts = st.one_of(
    st.builds(lambda mark, by: max(mark + by, 0), landmarks, st.integers(-1100, 1100)),
    st.integers(0, LARGEST - 10_000),
)
shapes = st.lists(st.integers(0, 7), max_size=4)


@given(shape=shapes, p=probabilities, key=keys, start=starts)
def test_mask_follows_the_contract(shape, p, key, start):
    mask = keep_mask(shape, p, key, start=start)
    assert mask.dtype is torch.bool
    assert list(mask.shape) == shape
    assert mask.is_contiguous()
    assert mask.flatten().tolist() == model_mask(math.prod(shape), p, key, start)


@given(p=probabilities, key=keys, start=starts)
def test_mask_follows_the_contract_across_rows_and_tiles(p, key, start):
    offsets = [0, 1, 127, 128, 129, 511, 512, 895, 896, 1023, 1024, 1300]
    mask = keep_mask(1301, p, key, start=start).tolist()
    cut = model_threshold(p)
    assert [mask[i] for i in offsets] == [model_bits(key, start + i) >= cut for i in offsets]


@given(p=probabilities, key=keys, count=st.integers(1, 9))
def test_mask_reaches_the_last_index(p, key, count):
    start = 2**64 - count
    assert keep_mask(count, p, key, start=start).tolist() == model_mask(count, p, key, start)


@given(key=keys, p=probabilities, start=starts, cut=st.integers(0, 3000))
def test_shards_together_are_the_whole(key, p, start, cut):
    whole = keep_mask(3000, p, key, start=start)
    shards = [
        keep_mask(cut, p, key, start=start),
        keep_mask(3000 - cut, p, key, start=start + cut),
    ]
    assert torch.equal(torch.cat(shards), whole)


@given(key=keys, rates=st.tuples(probabilities, probabilities), start=starts)
def test_what_is_kept_at_a_rate_is_kept_at_every_lower_rate(key, rates, start):
    kept_at_lower, kept_at_higher = (keep_mask(2000, p, key, start=start) for p in sorted(rates))
    assert not (kept_at_higher & ~kept_at_lower).any()


@given(key=keys, p=probabilities)
def test_mask_is_row_major(key, p):
    assert torch.equal(keep_mask((5, 7, 11), p, key).flatten(), keep_mask(385, p, key))


@pytest.mark.parametrize("p", RATES)
def test_threshold_is_the_nearest_multiple_of_2_to_the_minus_16(p):
    assert threshold(p) == model_threshold(p)
    assert abs(threshold(p) / 65536 - p) <= 2**-17


@pytest.mark.parametrize("p", RATES)
def test_scale_is_the_inverse_of_the_true_keep_rate(p):
    kept = 65536 - model_threshold(p)
    assert scale(p) == (65536 / kept if kept else math.inf)


def test_rate_zero_keeps_all_and_rate_one_drops_all():
    assert keep_mask((3, 1000), 0.0, key=5).all()
    assert not keep_mask((3, 1000), 1.0, key=5).any()


def test_mask_of_no_elements_is_empty():
    assert keep_mask((3, 0), 0.5, key=1).tolist() == [[], [], []]


def test_mask_of_no_dimensions_is_one_element():
    assert keep_mask((), 0.5, key=7).item() == keep_mask(1, 0.5, key=7).item()


def test_mask_on_the_meta_device_has_its_shape_and_no_memory():
    mask = keep_mask((3, 5), 0.5, key=1, device="meta")
    assert mask.device.type == "meta"
    assert mask.shape == (3, 5)


def test_mask_does_not_depend_on_the_number_of_threads():
    threads = torch.get_num_threads()
    whole = keep_mask(100_003, 0.3, key=11)
    try:
        torch.set_num_threads(1)
        assert torch.equal(keep_mask(100_003, 0.3, key=11), whole)
    finally:
        torch.set_num_threads(threads)


@pytest.mark.parametrize("shape", [-1, (3, -1), 2.5, None, True, "33"])
def test_shape_that_is_none_is_refused(shape):
    with pytest.raises(ArgumentTypeError, match="shape has to be a length or a sequence"):
        keep_mask(shape, 0.5, 1)


def test_numpy_integers_are_integers():
    whole = keep_mask(2000, 0.5, 7)
    part = keep_mask(np.int64(10), 0.5, np.int64(7), start=np.int64(1990))
    assert torch.equal(part, whole[1990:])
