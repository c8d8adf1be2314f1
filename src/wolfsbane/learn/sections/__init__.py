"""The lesson's sections, one a file, in the order of the page. No torch: what runs is named."""

from importlib import import_module

from wolfsbane.learn.lesson import Section

ORDER: tuple[str, ...] = (
    "memorising",
    "dropout",
    "rate",
    "batch_norm",
    "activations",
    "together",
    "dynamic_graph",
    "real_case",
    "mistakes",
)
"""Modules of this package, each with a `SECTION`."""


def all_sections() -> tuple[Section, ...]:
    """Return every section, in order."""
    return tuple(import_module(f"{__name__}.{module}").SECTION for module in ORDER)
