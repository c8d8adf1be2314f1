"""Steps of the lesson, run as the page runs them, and what they have shown."""

import json
from importlib import import_module

from wolfsbane.learn import controls
from wolfsbane.learn.block_json import to_json
from wolfsbane.learn.blocks import Outcome
from wolfsbane.learn.workers.job import Limits
from wolfsbane.learn.workers.messages import line_of, read


def run_step(section, name, **given):
    """Return all blocks of a step, with its controls checked as the server checks them."""
    step = next(step for step in section.steps if step.name == name)
    module, function = step.task.split(":")
    task = getattr(import_module(f"wolfsbane.learn.experiments.{module}"), function)
    blocks = list(task(**controls.read(step.controls, given)))
    told = [to_json(block) for block in blocks]
    assert [read(line_of(each)) for each in told] == json.loads(json.dumps(told))
    written = sum(len(json.dumps(each)) for each in told)
    assert written < Limits().output * 100
    assert 0 <= outcome_of(blocks).choice < len(step.prediction.choices)
    return blocks


def all_of(blocks, key):
    return [block for block in blocks if getattr(block, "key", "") == key]


def last_of(blocks, key):
    return all_of(blocks, key)[-1]


def outcome_of(blocks):
    (outcome,) = [block for block in blocks if isinstance(block, Outcome)]
    return outcome


def series_of(chart, name):
    """Return the series of this name, else the one whose name begins with it."""
    exact = [series for series in chart.series if series.name == name]
    (found,) = exact or [series for series in chart.series if series.name.startswith(name)]
    return found


def texts_of(table, name):
    """Return the texts of the row with this name."""
    (row,) = [row for row in table.rows if row[0].text == name]
    return [cell.text for cell in row[1:]]


def marks_of(table, name):
    (row,) = [row for row in table.rows if row[0].text == name]
    return [cell.mark for cell in row[1:]]


def grows(charts):
    """Whether no chart shows less than the one before, and the last more than the first."""
    sizes = [sum(len(series.x) for series in chart.series) for chart in charts]
    return sizes == sorted(sizes) and sizes[0] < sizes[-1]
