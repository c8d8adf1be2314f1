"""The process against matrices written out, in float64."""

import numpy as np
import pytest
from scipy.stats import multivariate_t

from tuning.surrogate.curves import SPACE
from wolfsbane.tuning.surrogate.kernel import Points, covariance
from wolfsbane.tuning.surrogate.prior import draw
from wolfsbane.tuning.surrogate.process import (
    LEAST_NOISE,
    NUM_KEPT,
    RATE,
    SHAPE,
    condition,
)

DRAWS = draw(SPACE)
NOWHERE = Points(np.zeros((0, 1)), np.zeros(0, dtype=np.int64))
FINISHED = Points(np.array([0.0, 2.3, 0.0, 2.3, 0.7, 1.2])[:, None], np.array([0, 0, 1, 1, 0, 1]))
VALUES = np.array([0.5, 1.2, -0.6, 1.1, -1.3, -0.9])
RUNNING = Points(np.array([[0.9], [1.6]]), np.array([0, 2]))
ASKED = Points(np.array([0.0, 0.7, 1.6, 2.3, 1.6])[:, None], np.array([-1, -1, -1, -1, 2]))


def noise_of(draws):
    return np.square(draws.noise) + LEAST_NOISE**2


def dense(process, finished, values, running, asked):
    """Return mean and covariance at `asked`: all matrices whole, solved by elimination."""
    both = Points(np.vstack([asked.at, running.at]), np.append(asked.seeds, running.seeds))
    prior = covariance(both, both, process.draws)
    cross = covariance(both, finished, process.draws)
    gram = covariance(finished, finished, process.draws)
    gram = gram + noise_of(process.draws)[:, None, None] * np.eye(len(values))
    scales, means, covariances = [], [], []
    for k, c, g in zip(prior, cross, gram, strict=True):
        shape = SHAPE + len(values) / 2
        rate = RATE + values @ np.linalg.solve(g, values) / 2
        scales.append(rate / (shape - 1))
        means.append(c @ np.linalg.solve(g, values))
        covariances.append(scales[-1] * (k - c @ np.linalg.solve(g, c.T)))
    weights = process.weights
    mean = weights @ np.array(means)
    apart = np.array(means) - mean
    whole = np.einsum("d,dij->ij", weights, np.array(covariances))
    whole += np.einsum("d,di,dj->ij", weights, apart, apart)
    noise = weights * scales @ noise_of(process.draws)
    count = len(asked.seeds)
    of_running = whole[count:, count:] + noise * np.eye(len(running.seeds))
    known = whole[:count, count:] @ np.linalg.solve(of_running, whole[count:, :count])
    return mean[:count], whole[:count, :count] - known, noise


@pytest.mark.parametrize("running", [NOWHERE, RUNNING])
def test_moments_are_those_of_whole_matrices(running):
    process = condition(DRAWS, FINISHED, VALUES, running)
    mean, whole, noise = dense(process, FINISHED, VALUES, running, ASKED)
    # Condition numbers reach LEVEL^2 * 6 / 0.01^2 for the least noise: 12 digits less 6.
    np.testing.assert_allclose(process.mean(ASKED), mean, rtol=1e-8, atol=1e-9)
    np.testing.assert_allclose(process.covariance(ASKED, ASKED), whole, rtol=1e-7, atol=1e-8)
    of_outcome = process.outcome_variance(ASKED)
    assert of_outcome[-1] == pytest.approx(whole[-1, -1] + noise, rel=1e-2)


def test_an_outcomes_variance_is_the_diagonal_and_the_noise():
    process = condition(DRAWS, FINISHED, VALUES, RUNNING)
    asked = Points(ASKED.at, np.full(5, 2))
    noise = process.weights * process.scales @ np.square(process.draws.noise)
    expected = np.diagonal(process.covariance(asked, asked)) + noise
    np.testing.assert_allclose(process.outcome_variance(asked), expected, rtol=1e-8)


def test_what_runs_narrows_and_moves_no_mean():
    alone = condition(DRAWS, FINISHED, VALUES, NOWHERE)
    process = condition(DRAWS, FINISHED, VALUES, RUNNING)
    np.testing.assert_array_equal(process.mean(ASKED), alone.mean(ASKED))
    gained = alone.covariance(ASKED, ASKED) - process.covariance(ASKED, ASKED)
    assert np.linalg.eigvalsh(gained).min() > -1e-9
    assert gained[2, 2] > 0.05 * alone.covariance(ASKED, ASKED)[2, 2]


def test_draws_weigh_as_much_as_they_are_likely():
    gram = covariance(FINISHED, FINISHED, DRAWS)
    gram = gram + noise_of(DRAWS)[:, None, None] * np.eye(len(VALUES))
    # Of normal values whose scale is an inverse gamma: Student's t in several dimensions.
    logs = [multivariate_t(shape=g * RATE / SHAPE, df=2 * SHAPE).logpdf(VALUES) for g in gram]
    expected = np.exp(np.array(logs) - max(logs))
    expected /= expected.sum()
    process = condition(DRAWS, FINISHED, VALUES, NOWHERE)
    found = np.zeros(len(expected))
    index = [np.flatnonzero(DRAWS.noise == one)[0] for one in process.draws.noise]
    found[index] = process.weights
    # Each of the kept ones stands for an even share of what is summed up to it.
    assert abs(np.cumsum(found) - np.cumsum(expected)).max() <= 0.5 / NUM_KEPT + 1e-9
    assert process.weights.sum() == pytest.approx(1.0)


def test_without_trainings_it_is_the_prior():
    process = condition(DRAWS, NOWHERE, np.zeros(0), NOWHERE)
    np.testing.assert_array_equal(process.mean(ASKED), 0.0)
    prior = covariance(ASKED, ASKED, process.draws)
    expected = RATE / (SHAPE - 1) * np.tensordot(process.weights, prior, axes=1)
    np.testing.assert_allclose(process.covariance(ASKED, ASKED), expected)


def test_likelihood_prefers_the_noise_that_the_data_has():
    rates = np.tile(np.linspace(0.0, 2.0, 8), 3)[:, None]
    at = Points(rates, np.repeat([0, 1, 2], 8))
    generator = np.random.default_rng(0)
    smooth = np.sin(rates[:, 0]) + at.seeds
    for deviation in (0.01, 0.5):
        values = smooth + deviation * generator.standard_normal(24)
        process = condition(DRAWS, at, (values - values.mean()) / values.std(), NOWHERE)
        noise = process.weights @ (np.sqrt(process.scales) * process.draws.noise) * values.std()
        # The deviation of 24 values is known to within 1 / sqrt(48) of itself, and the prior's.
        assert deviation / 2 < noise < 2 * deviation


def test_a_process_knows_the_seeds_of_what_is_finished_and_of_what_runs():
    process = condition(DRAWS, FINISHED, VALUES, RUNNING)
    assert [seed for seed in range(-1, 5) if process.knows(seed)] == [0, 1, 2]
