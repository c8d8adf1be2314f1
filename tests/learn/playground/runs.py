"""The blocks of a playground's run, as the page is left with them."""

from wolfsbane.learn import blocks
from wolfsbane.learn.playground.inspection import inspect
from wolfsbane.learn.playground.setup import read_setup
from wolfsbane.learn.playground.training import train

QUICK = {"num_examples": 64, "batch_size": 16, "epochs": 4, "width": 8}
"""A setup that trains in a tenth of a second."""


def last_of(run):
    """Return the newest block of each key, and those without a key, numbered."""
    return {getattr(block, "key", "") or number: block for number, block in enumerate(run)}


def inspected(**given):
    return last_of(inspect(**read_setup(given)))


def trained(**given):
    return last_of(train(**read_setup(given)))


def codes_of(shown):
    return {block.code for block in shown.values() if isinstance(block, blocks.Finding)}


def cells(table):
    """Return a table's cells, by the names of row and column."""
    return {
        (row[0].text, column): cell
        for row in table.rows
        for column, cell in zip(table.columns[1:], row[1:], strict=True)
    }
