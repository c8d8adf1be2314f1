"""Blocks go as JSON and come back the same."""

import json

import pytest

from learn.every_block import BLOCKS, CHART
from wolfsbane.learn.block_json import from_json, to_json
from wolfsbane.learn.blocks import KINDS, Series


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: type(block).__name__)
def test_a_block_comes_back_from_json_as_it_went(block):
    assert from_json(json.loads(json.dumps(to_json(block)))) == block


def test_there_is_a_block_of_each_kind_here():
    assert {type(block) for block in BLOCKS} == set(KINDS.values())


def test_of_a_number_that_is_not_finite_none_is_left():
    series = Series("loss", (1.0, 2.0), (float("nan"), float("inf")))
    given = to_json(type(CHART)("", "", "", "", (series,)))
    assert from_json(given).series[0].y == (None, None)
