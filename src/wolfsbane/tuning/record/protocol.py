"""What a search asks of its record."""

from collections.abc import Sequence
from typing import Protocol

from wolfsbane.tuning.space import Configuration
from wolfsbane.tuning.trial import Outcome, Purpose, Request, Trial


class Record(Protocol):
    """All trials of a search, in Optuna's storage; what is written survives the process."""

    def trials(self) -> Sequence[Trial]:
        """Return all trials that are finished or running, in the order of their numbers."""

    def suggest(self) -> Request:
        """Ask the sampler for the pair of configuration and seed that tells most."""

    def add(
        self,
        configuration: Configuration,
        seed: int,
        purpose: Purpose,
        *,
        train_size: int | None = None,
        label_noise: float | None = None,
        keep_weights: bool = False,
    ) -> Request:
        """Ask for a training that the search's phases name."""

    def tell(self, request: Request, outcome: Outcome) -> None:
        """Write what came out."""

    def drop(self, request: Request) -> None:
        """Give up a training that was asked for and will not be made; it is not in `trials`."""

    @property
    def chosen(self) -> Configuration | None:
        """The configuration that the search ended with; None while it goes on."""

    def choose(self, configuration: Configuration | None) -> None:
        """Write the choice down; None: the search goes on. It is final once its proof has begun."""
