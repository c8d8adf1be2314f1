"""`watch_everything`: every model that trains in this process."""

from collections.abc import Iterator
from contextlib import contextmanager

from wolfsbane.audit.findings import Findings
from wolfsbane.audit.registry import Chosen
from wolfsbane.audit.run.registry import Registry
from wolfsbane.audit.run.sampling import Sampling, sampling_of
from wolfsbane.audit.run.watching import watched_run

NOTHING_TRAINED = (
    "no model was seen to train: none was called as a module, in this process and its main thread, "
    "in training mode with gradients"
)


@contextmanager
def watch_everything(
    rules: Chosen = None, sampling: Sampling | int | None = None
) -> Iterator[Findings]:
    """Watch every model that trains in this block.

    A model trains when it is called with gradients, has a parameter that requires them, and is in
    training mode or followed by a backward pass.
    """
    registry = Registry(None)
    with watched_run(registry, rules, sampling_of(sampling)) as findings:
        yield findings
    if not registry.watched():
        findings.notes.append(NOTHING_TRAINED)
