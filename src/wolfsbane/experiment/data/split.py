"""From a pool to training, validation and test examples.

The test examples are the same for every seed. Which of the others are trained on is drawn by the
seed, so an interval over seeds holds for training sets like this one, not for one of them.
"""

import numpy as np
import torch
from torch import Tensor

from wolfsbane.errors import DataError
from wolfsbane.experiment.data.examples import Data, Examples, Pool

DEFAULT_TRAIN_SIZE = 500
"""Small enough for a network to memorise, which is what a comparison is to show."""

LARGEST_SHARE = 0.8
"""At most this share of a training folder is trained on; the rest validates."""

TEST_SEED = 0

LEAST_OF_CLASS = 2
"""Of a class that is shared out."""

CLIP = 3.0
"""Standardised inputs are cut here: else a few extreme values of a skewed feature decide all."""

SMALLEST_DEVIATION = 1e-12
"""A feature that deviates less than this share of its mean is constant: centred, not scaled."""


def default_train_size(pool: Pool) -> int:
    """Return 500, or what is sensible of a smaller pool."""
    share = 0.5 if pool.test is None else LARGEST_SHARE
    return min(DEFAULT_TRAIN_SIZE, int(len(pool.examples) * share))


def split(pool: Pool, train_size: int, seed: int, *, part_of: int | None = None) -> Data:
    """Draw training and validation examples by `seed`, standardise all by the training ones.

    Inputs have mean 0 and deviation 1 in training, and are cut at three deviations.

    Without test examples of its own, half of what is not trained on becomes the test set (the
    same for all seeds), the other half validates. Each part has its share of every class,
    to within one example.

    Args:
        pool: all examples.
        train_size: how many are trained on.
        seed: draws them.
        part_of: a larger size, of whose training examples these are a part; validation and test
            examples are then that size's, and those left over are not used. Default: none.

    Raises:
        DataError: `train_size` leaves too little for training or for validation and test.
    """
    _check_train_size(pool, train_size)
    drawn_size = train_size if part_of is None else part_of
    rest, test = pool.examples, pool.test
    if test is None:
        test_size = (len(rest) - drawn_size) // 2
        rest_index, test_index = _stratified(rest.y, test_size, TEST_SEED)
        rest, test = pool.examples[rest_index], pool.examples[test_index]
    validation_index, train_index = _stratified(rest.y, drawn_size, seed)
    train, validation = rest[train_index], rest[validation_index]
    if train_size < drawn_size:
        train = _part(pool, train, train_size, seed)
    _check_classes(pool, train)
    mean, deviation = _scales(train.x)
    train, validation, test = (
        Examples(((part.x - mean) / deviation).clamp(-CLIP, CLIP).float(), part.y)
        for part in (train, validation, test)
    )
    return Data(pool.name, pool.kind, pool.classes, train, validation, test)


def _part(pool: Pool, train: Examples, size: int, seed: int) -> Examples:
    counts = train.y.bincount(minlength=len(pool.classes))
    if counts.min() < LEAST_OF_CLASS:
        rare = pool.classes[int(counts.argmin())]
        raise DataError(
            f"class {rare!r} has {int(counts.min())} of {len(train)} training examples, of which "
            f"{size} cannot be drawn in proportion. Train on more (train size)"
        )
    _, index = _stratified(train.y, size, seed)
    return train[index]


def add_label_noise(data: Data, share: float, seed: int) -> Data:
    """Give a share of the training examples another class; validation and test stay clean."""
    if share == 0.0:
        return data
    generator = torch.Generator().manual_seed(seed)
    chosen = torch.randperm(len(data.train), generator=generator)[: round(share * len(data.train))]
    shift = torch.randint(1, data.num_classes, (len(chosen),), generator=generator)
    y = data.train.y.clone()
    y[chosen] = (y[chosen] + shift) % data.num_classes
    train = Examples(data.train.x, y)
    return Data(data.name, data.kind, data.classes, train, data.validation, data.test)


def _check_train_size(pool: Pool, train_size: int) -> None:
    classes, total = len(pool.classes), len(pool.examples)
    held_out = 2 * classes if pool.test is None else classes
    if not classes <= train_size <= total - held_out:
        raise DataError(
            f"train size has to be between {classes} (the number of classes) and "
            f"{total - held_out} (leaving some of {total} examples to validate"
            f"{' and test' if pool.test is None else ''}), but got {train_size}"
        )


def _check_classes(pool: Pool, train: Examples) -> None:
    counts = train.y.bincount(minlength=len(pool.classes))
    if not counts.all():
        missing = pool.classes[int(counts.argmin())]
        raise DataError(
            f"none of the {len(train)} training examples is of class {missing!r}, so rare is it. "
            "Train on more (train size), or merge or remove the class"
        )


def _stratified(y: Tensor, size: int, seed: int) -> tuple[Tensor, Tensor]:
    """Return indices of the others and of `size` drawn ones, classes in proportion."""
    from sklearn.model_selection import train_test_split  # noqa: PLC0415  # a second of import

    others, drawn = train_test_split(
        np.arange(len(y)), test_size=size, stratify=y.numpy(), random_state=seed
    )
    return torch.from_numpy(others), torch.from_numpy(drawn)


def _scales(x: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and standard deviation per feature, or per channel of pictures."""
    dims = [0, *range(2, x.dim())]
    wide = x.double()
    mean = wide.mean(dims, keepdim=True)
    deviation = (wide - mean).square().mean(dims, keepdim=True).sqrt()
    constant = deviation <= SMALLEST_DEVIATION * mean.abs()
    return mean, torch.where(constant, 1.0, deviation)
