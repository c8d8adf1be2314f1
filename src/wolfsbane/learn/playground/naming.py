"""What is said of a setup and its mistake, and of what the auditor found."""

from collections.abc import Iterator
from dataclasses import fields

from wolfsbane.audit.finding import Finding
from wolfsbane.learn import blocks
from wolfsbane.learn.playground.mistakes import find_mistake
from wolfsbane.learn.playground.setup import CONTROLS, Setup
from wolfsbane.learn.practice.found import as_block, line_of

LABELS = {control.name: control.label for control in CONTROLS} | {"order": "Order of the layers"}


def introduction(setup: Setup) -> Iterator[blocks.Text]:
    """Yield what the setup's mistake is, what to watch, and what was changed so that it can be."""
    mistake = find_mistake(setup.mistake)
    if mistake is None:
        return
    text = f"**Broken on purpose: {mistake.title}.** {mistake.watch}"
    changes = list(_changes(setup, mistake.needs(setup)))
    if changes:
        text += f" So that the mistake can be made at all, this was set: {'; '.join(changes)}."
    yield blocks.Text(text, "mistake")


def _changes(setup: Setup, needed: Setup) -> Iterator[str]:
    for field in fields(Setup):
        before, now = getattr(setup, field.name), getattr(needed, field.name)
        if before != now:
            shown = ", ".join(now) if isinstance(now, tuple) else now
            yield f"{LABELS[field.name]}: {shown}"


def named(finding: Finding) -> blocks.Finding:
    """Return what the auditor found as the page shows it; each code and line once."""
    line = line_of(finding)
    return as_block(finding, f"finding-{finding.code}-{line or finding.place.module}")
