"""A setup's program, executed as far as its data and its network; and trained as far as asked."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn import Module
from torch.optim.optimizer import register_optimizer_step_post_hook

from wolfsbane.learn.playground.setup import Setup
from wolfsbane.learn.practice.running import FILE, execute, remember

Scores = tuple[float, float, float, float]
"""Loss and accuracy on the training data, then on the test data."""


@dataclass(frozen=True)
class Built:
    """What the program's `main` makes before it trains.

    Attributes:
        names: the program's.
        model: its network, untrained.
        train_data, test_data: inputs and classes.
    """

    names: dict[str, Any]
    model: Module
    train_data: tuple[Tensor, Tensor]
    test_data: tuple[Tensor, Tensor]

    def fit(self) -> Iterator[Scores]:
        """Train as the program does; yield what it says after each epoch."""
        yield from self.names["fit"](self.model, self.train_data, self.test_data)


def build(program: str, setup: Setup) -> Built:
    """Execute a program, and do what its `main` does before it trains.

    Raises:
        Exception: whatever the program raises.
    """
    remember(FILE, program)
    names: dict[str, Any] = {"__name__": "program"}
    execute(compile(program, FILE, "exec", dont_inherit=True), names)
    torch.manual_seed(setup.seed)
    train_data, test_data = names["load_data"]()
    return Built(names, names["MLP"](), train_data, test_data)


def train_steps(built: Built, num_steps: int) -> None:
    """Train as the program does, and stop it after so many of the optimizer's steps."""
    remaining = num_steps

    def count(*_: Any) -> None:
        nonlocal remaining
        remaining -= 1
        if not remaining:
            raise _EnoughError

    hook = register_optimizer_step_post_hook(count)
    try:
        for _ in built.fit() if num_steps else ():
            pass
    except _EnoughError:
        pass
    finally:
        hook.remove()


class _EnoughError(Exception):
    """As many steps were made as were wanted."""
