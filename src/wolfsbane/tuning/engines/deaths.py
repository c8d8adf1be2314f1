"""How often a training is made again whose worker died, and what is said in the end."""

from wolfsbane.errors import ModelError

ATTEMPTS = 3
"""How often a training is begun. A machine that fails takes one; one that is too small, all."""


def died_every_time(training: str, reason: str) -> ModelError:
    """Return the error for a training that no worker survives."""
    return ModelError(
        f"{training}: its worker process died each time it was begun ({reason}). Probably memory "
        "ran out: use fewer jobs (--jobs), smaller batches or a smaller network"
    )
