"""What a rule is. Each file in `rules` holds one; `registry` finds it there.

A rule says which defect it knows, through which channels it sees it, and explains itself: its
class docstring is its page, and its examples are its tests.
"""

import inspect
from abc import ABC
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from wolfsbane.audit.finding import Channel, Finding, Fix, Place, Severity

if TYPE_CHECKING:  # None of these is needed before a channel runs.
    from wolfsbane.audit.model.view import ModelView
    from wolfsbane.audit.run.observer import Observer
    from wolfsbane.audit.source.file import Source


@dataclass(frozen=True)
class Example:
    """A program in which a rule finds its defect (`is_invalid`), or must not find anything.

    Args:
        code: the program. For the model channel it leaves behind `model`, and perhaps
            `example_inputs`, `loss`, `optimizer`, `loader`, which are check_model's arguments. For
            the run channel it trains as a script would.
        channel: which channel is tried on it.
        is_invalid: whether it has the defect.
    """

    code: str
    channel: Channel
    is_invalid: bool


class Rule(ABC):
    """A defect that can be recognised.

    A subclass sets `code`, `name`, `severity`, `examples`, has a docstring in sections (see
    `documentation`), and overrides at least one of `check_source`, `check_model`, `observer`.
    A rule's file imports no torch when it is imported.
    """

    code: ClassVar[str]
    """WB and three digits: 1xx dropout, 2xx mode, 3xx batch norm, 4xx activation and loss, 9xx
    opinions, which are off unless selected."""
    name: ClassVar[str]
    """The defect in words, joined by hyphens: dropout-always-on."""
    severity: ClassVar[Severity]
    examples: ClassVar[tuple[Example, ...]] = ()
    """Beyond those in the docstring."""

    def check_source(self, source: "Source") -> Iterator[Finding]:  # noqa: ARG002
        """Find the defect in a program's text."""
        return iter(())

    def check_model(self, model: "ModelView") -> Iterator[Finding]:  # noqa: ARG002
        """Find the defect in a model that exists: its modules, and its operations where known."""
        return iter(())

    def observer(self) -> "Observer | None":
        """Return something that watches one run and then tells what it found."""
        return None

    @classmethod
    def channels(cls) -> tuple[Channel, ...]:
        """The channels through which this rule sees its defect."""
        methods = {
            Channel.SOURCE: (cls.check_source, Rule.check_source),
            Channel.MODEL: (cls.check_model, Rule.check_model),
            Channel.RUN: (cls.observer, Rule.observer),
        }
        return tuple(channel for channel, (own, base) in methods.items() if own is not base)

    @classmethod
    def is_opinion(cls) -> bool:
        """Whether the rule is off unless it is selected."""
        return cls.code.startswith("WB9")

    @classmethod
    def text(cls) -> str:
        """The docstring, without its indentation."""
        return inspect.cleandoc(cls.__doc__ or "")

    @classmethod
    def found(
        cls,
        channel: Channel,
        place: Place,
        message: str,
        help: str,
        *,
        fix: Fix | None = None,
        related: tuple[tuple[Place, str], ...] = (),
        severity: Severity | None = None,
    ) -> Finding:
        """Return a finding of this rule; `severity` only where it differs from the rule's."""
        severity = cls.severity if severity is None else severity
        return Finding(
            cls.code, cls.name, severity, channel, message, help, place, related=related, fix=fix
        )
