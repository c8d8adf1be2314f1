"""Events go to the observers of the rules; one that fails is dropped, and the run goes on."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch

from wolfsbane.audit.finding import Channel, Finding
from wolfsbane.audit.rule import Rule
from wolfsbane.audit.run.observer import Observer

EVENTS = (
    "on_forward", "on_layer", "on_operation", "on_mode", "on_step", "on_mode_gap", "on_failure",
)  # fmt: skip


@dataclass(eq=False)
class Dispatch:
    """The observers of one run.

    Args:
        observers: by the code of their rule; those that fail are taken out.
        notes: which were taken out, and why.
    """

    observers: dict[str, Observer]
    notes: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._hearers = {event: self._hearers_of(event) for event in EVENTS}

    @classmethod
    def of(cls, rules: Iterable[type[Rule]]) -> "Dispatch":
        """Return new observers of those rules that watch runs."""
        wanted = [rule for rule in rules if Channel.RUN in rule.channels()]
        made = {rule.code: rule().observer() for rule in wanted}
        return cls({code: observer for code, observer in made.items() if observer is not None})

    def is_heard(self, event: str) -> bool:
        """Whether any observer wants these events."""
        return bool(self._hearers[event])

    def tell(self, event: str, what: object) -> None:
        """Tell an event to those who want it, without a trace of theirs in the run."""
        hearers = self._hearers[event]
        if not hearers:
            return
        with unseen():
            for code in hearers:
                self._tried(code, getattr(self.observers[code], event), what)

    def findings(self) -> Iterator[Finding]:
        """Yield what the observers found."""
        for code in list(self.observers):
            with unseen():
                found = self._tried(code, lambda code=code: list(self.observers[code].findings()))
            yield from found or ()

    def _hearers_of(self, event: str) -> Sequence[str]:
        silent = getattr(Observer, event)
        return [
            code
            for code, observer in self.observers.items()
            if getattr(type(observer), event) is not silent
        ]

    def _tried(self, code: str, action: Callable[..., Any], *arguments: object) -> Any:
        try:
            return action(*arguments)
        except Exception as error:  # noqa: BLE001  # the user's run must not end by a rule's mistake
            self.notes.append(
                f"{code} was dropped: its observer raised {type(error).__name__}: {error}"
            )
            self._drop(code)
            return None

    def _drop(self, code: str) -> None:
        del self.observers[code]
        self._hearers = {event: self._hearers_of(event) for event in EVENTS}


class unseen:  # noqa: N801  # reads as torch.no_grad does
    """Compute without gradients, without being recorded, and without filling autocast's cache.

    A weight that autocast casts under no_grad and keeps would get no gradient later. A class,
    since a generator would cost more than many an event.
    """

    def __enter__(self) -> None:
        self._entered: list[Any] = [torch.no_grad(), torch._C.DisableTorchFunction()]  # noqa: SLF001  # no public switch
        kinds = [kind for kind in ("cpu", "cuda") if torch.is_autocast_enabled(kind)]
        self._entered += [torch.autocast(kind, enabled=False) for kind in kinds]
        for context in self._entered:
            context.__enter__()

    def __exit__(self, *raised: object) -> None:
        for context in reversed(self._entered):
            context.__exit__(None, None, None)
