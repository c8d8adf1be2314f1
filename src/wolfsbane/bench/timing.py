"""Interleaved timing: every round times every contender once, in an order that changes.

A machine's speed drifts (other processes, heat, the clock's frequency). Sides that are timed one
after the other in full meet different machines; sides that take turns meet the same one.
"""

import math
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass

Clock = Callable[[], float]
"""Returns seconds; only differences count."""

SHORTEST_SPAN = 2e-4
"""Seconds. A shorter call is repeated until it fills this, 1000 times what a clock takes."""

MOST_CALLS = 1000
"""In one span."""

NUM_WARM_UPS = 3
"""Calls before anything counts: the first compiles or loads a kernel, the next fill the caches."""


@dataclass(frozen=True)
class Contender:
    """One side: what is timed, and what has to hold around it without being timed."""

    run: Callable[[], object]
    around: Callable[[], AbstractContextManager[object]] | None = None
    """Entered before each span. The first call in it is not timed."""


def interleave(
    contenders: Mapping[str, Contender], rounds: int, clock: Clock = time.perf_counter
) -> dict[str, list[float]]:
    """Return the seconds that a call of each contender took, round by round.

    Args:
        contenders: sides by name.
        rounds: how often each is timed.
        clock: what is read before and after a span.
    """
    num_calls = {name: _calls_per_span(one, clock) for name, one in contenders.items()}
    samples: dict[str, list[float]] = {name: [] for name in contenders}
    for number in range(rounds):
        for name in order(tuple(contenders), number):
            span = _span(contenders[name], num_calls[name], clock)
            samples[name].append(span / num_calls[name])
    return samples


def order(names: Sequence[str], number: int) -> list[str]:
    """Return the names in the order of one round.

    It rotates from round to round, and is reversed after each full turn, so that everyone comes
    first, last, and after everyone else equally often.
    """
    turn, first = divmod(number, len(names))
    rotated = [*names[first:], *names[:first]]
    return rotated[::-1] if turn % 2 else rotated


def _calls_per_span(contender: Contender, clock: Clock) -> int:
    """Warm a contender up, and return how many of its calls fill a span."""
    shortest = min(_span(contender, 1, clock) for _ in range(NUM_WARM_UPS))
    if shortest <= 0.0:
        return MOST_CALLS
    return min(MOST_CALLS, math.ceil(SHORTEST_SPAN / shortest))


def _span(contender: Contender, num_calls: int, clock: Clock) -> float:
    if contender.around is None:
        return _timed(contender.run, num_calls, clock)
    with contender.around():
        contender.run()
        return _timed(contender.run, num_calls, clock)


def _timed(run: Callable[[], object], num_calls: int, clock: Clock) -> float:
    begin = clock()
    for _ in range(num_calls):
        run()
    return clock() - begin
