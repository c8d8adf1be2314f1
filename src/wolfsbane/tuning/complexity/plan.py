"""Which trainings say how hard the data is.

Wrong labels that a network gives back can only have been learned by heart, so the share of them
says how much it can memorise of data like this (Zhang et al. 2017, arXiv:1611.03530).
"""

from wolfsbane.errors import DataError
from wolfsbane.experiment.data import Pool, split
from wolfsbane.tuning.seeds import search_seed
from wolfsbane.tuning.setting import Setting
from wolfsbane.tuning.space import Configuration
from wolfsbane.tuning.wanted import Wanted

NOISE = 0.2
"""Share of wrong labels where the setting has none: 100 of 500, so that the share given back is
known to ±10 points (binomial, 95%), and the classes can still be learned."""

PARTS = (8, 4, 2)
"""Training-set sizes of the learning curve are these parts of the whole."""

NUM_SEEDS = 2
"""Trainings of each point of the learning curve."""


def plan(setting: Setting, chosen: Configuration, *, with_curve: bool) -> list[Wanted]:
    """Return the trainings, those for what is memorised first. None where data is the user's.

    Args:
        setting: what every training shares.
        chosen: what the search ended with.
        with_curve: whether the chosen configuration and the learning curve are wanted too.
    """
    if setting.pool is None:
        return []
    baseline = setting.subject.space.baseline
    configurations = tuple(dict.fromkeys((baseline, chosen))) if with_curve else (baseline,)
    seeds = [search_seed(setting.seed, index) for index in range(NUM_SEEDS)]
    memorising = [
        Wanted(configuration, seeds[0], label_noise=NOISE)
        for configuration in configurations
        if not setting.label_noise
    ]
    if not with_curve:
        return memorising
    return memorising + [
        Wanted(configuration, seed, train_size=size)
        for size in sizes(setting.pool, setting.train_size, seeds)
        for seed in seeds
        for configuration in configurations
    ]


def num_planned(setting: Setting, *, with_curve: bool) -> int:
    """Return how many trainings `plan` names at most, whatever is chosen."""
    return len(plan(setting, setting.subject.space.extreme, with_curve=with_curve))


def sizes(pool: Pool, train_size: int, seeds: list[int]) -> list[int]:
    """Return the sizes, from small to large, that have an example of every class."""
    parts = sorted({train_size // part for part in PARTS} - {0})
    return [
        size for size in parts if all(_can_be_split(pool, size, train_size, seed) for seed in seeds)
    ]


def _can_be_split(pool: Pool, size: int, part_of: int, seed: int) -> bool:
    try:
        split(pool, size, seed, part_of=part_of)
    except DataError:
        return False
    return True
