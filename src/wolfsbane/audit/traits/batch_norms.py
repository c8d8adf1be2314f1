"""What several rules ask about batch norms. No torch is imported."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from wolfsbane.audit.layer import Layer

ENOUGH_SAMPLES = 16
"""From how many samples a batch norm's statistics are good enough.

Wu and He 2018 (arXiv:1803.08494, table 2) train ResNet-50 with fewer and fewer samples per GPU:
with 32 its error is 23.6%, with 16 it is 23.7%, with 8 already 24.8%, with 4 27.3%, with 2 34.7%.
"""


def keeps_statistics(module: Any) -> bool:
    """Whether a batch norm has a running mean and variance, which a batch in training changes."""
    tracked = getattr(module, "track_running_stats", True)
    return bool(tracked) and getattr(module, "running_mean", None) is not None


def normalises_by_batch(module: Any) -> bool:
    """Whether a batch norm, as it stands, takes mean and variance from the batch."""
    return bool(module.training) or getattr(module, "running_mean", None) is None


def is_synchronised(module: Any) -> bool:
    """Whether a batch norm shares its statistics over processes: torch's, ours, apex's."""
    return any("sync" in known.__name__.lower() for known in type(module).__mro__)


def samples(number: int) -> str:
    """Say how many samples.

    Examples:
        >>> samples(1), samples(2)
        ('1 sample', '2 samples')
    """
    return f"{number} sample{'' if number == 1 else 's'}"


def listed(layers: "Sequence[Layer]") -> str:
    """Name one or more batch norms, of which the first stands for the others.

    Examples:
        >>> from wolfsbane.audit.layer import Layer
        >>> first, second = (Layer(path, (path,), None, "batch_norm", "") for path in ("a", "b"))
        >>> listed([first])
        "batch norm 'a'"
        >>> listed([first, second])
        "2 batch norms (the first is 'a')"
    """
    first = layers[0].path
    if len(layers) > 1:
        return f"{len(layers)} batch norms (the first is {first!r})"
    return f"batch norm {first!r}" if first else "the batch norm"
