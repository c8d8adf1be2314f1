"""What a phase needs of the record, whether it is there already or not."""

from dataclasses import dataclass

from wolfsbane.tuning.space import Configuration
from wolfsbane.tuning.trial import Request


@dataclass(frozen=True)
class Wanted:
    """A training that a phase names; as `Request`, without number and purpose."""

    configuration: Configuration
    seed: int
    train_size: int | None = None
    label_noise: float | None = None
    keep_weights: bool = False

    def is_made_by(self, request: Request) -> bool:
        """Whether `request` asks for this training; its weights are an extra."""
        return (self.configuration, self.seed, self.train_size, self.label_noise) == (
            request.configuration,
            request.seed,
            request.train_size,
            request.label_noise,
        )
