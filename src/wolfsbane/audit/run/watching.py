"""`watch`: a training that is looked at while it runs."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from torch.nn import Module
from torch.optim import Optimizer

from wolfsbane.audit.allowance import is_finding_allowed
from wolfsbane.audit.finding import Finding
from wolfsbane.audit.findings import Findings
from wolfsbane.audit.registry import Chosen, chosen
from wolfsbane.audit.run.comments import without_hidden
from wolfsbane.audit.run.dispatch import Dispatch
from wolfsbane.audit.run.failure import failure_of
from wolfsbane.audit.run.registry import Registry
from wolfsbane.audit.run.sampling import Sampling, sampling_of
from wolfsbane.audit.run.session import Session
from wolfsbane.audit.run.switchboard import listening
from wolfsbane.errors import ArgumentTypeError

NOT_TRAINED = (
    "the model was not seen to train: it was not called, as a module and in the thread that began "
    "to watch, with gradients"
)


@contextmanager
def watch(
    model: Module,
    *,
    optimizer: Optimizer | None = None,
    loss: Module | Callable[..., Any] | None = None,
    rules: Chosen = None,
    sampling: Sampling | int | None = None,
) -> Iterator[Findings]:
    """Watch a model that trains in this block, and say what is wrong with it when the block ends.

    Nothing of the training changes: neither the weights nor any random number. An exception passes
    as it is, with what was found as a note.

    Args:
        model: the model. A compiled or parallel one is looked through.
        optimizer: whose steps count; by default those of any optimizer that has its parameters.
        loss: the loss, where it is a module of your own making; torch's own are recognised.
        rules: which rules, by code or class; by default all but opinions.
        sampling: look closely at every so many steps; by default at the first three, then ever
            fewer, down to one in 64. What is seen without a close look is seen in every step.

    Yields:
        The findings; empty until the block has ended.

    Raises:
        ArgumentTypeError: not a module, an optimizer, a loss, rules or a sampling.
        ArgumentError: a sampling that is not positive.

    Examples:
        >>> import torch
        >>> from torch import nn
        >>> from wolfsbane.audit import watch
        >>> model = nn.Sequential(nn.Linear(8, 8), nn.Dropout(0.3), nn.Linear(8, 2))
        >>> optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        >>> with watch(model) as findings:
        ...     for _ in range(3):
        ...         x, y = torch.randn(16, 8), torch.randint(2, (16,))
        ...         nn.functional.cross_entropy(model(x), y).backward()
        ...         optimizer.step()
        ...         optimizer.zero_grad()
        >>> print(findings)
        no findings
    """
    _check(model, optimizer, loss)
    registry, wanted = Registry([model]), chosen(rules)
    run = watched_run(registry, wanted, sampling_of(sampling), optimizer, loss)
    try:
        with run as findings:
            yield findings
        if not any(tracked.has_trained for tracked in registry):
            findings.notes.append(NOT_TRAINED)
    except Exception as error:
        if len(findings):
            error.add_note(f"wolfsbane found:\n{findings}")
        raise


@contextmanager
def watched_run(
    registry: Registry,
    rules: Chosen,
    sampling: Sampling,
    optimizer: Optimizer | None = None,
    loss: Module | Callable[..., Any] | None = None,
) -> Iterator[Findings]:
    """Watch a run's models; findings are filled in at the end, after an exception too."""
    findings = Findings()
    dispatch = Dispatch.of(chosen(rules))
    session = Session(dispatch, registry, sampling, optimizer, loss)
    is_complete = True
    try:
        with listening(session):
            yield findings
    except (Exception, KeyboardInterrupt) as error:
        is_complete = False
        if isinstance(error, Exception):
            dispatch.tell("on_failure", failure_of(error, session))
        raise
    finally:
        session.ends(is_complete=is_complete)
        registry.name_all()
        found = [each for each in dispatch.findings() if not _is_allowed(each, registry)]
        # A script that trains several models of a kind would be told the same of each.
        shown = dict.fromkeys(without_hidden(found))
        findings.extend(shown, dict.fromkeys(dispatch.notes))


def _is_allowed(finding: Finding, registry: Registry) -> bool:
    """Whether a finding is allowed where it is: in each of the models that have such a module."""
    path = finding.place.module
    models = [
        tracked.watched.model
        for tracked in registry
        if path is None or any(path in layer.paths for layer in tracked.watched.layers)
    ]
    return bool(models) and all(is_finding_allowed(model, finding) for model in models)


def _check(model: object, optimizer: object, loss: object) -> None:
    if not isinstance(model, Module):
        raise ArgumentTypeError(
            f"model has to be a torch.nn.Module, but got {model!r}. Pass the model itself"
        )
    if optimizer is not None and not isinstance(optimizer, Optimizer):
        raise ArgumentTypeError(
            f"optimizer has to be a torch.optim.Optimizer, but got {optimizer!r}. "
            "Leave it out, and any that trains the model counts"
        )
    if loss is not None and not callable(loss):
        raise ArgumentTypeError(
            f"loss has to be a module or a function, but got {loss!r}. Pass what computes the loss"
        )
