"""What the terminal asks of workers for an answer is what the page asks."""

import pytest

from wolfsbane.learn.items import find_item
from wolfsbane.learn.practice.attempts import attempt
from wolfsbane.learn.practice.progress import Done, ProgressFile
from wolfsbane.learn.server.asking import read_request
from wolfsbane.learn.workers.job import STUDENTS_LIMITS


class AskedError(Exception):
    """The job of a run, which is not begun."""


class Refuses:
    def start(self, job):
        raise AskedError(job)


@pytest.mark.parametrize(
    ("name", "answer", "request_of_page"),
    [
        ("welcome", 0, {"kind": "question", "choice": 0}),
        ("dropout-discarded", "pass", {"kind": "repair", "program": "pass"}),
    ],
)
def test_page_and_terminal_ask_for_the_same(tmp_path, name, answer, request_of_page):
    progress = ProgressFile(tmp_path / "progress.json")
    with pytest.raises(AskedError) as caught:
        attempt(Refuses(), progress, find_item(name), answer, show=None)
    (job,) = caught.value.args
    assert job == read_request({**request_of_page, "item": name}).job
    assert job.is_confined == isinstance(answer, str)
    assert (job.limits == STUDENTS_LIMITS) == isinstance(answer, str)
    assert progress.read().of(name) == Done()
