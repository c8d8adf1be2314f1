"""Searches whose trainings are a formula: results that every phase can be asked about, at once."""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import torch

from wolfsbane.experiment.data import Examples, Pool
from wolfsbane.experiment.metrics import Reliability
from wolfsbane.tuning.dimensions import Rate
from wolfsbane.tuning.objective import Objective
from wolfsbane.tuning.setting import Setting
from wolfsbane.tuning.space import Space, make_space
from wolfsbane.tuning.trial import Outcome, Request

SPACE = make_space({"dropout": Rate(0.0, 0.9, step=0.1)})


@dataclass(frozen=True)
class Formula:
    """A subject that is never built."""

    space: Space = SPACE
    built_by: str = "formula"


NLL = Objective()


def make_setting(pool=None, objective=NLL, space=SPACE, **changes) -> Setting:
    """Return a setting of 500 training examples."""
    changes = {"train_size": 500} | changes
    return Setting(Formula(space), pool, None, objective, None, **changes)


def make_pool(examples=2000, classes=2) -> Pool:
    """Return data of which only the numbers count."""
    y = torch.arange(examples) % classes
    x = torch.zeros(examples, 1)
    return Pool("table", "table", Examples(x, y), tuple("abcdefghij"[:classes]))


def flat(_rate: float) -> float:
    """Return the same NLL at every rate."""
    return 0.5


def valley(rate: float) -> float:
    """Return an NLL that is lowest at 0.5, a fifth below that of rate 0."""
    return 0.4 + 0.4 * (rate - 0.5) ** 2


def rising(rate: float) -> float:
    """Return an NLL that every dropout makes worse."""
    return 0.4 + 0.5 * rate


@dataclass
class Table:
    """An engine whose trainings are a formula with a seed's effect and noise of every pair.

    Attributes:
        nll: mean over seeds, of a rate.
        accuracy: mean over seeds, of a rate.
        of_seed: standard deviation of what all rates share under a seed.
        noise: standard deviation of what is a training's own.
        noise_of_accuracy: the same of its accuracy, of which seeds share nothing.
        interrupt_after: trainings after which an error comes; None for never.
        interrupt_with: the error.
        made: every request made.
        measures_test: whether there are test metrics.
        memorises: whether there are wrong labels even if none are asked for.
        test_examples: how many there are.
        luck: which draw of all noise this is.
        latest_first: whether the last of a batch is finished first.
    """

    nll: Callable[[float], float] = valley
    accuracy: Callable[[float], float] = lambda rate: 0.9
    of_seed: float = 0.02
    noise: float = 0.01
    noise_of_accuracy: float = 0.002
    interrupt_after: int | None = None
    interrupt_with: type[BaseException] = KeyboardInterrupt
    made: list[Request] = field(default_factory=list)
    num_workers: int = 1
    measures_test: bool = True
    memorises: bool = False
    test_examples: int = 10_000
    luck: int = 0
    latest_first: bool = False

    def run(self, setting, requests):
        """Yield what the formula gives."""
        for request in reversed(requests) if self.latest_first else requests:
            if self.interrupt_after is not None and len(self.made) >= self.interrupt_after:
                raise self.interrupt_with
            self.made.append(request)
            yield request, self.outcome(request)

    def outcome(self, request: Request) -> Outcome:
        """Return a training's result; the same whenever it is asked for."""
        rate = float(request.configuration.as_dict()["dropout"])
        shared = np.random.default_rng((self.luck, request.seed))
        own = np.random.default_rng((self.luck, request.seed, round(rate * 1000)))
        more_data = 0.1 * (1 - (request.train_size or 500) / 500)
        base = self.nll(rate) + more_data + self.of_seed * shared.standard_normal()
        validation, test = (base + self.noise * own.standard_normal(2)).tolist()
        accuracy = self.accuracy(rate) + self.noise_of_accuracy * float(own.standard_normal())
        curves = {
            "train_nll": (0.3, 0.1),
            "train_accuracy": (0.8, 1.0),
            "validation_nll": (validation + 0.1, validation),
            "validation_accuracy": (0.5, accuracy),
        }
        if self.measures_test:
            curves |= {
                "test_nll": (test + 0.1, test),
                "test_accuracy": (0.5, accuracy),
                "test_ece": (0.1, 0.05),
            }
        half = self.test_examples // 2
        return Outcome(
            curves,
            Reliability((half, half), (0.5, 0.5), (1, 1)) if self.measures_test else None,
            memorised=1.0 - rate if request.label_noise or self.memorises else None,
        )
