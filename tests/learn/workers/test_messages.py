"""What a worker tells is a line each way; what is no message is refused, whoever wrote it."""

import json

import pytest

from learn.every_block import BLOCKS
from wolfsbane.learn.block_json import to_json
from wolfsbane.learn.blocks import Chart, End, Ended, Graded, Printed, Series, Text
from wolfsbane.learn.workers.messages import OUTPUT, READY, NotUnderstoodError, line_of, read
from wolfsbane.learn.workers.shapes import fits

MESSAGES = (
    to_json(Text("words", key="k")),
    to_json(Printed("print(1)", "1\n")),
    to_json(Chart("t", "d", "x", "y", (Series("s", (1.0, 2.0), (None, 3.0)),))),
    to_json(Graded(passed=True, said="s", measured="m", why="w")),
    to_json(Ended(End.FINISHED)),
    {"kind": READY},
    {"kind": OUTPUT, "text": "naïve \n"},
)


@pytest.mark.parametrize("message", MESSAGES, ids=lambda message: message["kind"])
def test_a_message_is_read_as_it_was_told(message):
    line = line_of(message)
    assert line.count(b"\n") == 1
    assert read(line) == message


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"junk",
        b"\xff",
        b"[]",
        b"1",
        b'{"text": "a"}',
        b'{"kind": ["text"], "text": "a", "key": ""}',
        b'{"kind": "unknown"}',
        b'{"kind": "text", "text": "a"}',
        b'{"kind": "text", "text": "a", "key": "", "more": 1}',
        b'{"kind": "text", "text": NaN, "key": ""}',
        b'{"kind": "ended", "end": "unheard-of", "text": "", "key": ""}',
        b'{"kind": "ended", "end": [], "text": "", "key": ""}',
        b'{"kind": "ended", "end": "finished", "text": 3, "key": ""}',
        b'{"kind": "output", "text": 3}',
        b"[" * 100_000,
        b'{"kind": "text", "text": {"a": 1}, "key": ""}',
        b'{"kind": "text", "text": "a", "key": []}',
        b'{"kind": "progress", "done": 1e999, "total": 1, "text": "", "key": ""}',
        b'{"kind": "progress", "done": true, "total": 1, "text": "", "key": ""}',
        b'{"kind": "table", "caption": "c", "columns": ["a"], "rows": 7, "key": ""}',
        b'{"kind": "table", "caption": "c", "columns": [], "rows": [["a"]], "key": ""}',
        b'{"kind": "ready", "more": 1}',
        b'{"kind": "text", "key": "", "text": ' + b"9" * 5_000 + b"}",
    ],
    ids=lambda line: line[:40].decode(errors="replace"),
)
def test_what_is_no_message_is_refused(line):
    with pytest.raises(NotUnderstoodError):
        read(line)


SERIES = {"name": "s", "x": [1, "a"], "y": [None, 2.5], "lower": [], "upper": []}
FITTING = (
    (Chart, {"y_range": None, "series": [{**SERIES, "drawn": "bars"}]}, True),
    (Chart, {"y_range": [0, 1.5], "series": []}, True),
    (Chart, {"y_range": [0, 1, 2]}, False),
    (Chart, {"y_range": [0, 10**400]}, False),
    (Chart, {"x_scale": "cubic"}, False),
    (Chart, {"series": [{**SERIES, "drawn": "spun"}]}, False),
    (Chart, {"series": [SERIES]}, False),
    (Graded, {"passed": 1}, False),
    (Graded, {"why": None}, False),
)


@pytest.mark.parametrize(("kind", "changed", "expected"), FITTING)
def test_a_block_fits_where_all_its_fields_do(kind, changed, expected):
    block = next(each for each in MESSAGES if each["kind"] == kind.__name__.lower())
    given = {name: each for name, each in block.items() if name != "kind"} | changed
    assert fits(kind, json.loads(json.dumps(given))) is expected


def test_half_a_character_becomes_one_that_can_be_sent_on():
    text = read(b'{"kind": "text", "text": "a\\ud800b", "key": ""}')["text"]
    assert text == "a?b"
    json.dumps(text, ensure_ascii=False).encode()


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: type(block).__name__)
def test_every_kind_of_block_gets_through(block):
    told = to_json(block)
    assert read(line_of(told)) == told
