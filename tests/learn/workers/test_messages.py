"""What a worker tells is a line each way; what is no message is refused, whoever wrote it."""

import json

import pytest

from wolfsbane.learn.blocks import Chart, End, Ended, Graded, Printed, Series, Text, to_json
from wolfsbane.learn.workers.messages import OUTPUT, READY, NotUnderstoodError, line_of, read

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
        b'{"kind": "text", "key": "", "text": ' + b"9" * 5_000 + b"}",
    ],
    ids=lambda line: line[:40].decode(errors="replace"),
)
def test_what_is_no_message_is_refused(line):
    with pytest.raises(NotUnderstoodError):
        read(line)


def test_half_a_character_becomes_one_that_can_be_sent_on():
    text = read(b'{"kind": "text", "text": "a\\ud800b", "key": ""}')["text"]
    assert text == "a?b"
    json.dumps(text, ensure_ascii=False).encode()
