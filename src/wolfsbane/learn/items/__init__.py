"""The exercises, one a file, in the order in which they are done."""

from importlib import import_module

from wolfsbane.errors import ArgumentError
from wolfsbane.learn.practice.item import Item

TOPICS = ("dropout", "norm", "activation", "together")
"""Packages of items; each lists its modules, in order, in `ORDER`."""


def all_items() -> tuple[Item, ...]:
    """Return every item, in order."""
    return tuple(
        import_module(f"{__name__}.{topic}.{module}").ITEM
        for topic in TOPICS
        for module in import_module(f"{__name__}.{topic}").ORDER
    )


def find_item(name: str) -> Item:
    """Return the item with this name.

    Raises:
        ArgumentError: there is none.
    """
    for item in all_items():
        if item.name == name:
            return item
    raise ArgumentError(f"no exercise is called {name!r}. `wolfsbane practice --list` names all")
