"""A rule's page, from its class docstring: what `wolfsbane explain` prints and docs/rules holds."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from wolfsbane.audit.finding import Channel
from wolfsbane.audit.rule import Example, Rule
from wolfsbane.audit.source.check import check_source

WHAT, WHY, INVALID, VALID, IGNORE, REFERENCES = SECTIONS = (
    "What it does",
    "Why is this bad?",
    "Example",
    "Use instead",
    "When to ignore it",
    "References",
)
"""The sections of a rule's docstring, in order."""

OPTIONS = {"safe": "--fix", "unsafe": "--fix --unsafe-fixes"}
"""What `wolfsbane check` has to be told for a fix."""

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
        facts = f"{self._facts()}\n\n{self._hiding()}"
        head = f"# {rule.code} {rule.name}\n\n{self.summary}\n\n{facts}\n"
        parts = [f"\n## {name}\n\n{text.strip()}\n" for name, text in self.sections.items()]
        return CODE.sub(r"```python\n\2```", head + "".join(parts))

    @property
    def fix(self) -> str | None:
        """What fixes the rule offers for its own examples: "safe", "unsafe", or None."""
        fixes = [
            finding.fix
            for example in (*self.examples, *self.rule.examples)
            if example.channel is Channel.SOURCE and example.is_invalid
            for finding in check_source(example.code, rules=[self.rule])
            if finding.fix
        ]
        if not fixes:
            return None
        return "safe" if any(fix.is_safe for fix in fixes) else "unsafe"

    def _facts(self) -> str:
        rule = self.rule
        facts = [f"Severity {rule.severity}", f"{'off' if rule.is_opinion() else 'on'} by default"]
        facts.append(f"seen in: {', '.join(channel.value for channel in rule.channels())}")
        if self.fix:
            facts.append(f"fix: `{OPTIONS[self.fix]}`")
        return "; ".join(facts) + "."

    def _hiding(self) -> str:
        """Say how one finding is hidden."""
        channels = self.rule.channels()
        in_text = f"`# noqa: {self.rule.code}`"
        in_model = f'`audit.allow(module, "{self.rule.code}", reason="...")`'
        if Channel.SOURCE not in channels:
            return f"Hidden by {in_model}."
        if channels == (Channel.SOURCE,):
            return f"Hidden by {in_text}."
        return f"Hidden by {in_text}, in a model or a run by {in_model}."


def page_of(rule: type[Rule]) -> Page:
    """Return a rule's page."""
    summary, *rest = HEADING.split(rule.text())
    return Page(rule, " ".join(summary.split()), dict(zip(rest[::2], rest[1::2], strict=True)))
