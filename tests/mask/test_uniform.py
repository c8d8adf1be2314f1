"""Uniform and normal numbers of a key: known words, parts, and how random they are."""

import math

import pytest
import torch

from significance import assert_cells_by_chance
from wolfsbane.mask.key import key_as_tensor
from wolfsbane.mask.uniform import _in_unit_interval, normal, uniform

KEY = 0xFEDCBA9876543210
CPU = torch.device("cpu")
M0, M1, W0, W1, LOW = 0xD2511F53, 0xCD9E8D57, 0x9E3779B9, 0xBB67AE85, 0xFFFFFFFF


def philox_of_integers(counter, key, rounds=7):
    """Return Philox4x32's words by Python's own integers (Salmon et al., SC'11, figure 4)."""
    c0, c1, c2, c3 = counter
    k0, k1 = key & LOW, key >> 32
    for _ in range(rounds):
        high0, low0 = divmod(M0 * c0, 2**32)
        high1, low1 = divmod(M1 * c2, 2**32)
        c0, c1, c2, c3 = high1 ^ c1 ^ k0, low1, high0 ^ c3 ^ k1, low0
        k0, k1 = (k0 + W0) & LOW, (k1 + W1) & LOW
    return c0, c1, c2, c3


def uniform_of(index, key):
    block, odd = divmod(index, 2)
    words = philox_of_integers((block & LOW, block >> 32, 1, 0), key)[2 * odd : 2 * odd + 2]
    return (2 * (words[0] * 2**20 + words[1] // 2**12) + 1) / 2**53


@pytest.mark.parametrize("start", [0, 1, 2**33 - 3])
def test_uniform_numbers_are_those_of_philox_s_words(start):
    expected = [uniform_of(start + i, KEY) for i in range(9)]
    assert uniform((3, 3), KEY, CPU, start).flatten().tolist() == expected


def test_normal_numbers_are_those_of_box_and_muller():
    found = normal((8,), KEY, CPU).tolist()
    for block in range(4):
        u, v = uniform_of(2 * block, KEY), uniform_of(2 * block + 1, KEY)
        radius, angle = math.sqrt(-2 * math.log(u)), 2 * math.pi * v
        expected = (radius * math.cos(angle), radius * math.sin(angle))
        assert found[2 * block : 2 * block + 2] == pytest.approx(expected, rel=1e-13, abs=1e-15)


@pytest.mark.parametrize("draw", [uniform, normal])
@pytest.mark.parametrize("start", [1, 2, 7, 100])
def test_part_of_the_numbers_begins_at_any_element(draw, start):
    whole = draw((200,), KEY, CPU)
    assert torch.equal(draw((53,), KEY, CPU, start), whole[start : start + 53])


@pytest.mark.parametrize("draw", [uniform, normal])
def test_key_may_be_a_tensor(draw):
    assert torch.equal(draw((7, 3), key_as_tensor(KEY), CPU), draw((7, 3), KEY, CPU))


@pytest.mark.parametrize("draw", [uniform, normal])
@pytest.mark.parametrize("size", [(), (0,), (1,), (3, 0), (5, 7)])
def test_numbers_have_the_shape_asked_for(draw, size):
    numbers = draw(size, KEY, CPU)
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


@pytest.mark.parametrize("offset", [0, 1])
def test_neighbouring_normal_numbers_are_normal_and_independent(offset):
    z = normal((200_000,), KEY, CPU, offset)
    assert_cells_by_chance(cells_of(0.5 * torch.erfc(-z / math.sqrt(2))))


def test_numbers_of_neighbouring_keys_are_independent():
    pairs = torch.stack([uniform((100_000,), key, CPU) for key in (KEY, KEY + 1)], dim=1)
    assert_cells_by_chance(cells_of(pairs))
