"""Covariances of trainings: what is alike, by rate, by option and by seed."""

import math

import numpy as np
import pytest
from scipy.spatial.distance import cdist

from wolfsbane.tuning.space import Choice, Configuration, Rate, make_space
from wolfsbane.tuning.surrogate.kernel import (
    ANY_SEED,
    LEVEL,
    Points,
    covariance,
    encode,
    matern,
    variance,
)
from wolfsbane.tuning.surrogate.prior import Draws, draw

SPACE = make_space({"p": Rate(0.0, 0.9), "act": Choice("relu", "gelu", "tanh"), "q": Rate(0, 1)})


def place(p=0.0, act="relu", q=0.0):
    return Configuration((("p", p), ("act", act), ("q", q)))


def draws(length=1.0, seed=0.5, shape=0.3, noise=0.1, columns=1):
    return Draws(np.full((1, columns), length), *(np.array([one]) for one in (seed, shape, noise)))


def points(rates, seeds):
    return Points(np.asarray(rates, dtype=np.float64)[:, None], np.asarray(seeds))


def test_dropping_half_of_what_is_left_is_a_step_of_the_same_length_everywhere():
    at = encode(SPACE, [place(p) for p in (0.0, 0.5, 0.75, 0.875)])[:, 0]
    np.testing.assert_allclose(np.diff(at), math.log(2.0))


def test_a_rate_of_one_is_a_point_too():
    assert np.isfinite(encode(SPACE, [place(q=1.0)])).all()


def test_an_empty_list_has_the_columns_of_any_other():
    assert encode(SPACE, []).shape == (0, encode(SPACE, [place()]).shape[1])


def test_matern_is_its_formula():
    generator = np.random.default_rng(0)
    first, second = generator.random((4, 3)), generator.random((5, 3))
    length = np.array([[0.5, 1.0, 2.0], [1.0, 1.0, 1.0]])
    for index, one in enumerate(length):
        r = cdist(first / one, second / one)
        expected = (1 + np.sqrt(5) * r + 5 * r**2 / 3) * np.exp(-np.sqrt(5) * r)
        np.testing.assert_allclose(matern(first, second, length)[index], expected, rtol=1e-13)


def test_every_two_options_are_equally_alike():
    at = encode(SPACE, [place(act=act) for act in ("relu", "gelu", "tanh")])
    alike = matern(at, at, draw(SPACE).length)
    np.testing.assert_allclose(alike[:, 0, 1], alike[:, 1, 2])
    np.testing.assert_allclose(alike[:, 0, 1], alike[:, 0, 2])
    assert 0.6 < np.median(alike[:, 0, 1]) < 0.8


def test_trainings_of_a_seed_share_more_than_those_of_two():
    at = points([0.0, 1.0], [0, 0])
    other = points([0.0, 1.0], [0, 1])
    one = draws()
    alike = matern(at.at, at.at, one.length)[0, 0, 1]
    same, different = (covariance(each, each, one)[0, 0, 1] for each in (at, other))
    assert different == pytest.approx(LEVEL**2 + alike)
    assert same - different == pytest.approx(0.5**2 + 0.3**2 * alike)


def test_the_mean_over_seeds_has_no_seed_of_its_own():
    mean = points([0.0], [ANY_SEED])
    assert covariance(mean, mean, draws())[0, 0, 0] == pytest.approx(LEVEL**2 + 1.0)


def test_the_variance_is_that_of_the_diagonal_and_the_noise():
    at = points([0.3], [4])
    one = draws(noise=0.2)
    assert variance(one)[0] == pytest.approx(covariance(at, at, one)[0, 0, 0] + 0.2**2)


def test_covariances_are_positive_definite_for_every_draw():
    at = Points(encode(SPACE, SPACE.candidates()[:40]), np.arange(40) % 3)
    lowest = np.linalg.eigvalsh(covariance(at, at, draw(SPACE)))[:, 0]
    # Rounding of a matrix of 40 values up to LEVEL^2 + 4, times its size.
    assert (lowest > -40 * 40 * 16 * np.finfo(np.float64).eps).all()
