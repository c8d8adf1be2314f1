"""`watch_everything`: every model that trains in this process."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from wolfsbane.audit.findings import Findings
from wolfsbane.audit.rule import Rule
from wolfsbane.audit.run.registry import Registry
from wolfsbane.audit.run.sampling import Sampling, sampling_of
from wolfsbane.audit.run.watching import watched_run


@contextmanager
def watch_everything(
    rules: Sequence[type[Rule]] | None = None, sampling: Sampling | int | None = None
) -> Iterator[Findings]:
    """Watch every model that trains in this block.

    A model trains when it is called with gradients, has a parameter that requires them, and is in
    training mode or followed by a backward pass.
    """
    with watched_run(Registry(None), rules, sampling_of(sampling)) as findings:
        yield findings
