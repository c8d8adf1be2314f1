"""`watch`: a training that is looked at while it runs."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from torch.nn import Module
from torch.optim import Optimizer

from wolfsbane.audit.findings import Findings
from wolfsbane.audit.registry import select
from wolfsbane.audit.rule import Rule
from wolfsbane.audit.run.dispatch import Dispatch
from wolfsbane.audit.run.failure import failure_of
from wolfsbane.audit.run.registry import Registry
from wolfsbane.audit.run.sampling import Sampling, sampling_of
from wolfsbane.audit.run.session import Session
from wolfsbane.audit.run.switchboard import listening


@contextmanager
def watch(
    model: Module,
    *,
    optimizer: Optimizer | None = None,
    loss: Module | Callable[..., Any] | None = None,
    rules: Sequence[type[Rule]] | None = None,
    sampling: Sampling | int | None = None,
) -> Iterator[Findings]:
    """Watch a model that trains in this block; the findings are there when the block has ended."""
    registry = Registry([model])
    with watched_run(registry, rules, sampling_of(sampling), optimizer) as findings:
        try:
            yield findings
        finally:
            pass


@contextmanager
def watched_run(
    registry: Registry,
    rules: Sequence[type[Rule]] | None,
    sampling: Sampling,
    optimizer: Optimizer | None = None,
) -> Iterator[Findings]:
    """Watch a run's models; findings are filled in at the end, also when it ends by an exception."""
    findings = Findings()
    dispatch = Dispatch.of(select() if rules is None else rules)
    session = Session(dispatch, registry, sampling, optimizer)
    try:
        with listening(session):
            yield findings
    except Exception as error:
        dispatch.tell("on_failure", failure_of(error, session))
        raise
    finally:
        session.close()
        registry.name_all()
        found = list(dispatch.findings())
        findings.extend(found, dispatch.notes)
        if session.broken is not None:
            findings.notes.append(f"the run was watched in part: {session.broken!r}")
