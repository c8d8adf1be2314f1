"""Which strategy computes the samples: as asked, or as the first passes suggest."""

import math
from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor

from wolfsbane.uncertainty import loop, prefix, replicate
from wolfsbane.uncertainty.passes import Observation, Passes

STRATEGIES: dict[str, Callable[[Passes, range], Tensor]] = {
    "prefix": prefix.run,
    "replicate": replicate.run,
    "loop": loop.run,
}

MOST_BYTES = 2**26
"""Of the largest tensor in a pass over many samples. From about here on, a fresh tensor costs more
in page faults than the arithmetic on it."""

SLOWEST_TOGETHER = 2.0
"""How many times slower per sample what follows the prefix may be when done for many samples at
once: 2.2 was measured for convolutions with dropout everywhere, and mostly it is below 1."""

SMALL = 2**21
"""Bytes. Where the largest tensor of some samples is no larger, the fixed costs of functions count,
and these samples at once save them."""

LARGEST_FOR_A_TRIAL = 2**20
"""Bytes of the largest tensor. Above it a function takes so long that many samples at once gain
nothing but the prefix."""

OBVIOUS = 0.8
"""Share of a pass before the first drop that is believed when it was seen once."""

SHARE_WORTH_A_TRIAL = 0.4
FEWEST_FOR_A_TRIAL = 16
TRIAL = 3
"""Samples of a trial: at its worst it costs a tenth of a loop over 32."""

AT_ONCE = 16
"""Samples of a loop whose statistics are taken together."""


@dataclass(frozen=True)
class Choice:
    """A strategy for the samples that are left, and why."""

    strategy: str
    reason: str
    chunk: int = 1
    """Samples in one pass, at most."""
    is_trial: bool = False
    """Whether its first passes are compared with the loop."""


def chunk_for(seen: Observation, samples: int) -> int:
    """Return how many samples one pass may compute."""
    return max(1, min(samples, MOST_BYTES // max(1, seen.largest)))


def is_sure(seen: Observation, samples: int) -> bool:
    """Whether the prefix takes so much of a pass that running it once is faster in any case."""
    if seen.has_other_draws:
        return False
    passes = math.ceil(samples / chunk_for(seen, samples))
    cost = 1 + passes * seen.share + samples * (1 - seen.share) * SLOWEST_TOGETHER
    return cost < samples


def suggest(seen: Observation, samples: int) -> Choice:
    """Return what to do after a pass for one sample."""
    if seen.has_other_draws:
        return looping(seen, "the model draws random numbers of its own, without masks")
    chunk = chunk_for(seen, samples)
    before = f"{seen.share:.0%} of a pass comes before the first drop"
    if chunk > 1 and is_sure(seen, samples):
        return Choice("prefix", before, chunk)
    if samples < FEWEST_FOR_A_TRIAL:
        return looping(seen, f"{before}, and {samples} samples are too few for a trial")
    if samples * seen.largest <= SMALL and seen.share < SHARE_WORTH_A_TRIAL:
        return Choice("replicate", "its tensors are small", chunk, is_trial=True)
    if chunk >= TRIAL and (seen.largest <= LARGEST_FOR_A_TRIAL or seen.share > SHARE_WORTH_A_TRIAL):
        return Choice("prefix", before, chunk, is_trial=True)
    return looping(seen, f"{before}, and its tensors are large")


def looping(seen: Observation, reason: str) -> Choice:
    """Return the choice of a loop."""
    at_once = min(AT_ONCE, SMALL // max(1, seen.output.nbytes))
    return Choice("loop", reason, max(1, at_once))


def trial_size(seen: Observation, samples: int) -> int:
    """Return how many samples a trial computes: where they are small, all."""
    return max(TRIAL, min(samples, SMALL // max(1, seen.largest)))
