"""A rule's page, from its class docstring: what `wolfsbane explain` prints and docs/rules holds."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from wolfsbane.audit.finding import Channel
from wolfsbane.audit.rule import Example, Rule

WHAT, WHY, INVALID, VALID, IGNORE, REFERENCES = SECTIONS = (
    "What it does",
    "Why is this bad?",
    "Example",
    "Use instead",
    "When to ignore it",
    "References",
)
"""The sections of a rule's docstring, in order."""

HEADING = re.compile(r"^## (.+)$", re.MULTILINE)
CODE = re.compile(r"^```python(?: (\w+))?\n(.*?)^```", re.DOTALL | re.MULTILINE)
"""A program; a channel may be named behind `python`, else it is the rule's first."""


@dataclass(frozen=True)
class Page:
    """A rule's documentation.

    Args:
        rule: the rule.
        summary: the docstring's first sentence.
        sections: text by heading.
    """

    rule: type[Rule]
    summary: str
    sections: Mapping[str, str]

    @property
    def missing_sections(self) -> tuple[str, ...]:
        """The sections that are not there, or are empty."""
        return tuple(name for name in SECTIONS if not self.sections.get(name, "").strip())

    @property
    def examples(self) -> tuple[Example, ...]:
        """The programs under "Example", which are invalid, and "Use instead", which are valid."""
        return tuple(
            Example(
                code, Channel(channel) if channel else self.rule.channels()[0], heading == INVALID
            )
            for heading in (INVALID, VALID)
            for channel, code in CODE.findall(self.sections.get(heading, ""))
        )

    def markdown(self) -> str:
        """Return the page as Markdown."""
        rule = self.rule
        seen = ", ".join(channel.value for channel in rule.channels())
        state = "off by default" if rule.is_opinion() else "on by default"
        facts = f"Severity {rule.severity}; {state}; seen in: {seen}."
        head = f"# {rule.code} {rule.name}\n\n{self.summary}\n\n{facts}\n"
        parts = [f"\n## {name}\n\n{text.strip()}\n" for name, text in self.sections.items()]
        return CODE.sub(r"```python\n\2```", head + "".join(parts))


def page_of(rule: type[Rule]) -> Page:
    """Return a rule's page."""
    summary, *rest = HEADING.split(rule.text())
    return Page(rule, " ".join(summary.split()), dict(zip(rest[::2], rest[1::2], strict=True)))
