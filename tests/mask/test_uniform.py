"""Uniform numbers of a key: known words, parts, and how random they are."""

import pytest
import torch

from philox_of_integers import LOW, philox_of_integers
from significance import assert_cells_by_chance
from wolfsbane.mask.key import key_as_tensor
from wolfsbane.mask.uniform import _in_unit_interval, uniform

KEY = 0xFEDCBA9876543210
CPU = torch.device("cpu")


def uniform_of(index, key):
    block, odd = divmod(index, 2)
    words = philox_of_integers((block & LOW, block >> 32, 1, 0), key)[2 * odd : 2 * odd + 2]
    return (2 * (words[0] * 2**20 + words[1] // 2**12) + 1) / 2**53


@pytest.mark.parametrize("start", [0, 1, 2**33 - 3])
def test_uniform_numbers_are_those_of_philox_s_words(start):
    expected = [uniform_of(start + i, KEY) for i in range(9)]
    assert uniform((3, 3), KEY, CPU, start).flatten().tolist() == expected


@pytest.mark.parametrize("start", [1, 2, 7, 100])
def test_part_of_the_numbers_begins_at_any_element(start):
    whole = uniform((200,), KEY, CPU)
    assert torch.equal(uniform((53,), KEY, CPU, start), whole[start : start + 53])


def test_key_may_be_a_tensor():
    assert torch.equal(uniform((7, 3), key_as_tensor(KEY), CPU), uniform((7, 3), KEY, CPU))


@pytest.mark.parametrize("size", [(), (0,), (1,), (3, 0), (5, 7)])
def test_numbers_have_the_shape_asked_for(size):
    numbers = uniform(size, KEY, CPU)
    assert tuple(numbers.shape) == size
    assert numbers.dtype is torch.float64


def test_uniform_numbers_are_never_zero_or_one():
    ends = torch.tensor([0, LOW])
    least, most = _in_unit_interval(ends, ends).tolist()
    assert 0.0 < least < 1e-15
    assert 1 - 1e-15 < most < 1.0
    assert least == 1.0 - most


def cells_of(u):
    """Count pairs of neighbours in a table of 16 x 16 cells."""
    cells = (u.view(-1, 2) * 16).long().clamp(max=15)
    return torch.bincount(cells[:, 0] * 16 + cells[:, 1], minlength=256)


# False alarm: 1e-9 each, see `significance`.
@pytest.mark.parametrize("offset", [0, 1])
def test_neighbouring_uniform_numbers_are_uniform_in_a_square(offset):
    assert_cells_by_chance(cells_of(uniform((200_000,), KEY, CPU, offset)))


def test_numbers_of_neighbouring_keys_are_independent():
    pairs = torch.stack([uniform((100_000,), key, CPU) for key in (KEY, KEY + 1)], dim=1)
    assert_cells_by_chance(cells_of(pairs))
