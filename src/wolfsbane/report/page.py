"""Pages: one HTML file that needs no network, light and dark, for phones too."""

from collections.abc import Sequence
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from wolfsbane.experiment.intervals import Verdict
from wolfsbane.report.drawing import Chart

_CSS_CLASSES = {Verdict.GAIN: "gain", Verdict.HARM: "harm", Verdict.NOTHING: "nothing"}


def render(template: str, **values: Any) -> str:
    """Return a template of this package, filled in; text in it is text and never markup."""
    environment = Environment(
        loader=PackageLoader("wolfsbane.report", "."), autoescape=True, undefined=StrictUndefined
    )
    return environment.get_template(template).render(**values)


def css_class(verdict: Verdict | None) -> str:
    """Return the style sheet's class of a verdict."""
    return "nothing" if verdict is None else _CSS_CLASSES[verdict]


def figures(found: Sequence[Chart]) -> list[dict[str, Any]]:
    """Return charts as the macro `panels` takes them."""
    # matplotlib escapes text, and titles are text: the SVG is safe to include as it is.
    return [
        {"title": chart.title, "svg": Markup(chart.svg), "description": chart.description}  # noqa: S704
        for chart in found
    ]
