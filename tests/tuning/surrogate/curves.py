"""Spaces and trainings that are made up, of which the truth is known."""

import numpy as np

from wolfsbane.tuning.space import Configuration, Rate, make_space
from wolfsbane.tuning.surrogate import Observation

SPACE = make_space({"p": Rate(0.0, 0.9, step=0.1)})


def at(rate):
    return Configuration((("p", rate),))


def seen(values):
    """Return observations of {(rate, seed): value}; None is running."""
    return [Observation(at(rate), seed, value) for (rate, seed), value in values.items()]


def bowl(rate):
    """Return a made-up NLL that is lowest at 0.5."""
    return 0.3 + (rate - 0.5) ** 2


def several(curve, rates, shifts):
    """Return each rate's value under each seed, of which every one shifts the curve."""
    return {
        (rate, seed): curve(rate) + shift for rate in rates for seed, shift in enumerate(shifts)
    }


def draws_of_curves(number, num_seeds, *, shape=0.3, noise=0.1, length=1.5):
    """Yield curves (rates,) and trainings (rates, seeds) of a process as the surrogate has it."""
    rates = -np.log1p(-np.arange(10) / 10)
    distance = np.sqrt(5.0) * np.abs(rates[:, None] - rates) / length
    alike = (1 + distance + distance**2 / 3) * np.exp(-distance)
    root = np.linalg.cholesky(alike + 1e-9 * np.eye(10))
    generator = np.random.default_rng(0)
    for _ in range(number):
        curve = root @ generator.standard_normal(10)
        bends = shape * root @ generator.standard_normal((10, num_seeds))
        shifts = generator.standard_normal(num_seeds)
        rest = noise * generator.standard_normal((10, num_seeds))
        yield curve, curve[:, None] + bends + shifts + rest
