"""What a data loader tells of its batches, without being iterated. No torch is imported."""

from dataclasses import dataclass
from typing import Any

TORCHS = ("torch.utils.data.sampler", "BatchSampler")
"""Module and name of the class that cuts samples into batches."""


@dataclass(frozen=True)
class Batches:
    """The batches of one epoch.

    Args:
        batch_size: samples in a full batch; on one rank, where the sampler is a distributed one.
        num_samples: samples in an epoch; None where it is not known.
        drops_last: whether a last batch that is not full is left out.
    """

    batch_size: int
    num_samples: int | None
    drops_last: bool

    @property
    def last(self) -> int | None:
        """Samples in the last batch."""
        if self.num_samples is None or self.num_samples == 0:
            return None
        return (not self.drops_last and self.num_samples % self.batch_size) or self.batch_size


def batches_of(loader: Any) -> Batches | None:
    """Return the batches of a torch DataLoader; None where a sampler of one's own makes them."""
    sampler: Any = getattr(loader, "batch_sampler", None)
    known = type(sampler)
    if (known.__module__, known.__name__) != TORCHS:
        return None
    return Batches(sampler.batch_size, _length(sampler.sampler), sampler.drop_last)


def _length(sampler: Any) -> int | None:
    try:
        return len(sampler)
    except Exception:  # noqa: BLE001  # a data set of the user's may raise anything
        return None
