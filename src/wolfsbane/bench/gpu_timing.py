"""Timing on a GPU, which runs behind the program: by its own events, between cold caches."""

from collections.abc import Mapping

from wolfsbane.bench.timing import Contender, order

WARM_UP, SPAN = 10, 50
"""Milliseconds of calls before those that count in a round, and of those."""


def interleave_on_gpu(contenders: Mapping[str, Contender], rounds: int) -> dict[str, list[float]]:
    """Return the seconds that a call of each contender took: a median for each round.

    Triton's `do_bench` empties the second-level cache before each call, so that tensors come from
    memory, as they do where other layers ran in between.
    """
    from triton.testing import do_bench  # noqa: PLC0415  # where there is a GPU

    for contender in contenders.values():
        contender.run()  # compiles
    samples: dict[str, list[float]] = {name: [] for name in contenders}
    for number in range(rounds):
        for name in order(tuple(contenders), number):
            run = contenders[name].run
            median = do_bench(run, warmup=WARM_UP, rep=SPAN, return_mode="median")
            samples[name].append(float(median) / 1e3)
    return samples
