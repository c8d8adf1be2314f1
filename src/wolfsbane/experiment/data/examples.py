"""What data is, before and after it is split."""

import hashlib
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from wolfsbane.errors import DataError

Kind = Literal["table", "pictures"]

MIN_PER_CLASS = 4
"""One example of each class to train on, one to validate on, one to test on, one to spare."""


@dataclass(frozen=True)
class Examples:
    """Inputs and their classes."""

    x: Tensor
    """(N, features) or (N, C, H, W); float32 once it is split."""
    y: Tensor
    """int64, (N,), in [0, number of classes)."""

    def __len__(self) -> int:
        return len(self.y)

    def __getitem__(self, index: Tensor) -> "Examples":
        return Examples(self.x[index], self.y[index])


@dataclass(frozen=True)
class Pool:
    """All examples of a data set, not yet split into training, validation and test."""

    name: str
    kind: Kind
    examples: Examples
    classes: tuple[str, ...]
    test: Examples | None = None
    """The test examples, where the data set comes with its own."""

    @property
    def fingerprint(self) -> str:
        """A hash of all inputs and labels."""
        digest = hashlib.sha256()
        for part in (self.examples, self.test):
            if part is not None:
                digest.update(part.x.double().numpy().tobytes())
                digest.update(part.y.numpy().tobytes())
        return digest.hexdigest()[:16]


@dataclass(frozen=True)
class Data:
    """A data set as one training sees it, standardised by its training examples."""

    name: str
    kind: Kind
    classes: tuple[str, ...]
    train: Examples
    validation: Examples
    test: Examples

    @property
    def num_classes(self) -> int:
        """How many logits a model has to return."""
        return len(self.classes)

    @property
    def input_shape(self) -> tuple[int, ...]:
        """Shape of one input, without the batch dimension."""
        return tuple(self.train.x.shape[1:])


_NO_CLASSES = ". Is the target a measurement, or an identifier?"


def check_labels(y: Tensor, classes: tuple[str, ...], where: str) -> None:
    """Raise unless there are two classes or more, each with enough examples."""
    if len(y) < len(classes):
        raise DataError(
            f"{where}: {len(y)} rows and {len(classes)} different labels: fewer rows than classes "
            f"cannot be learned from{_NO_CLASSES}"
        )
    if len(classes) < 2:  # noqa: PLR2004
        found = f"only {classes[0]!r}" if classes else "none"
        raise DataError(f"{where}: expected two classes or more, but found {found}")
    counts = torch.bincount(y, minlength=len(classes))
    rarest = int(counts.argmin())
    if counts[rarest] < MIN_PER_CLASS:
        number = int(counts[rarest])
        examples = "1 example" if number == 1 else f"{number} examples"
        advice = _NO_CLASSES if len(classes) > len(y) / MIN_PER_CLASS else ""
        raise DataError(
            f"{where}: class {classes[rarest]!r} has {examples}, but each needs {MIN_PER_CLASS} to "
            "be trained, validated and tested. Merge or remove rare classes; there are "
            f"{len(classes)}{advice}"
        )
