"""Normal numbers of a key: quantiles of known words, parts, and how normal and random they are."""

import functools
import math
from statistics import NormalDist

import pytest
import torch

from philox_of_integers import LOW, philox_of_integers
from significance import FALSE_ALARM, assert_cells_by_chance, chance_of_count
from wolfsbane.mask import keep_mask
from wolfsbane.mask.key import key_as_tensor
from wolfsbane.mask.normal import normal, quantile
from wolfsbane.mask.uniform import uniform

KEY = 0xFEDCBA9876543210
CPU = torch.device("cpu")
MILLION = 1_000_000


def word_of(index, key):
    tile, r = divmod(index, 512)
    n = 128 * tile + r % 128
    return philox_of_integers((n & LOW, n >> 32, 2, 0), key)[r // 128]


def quantile_of(word):
    return NormalDist().inv_cdf((2 * word + 1) / 2**33)  # Wichura's algorithm AS 241


def probability(z):
    return 0.5 * torch.erfc(-z / math.sqrt(2))


@functools.cache
def a_million():
    return normal((MILLION,), KEY, CPU)


@pytest.mark.parametrize("start", [0, 1, 505, 2**34 - 3, 2**41 + 77])
def test_numbers_are_the_quantiles_of_philox_s_words(start):
    indices = [start + step + i for step in (0, 126, 254, 382) for i in range(4)]
    found = [normal((1,), KEY, CPU, index).item() for index in indices]
    assert found == pytest.approx([quantile_of(word_of(i, KEY)) for i in indices], rel=1e-14)


def test_quantiles_are_those_of_another_algorithm_at_any_word():
    edges = [0, 1, 2**31 - 1, 2**31, 2**32 - 2, 2**32 - 1]
    words = [*edges, *range(0, 2**32, 4_294_967)]
    found = quantile(torch.tensor(words)).tolist()
    assert found == pytest.approx([quantile_of(word) for word in words], rel=1e-13)


def test_quantiles_are_finite_never_zero_and_antisymmetric():
    words = torch.tensor([0, 1, 2**20, 2**31 - 1])
    lower, upper = quantile(words), quantile(LOW - words)
    assert torch.equal(lower, -upper)
    assert (upper > 0).all()
    assert 6.33 < upper[0] < 6.34


@pytest.mark.parametrize("start", [1, 2, 127, 500, 1000])
def test_part_of_the_numbers_begins_at_any_element(start):
    whole = normal((1600,), KEY, CPU)
    assert torch.equal(normal((553,), KEY, CPU, start), whole[start : start + 553])


def test_key_may_be_a_tensor():
    assert torch.equal(normal((7, 3), key_as_tensor(KEY), CPU), normal((7, 3), KEY, CPU))


@pytest.mark.parametrize("size", [(), (0,), (1,), (3, 0), (5, 7), (3, 512)])
@pytest.mark.parametrize("start", [0, 512, 700])
def test_numbers_have_the_shape_asked_for(size, start):
    numbers = normal(size, KEY, CPU, start)
    assert tuple(numbers.shape) == size
    assert numbers.dtype is torch.float64


def test_distribution_is_normal_by_kolmogorov_and_smirnov():
    u = probability(a_million()).sort().values
    steps = torch.arange(MILLION + 1, dtype=torch.float64) / MILLION
    distance = max((steps[1:] - u).max().item(), (u - steps[:-1]).max().item())
    # Massart 1990, doi:10.1214/aop/1176990746: P(distance > d) <= 2 exp(-2 n d^2) = FALSE_ALARM.
    assert distance < math.sqrt(math.log(2 / FALSE_ALARM) / (2 * MILLION))


def test_tails_hold_what_a_normal_distribution_has_there():
    z = a_million()
    tails = [(sign, bound) for sign in (-1, 1) for bound in (1.0, 2.0, 3.0, 4.0, 4.5)]
    for sign, bound in tails:
        share = NormalDist().cdf(-bound)
        chance = chance_of_count(int((sign * z > bound).sum()), MILLION, share)
        assert chance * len(tails) > FALSE_ALARM, (sign, bound, chance)
    # A perfect generator has nothing there once in 900 times: the seed is fixed.
    assert z.abs().max() > 4.5


def cells_of(u):
    """Count pairs in a table of 16 x 16 cells."""
    cells = (u * 16).long().clamp(max=15)
    return torch.bincount(cells[:, 0] * 16 + cells[:, 1], minlength=256)


# False alarm: 1e-9 each, see `significance`. Elements 128 or 256 apart share a Philox block.
@pytest.mark.parametrize("distance", [1, 2, 128, 256, 512])
def test_numbers_at_a_distance_are_normal_and_independent(distance):
    z = a_million()[: 976 * 1024]
    pairs = z.view(-1, 2, distance).mT.reshape(-1, 2)
    assert_cells_by_chance(cells_of(probability(pairs)))


def test_numbers_of_neighbouring_keys_are_independent():
    pairs = torch.stack([normal((100_000,), key, CPU) for key in (KEY, KEY + 1)], dim=1)
    assert_cells_by_chance(cells_of(probability(pairs)))


def test_streams_of_one_key_are_independent_block_by_block():
    blocks = 200 * 128
    of_normal = probability(normal((4 * blocks,), KEY, CPU)).view(-1, 4, 128)[:, 0].flatten()
    of_uniform = uniform((2 * blocks,), KEY, CPU)[::2]
    of_mask = keep_mask(8 * blocks, 0.5, KEY).view(-1, 8, 128)[:, 4].flatten()
    assert_cells_by_chance(cells_of(torch.stack([of_normal, of_uniform], dim=1)))
    assert_cells_by_chance(torch.bincount((of_normal * 16).long() * 2 + of_mask, minlength=32))
