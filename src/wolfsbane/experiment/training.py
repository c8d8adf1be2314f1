"""One training: plain PyTorch, measured in evaluation mode after every epoch."""

import hashlib
import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

import torch
from torch import Tensor
from torch.nn import functional as torch_functional
from torch.nn.parameter import is_lazy

from wolfsbane.errors import ModelError, WolfsbaneError
from wolfsbane.experiment.data import Data
from wolfsbane.experiment.metrics import Reliability, Scores, reliability, scores
from wolfsbane.experiment.prediction import evaluation_mode, logits_of, predict
from wolfsbane.experiment.variants import Variant


class Train(Protocol):
    """A training loop: trains `model` on `data.train` and calls `report()` after each epoch."""

    def __call__(
        self, model: torch.nn.Module, data: Data, seed: int, report: Callable[[], None], /
    ) -> object:
        """Train the model in place; what is returned is ignored."""


@dataclass(frozen=True)
class AdamW:
    """The default training loop: AdamW on the cross-entropy, in shuffled batches.

    Attributes:
        epochs: passes over the training examples.
        batch_size: examples a step, at most; batches of an epoch differ by one at most, so none
            is left with a single example.
        learning_rate: of AdamW.
        weight_decay: of AdamW.
    """

    epochs: int
    batch_size: int = 64
    learning_rate: float = 1e-3
    weight_decay: float = 1e-2

    def __call__(
        self, model: torch.nn.Module, data: Data, seed: int, report: Callable[[], None], /
    ) -> None:
        """Train the model in place. `seed` fixes the batch order."""
        order = torch.Generator().manual_seed(seed)
        optimizer = torch.optim.AdamW(
            model.parameters(), lr=self.learning_rate, weight_decay=self.weight_decay
        )
        num_batches = -(len(data.train) // -self.batch_size)
        for _ in range(self.epochs):
            model.train()
            for index in torch.randperm(len(data.train), generator=order).tensor_split(num_batches):
                batch = data.train[index]
                loss = torch_functional.cross_entropy(model(batch.x), batch.y)
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
            report()


@dataclass(frozen=True)
class Measurement:
    """What an epoch left: scores in evaluation mode on all three parts of the data."""

    train: Scores
    validation: Scores
    test: Scores
    calibration_error: float


@dataclass(frozen=True)
class Run:
    """One variant trained under one seed."""

    variant: str
    seed: int
    curve: tuple[Measurement, ...]
    """One measurement an epoch."""
    reliability: Reliability
    """On the test examples, after the last epoch."""
    initial_weights: str
    """A fingerprint of the weight matrices and kernels before training."""
    num_parameters: int

    @cached_property
    def curves(self) -> dict[str, tuple[float, ...]]:
        """The same measurements by name, such as "test_nll", one value an epoch."""
        curves = {
            f"{part}_{name}": tuple(getattr(getattr(one, part), name) for one in self.curve)
            for part in ("train", "validation", "test")
            for name in ("accuracy", "nll")
        }
        return {**curves, "test_ece": tuple(one.calibration_error for one in self.curve)}

    @property
    def best_epoch(self) -> int:
        """Index of the epoch with the lowest validation NLL (the first of equals)."""
        losses = [measurement.validation.nll for measurement in self.curve]
        return losses.index(min(losses))


def train_variant(
    variant: Variant, data: Data, seed: int, train: Train, on_epoch: Callable[[], None]
) -> Run:
    """Build and train one variant under one seed, and measure it after every epoch.

    Weights and masks are drawn from torch's default CPU generator, seeded with `seed` before the
    model is built and again before it is trained, so variants of one seed share both. The
    caller's random state is left as it was.

    Raises:
        ModelError: the model's output does not fit, or training reports no epoch or diverges.
    """
    label = f"variant {variant.name!r}"
    with seeded(seed), threads_for(data):
        model = variant.build(data)
        check_output(label, model, data)
        weights = fingerprint(model)
        meter = Meter(label, model, data)

        def report() -> None:
            meter.measure()
            on_epoch()

        train_built(label, model, data, seed, train, report)
    return Run(
        variant=variant.name,
        seed=seed,
        curve=meter.curve,
        reliability=meter.reliability,
        initial_weights=weights,
        num_parameters=sum(parameter.numel() for parameter in model.parameters()),
    )


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Draw from torch's default CPU generator under `seed`, and leave the caller's state alone."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        yield


@contextmanager
def threads_for(data: Data) -> Iterator[None]:
    """Train on tables with one thread, so that results do not depend on the number of cores.

    A small network gains nothing from a second: spam, two cores, four trainings took 8.8 s and
    9.6 s with one thread, 7.4 s and 13 s with two.
    """
    num_threads = torch.get_num_threads()
    if data.kind == "table":
        torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(num_threads)


class Meter:
    """Measures a model on all three parts of the data, once an epoch."""

    def __init__(self, label: str, model: torch.nn.Module, data: Data) -> None:
        self._label = label
        self._model = model
        self._data = data
        self._curve: list[Measurement] = []
        self._test_logits: Tensor

    def measure(self) -> Measurement:
        """Measure the model as it is.

        Raises:
            ModelError: its output is not finite.
        """
        parts = self._data.train, self._data.validation, self._data.test
        with evaluation_mode(self._model):
            train, validation, test = (predict(self._model, part) for part in parts)
        self._curve.append(_measure(self._data, train, validation, test))
        _check_finite(self._label, self._curve)
        self._test_logits = test
        return self._curve[-1]

    @property
    def curve(self) -> tuple[Measurement, ...]:
        """One measurement an epoch.

        Raises:
            ModelError: there is none.
        """
        if not self._curve:
            raise ModelError(
                f"{self._label}: train() never called report(): call it after each epoch"
            )
        return tuple(self._curve)

    @property
    def reliability(self) -> Reliability:
        """On the test examples, after the last epoch."""
        return reliability(self._test_logits, self._data.test.y)


def train_built(
    label: str,
    model: torch.nn.Module,
    data: Any,
    seed: int,
    train: Callable[..., object],
    report: Callable[..., None],
) -> object:
    """Train a built model with masks drawn under `seed`, and return what the loop returns.

    Raises:
        ModelError: the default loop fails; what the user's own loop raises goes on as it is.
    """
    torch.manual_seed(seed)
    try:
        return train(model, data, seed, report)
    except WolfsbaneError:
        raise
    except Exception as error:
        if not isinstance(train, AdamW):
            raise  # The user's own loop: its traceback is what helps.
        raise ModelError(
            f"{label}: training failed with {type(error).__name__}: {error}"
        ) from error


def _measure(data: Data, train: Tensor, validation: Tensor, test: Tensor) -> Measurement:
    return Measurement(
        train=scores(train, data.train.y),
        validation=scores(validation, data.validation.y),
        test=scores(test, data.test.y),
        calibration_error=reliability(test, data.test.y).calibration_error,
    )


def _check_finite(label: str, curve: list[Measurement]) -> None:
    if not math.isfinite(curve[-1].train.nll + curve[-1].validation.nll + curve[-1].test.nll):
        raise ModelError(
            f"{label}: training diverged in epoch {len(curve)}: logits are not finite. "
            "Lower the learning rate, or look for what overflows"
        )


def check_output(label: str, model: torch.nn.Module, data: Data) -> None:
    """Raise unless the model maps a batch to logits of shape (N, classes).

    This first call also gives lazy layers their shapes.
    """
    batch = data.train.x[:2]
    expected = (len(batch), data.num_classes)
    try:
        with evaluation_mode(model):
            logits = logits_of(model, batch)
    except Exception as error:
        raise ModelError(
            f"{label}: the model failed on an input of shape {tuple(batch.shape)}: "
            f"{type(error).__name__}: {error}"
        ) from error
    if not isinstance(logits, Tensor):
        raise ModelError(
            f"{label}: the model has to return logits, a tensor of shape {expected}, but "
            f"returned {type(logits).__name__}"
        )
    if tuple(logits.shape) != expected or not logits.is_floating_point():
        raise ModelError(
            f"{label}: the model has to return floating-point logits of shape {expected} "
            f"(one per class: {data.num_classes}), but returned {tuple(logits.shape)} "
            f"of {logits.dtype}"
        )


def fingerprint(model: torch.nn.Module) -> str:
    """Return a hash of all weight matrices and kernels, in order."""
    digest = hashlib.sha256()
    for parameter in model.parameters():
        if not is_lazy(parameter) and parameter.dim() > 1:
            digest.update(str(tuple(parameter.shape)).encode())
            digest.update(parameter.detach().double().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()[:16]
