"""The lesson's pages, filled in: everything that is known before a run. No torch."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version

from jinja2 import Environment, PackageLoader, StrictUndefined

from wolfsbane.audit.documentation import page_of
from wolfsbane.audit.registry import rule_of
from wolfsbane.learn.controls import Number, Options
from wolfsbane.learn.items import all_items
from wolfsbane.learn.lesson import Section
from wolfsbane.learn.page import markdown
from wolfsbane.learn.page.scrolling import scrolling
from wolfsbane.learn.page.static_files import StaticFile, static_file, static_names
from wolfsbane.learn.playground.contents import contents
from wolfsbane.learn.practice.item import Item, Repair, Topic
from wolfsbane.learn.sections import all_sections

__all__ = ["StaticFile", "render_page", "render_rule", "static_file"]

MOST_RADIOS = 3
"""More options than these are a list to choose from."""
FINEST_SLIDER = 100
"""More steps than these are too fine for a slider: the number is typed."""

SHORTEST_SAID = 2.0
"""Seconds; nobody needs to be told of a shorter run."""
SHORTEST_IN_MINUTES = 90.0
"""Seconds."""


@dataclass(frozen=True)
class Group:
    """The exercises on one topic."""

    topic: Topic
    items: tuple[Item, ...]


def render_page(
    sections: Sequence[Section] | None = None, items: Sequence[Item] | None = None
) -> str:
    """Return the lesson as one page of HTML: its sections, the playground, the exercises.

    Args:
        sections: None for all that there are.
        items: likewise.
    """
    sections = all_sections() if sections is None else sections
    items = all_items() if items is None else items
    return (
        _environment()
        .get_template("page.html.j2")
        .render(
            sections=sections,
            groups=_groups(items),
            items={item.name: item for item in items},
            next_items=dict(zip((item.name for item in items), items[1:], strict=False)),
            static_names=static_names(),
            has_playground="playground.html.j2" in _environment().list_templates(),
            playground=contents(),
            torch_version=version("torch").partition("+")[0],
        )
    )


def render_rule(code: str) -> str:
    """Return the page of one of the auditor's rules.

    Raises:
        ArgumentError: no rule has this code.
    """
    rule = rule_of(code)
    text = page_of(rule).markdown()
    content = markdown.paragraphs(text.partition("\n")[2], rules="")
    return _environment().get_template("rule.html.j2").render(rule=rule, content=content)


def _groups(items: Sequence[Item]) -> tuple[Group, ...]:
    by_topic = (Group(topic, tuple(i for i in items if i.topic is topic)) for topic in Topic)
    return tuple(group for group in by_topic if group.items)


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("wolfsbane.learn.page", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "paragraphs": markdown.paragraphs,
        "line": markdown.line,
        "program": scrolling,
        "rule_name": lambda code: rule_of(code).name,
        "duration": _duration,
        "sentence": lambda words: words[:1].upper() + words[1:],
    }
    environment.tests |= {
        "repair": lambda item: isinstance(item, Repair),
        "radios": _is_radios,
        "slider": _is_slider,
    }
    return environment


def _duration(seconds: float) -> str:
    if seconds < SHORTEST_SAID:
        return ""
    if seconds < SHORTEST_IN_MINUTES:
        return f"About {seconds:.0f} seconds, as set at first."
    return f"About {seconds / 60:.0f} minutes, as set at first."


def _is_radios(control: object) -> bool:
    return isinstance(control, Options) and len(control.options) <= MOST_RADIOS


def _is_slider(control: object) -> bool:
    return (
        isinstance(control, Number) and (control.high - control.low) / control.step <= FINEST_SLIDER
    )
