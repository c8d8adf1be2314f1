"""Runs over a real socket: streamed once, cancelled when nobody listens, noted when graded."""

import json
import threading

import httpx
import pytest

from learn.server.lessons import PATIENCE, served
from wolfsbane.learn.items import all_items
from wolfsbane.learn.practice.item import Question, Repair
from wolfsbane.learn.practice.progress import Done

PROGRAM = {"kind": "program", "program": "print(1)"}
QUESTION = next(item.name for item in all_items() if isinstance(item, Question))
REPAIR = next(item.name for item in all_items() if isinstance(item, Repair))
ENDED = {"kind": "ended", "end": "finished", "text": "", "key": ""}


def text(words):
    return {"kind": "text", "text": words, "key": ""}


def graded(passed):
    def script(run):
        yield {"kind": "graded", "passed": passed, "key": ""}

    return script


def until_cancelled(run):
    yield text("going")
    assert run.cancelled.wait(PATIENCE)


def blocks(events):
    return [json.loads(event) for event in events]


def test_blocks_come_in_order_and_the_last_is_ended(tmp_path):
    with served(tmp_path, lambda run: map(text, "abc")) as lesson:
        run = lesson.run(**PROGRAM)
        assert blocks(lesson.events(run)) == [*map(text, "abc"), ENDED]


def test_the_job_is_what_was_asked_for(tmp_path):
    with served(tmp_path) as lesson:
        lesson.run(**PROGRAM)
        (run,) = lesson.workers.runs
    assert run.job.task == "practice.grading:run_program"
    assert run.job.arguments == {"program": "print(1)"}


def test_no_text_can_end_a_message(tmp_path):
    words = "data: a\n\nevent: b\r\rdata: c\u2028</script>\x85"
    with served(tmp_path, lambda run: [text(words)]) as lesson:
        events = lesson.events(lesson.run(**PROGRAM))
    assert blocks(events) == [text(words), ENDED]


def test_blocks_are_sent_as_soon_as_they_are_there(tmp_path):
    was_read = threading.Event()

    def script(run):
        yield text("first")
        assert was_read.wait(PATIENCE)
        yield text("second")

    with served(tmp_path, script) as lesson, lesson.listening(lesson.run(**PROGRAM)) as lines:
        assert "first" in next(line for line in lines if line)
        was_read.set()
        assert "second" in next(line for line in lines if line)
        assert "ended" in next(line for line in lines if line)


def test_a_silent_run_gives_signs_of_life(tmp_path):
    was_read = threading.Event()

    def script(run):
        assert was_read.wait(PATIENCE)
        yield text("at last")

    with served(tmp_path, script, heartbeat=0.01) as lesson:
        run = lesson.run(**PROGRAM)
        with lesson.listening(run) as lines:
            assert next(line for line in lines if line) == ": still here"
            was_read.set()
            data = [line for line in lines if line.startswith("data:")]
    assert "at last" in data[0]
    assert len(data) == 2


def test_a_run_is_streamed_once_and_a_browser_that_comes_again_is_told_to_stop(tmp_path):
    with served(tmp_path, lambda run: [text("once")]) as lesson:
        run = lesson.run(**PROGRAM)
        lesson.events(run)
        again = lesson.get(f"{run}/events")
        assert (again.status_code, again.content) == (204, b"")
        assert len(lesson.workers.runs) == 1


def test_a_second_listener_does_not_disturb_the_first(tmp_path):
    with served(tmp_path, until_cancelled) as lesson:
        run = lesson.run(**PROGRAM)
        with lesson.listening(run) as lines:
            assert "going" in next(line for line in lines if line)
            assert lesson.get(f"{run}/events").status_code == 204
            assert not lesson.workers.runs[0].cancelled.is_set()


def test_to_ask_for_the_headers_does_not_take_the_run(tmp_path):
    with served(tmp_path, lambda run: [text("here")]) as lesson:
        run = lesson.run(**PROGRAM)
        httpx.head(f"{lesson.address.url}{run}/events", trust_env=False, timeout=PATIENCE)
        assert blocks(lesson.events(run)) == [text("here"), ENDED]


def test_a_run_that_nobody_knows_is_not_there(tmp_path):
    with served(tmp_path) as lesson:
        assert lesson.get("runs/guess/events").status_code == 404
        assert lesson.post("runs/guess/cancel").status_code == 404


def test_cancel_ends_a_run_and_the_listener_is_told(tmp_path):
    with served(tmp_path, until_cancelled) as lesson:
        run = lesson.run(**PROGRAM)
        with lesson.listening(run) as lines:
            assert "going" in next(line for line in lines if line)
            assert lesson.post(f"{run}/cancel").status_code == 204
            last = [line for line in lines if line][-1]
        assert json.loads(last.removeprefix("data: "))["end"] == "cancelled"
        assert lesson.post(f"{run}/cancel").status_code == 204


def test_a_run_may_be_cancelled_before_anyone_listens(tmp_path):
    with served(tmp_path, until_cancelled) as lesson:
        run = lesson.run(**PROGRAM)
        assert lesson.post(f"{run}/cancel").status_code == 204
        assert blocks(lesson.events(run))[-1]["end"] == "cancelled"


def test_who_goes_away_cancels_the_run(tmp_path):
    with served(tmp_path, until_cancelled) as lesson:
        with lesson.listening(lesson.run(**PROGRAM)) as lines:
            assert "going" in next(line for line in lines if line)
        assert lesson.workers.runs[0].cancelled.wait(PATIENCE)


def test_a_run_that_nobody_comes_for_is_cancelled(tmp_path):
    with served(tmp_path, until_cancelled, fetched_within=0.0) as lesson:
        run = lesson.run(**PROGRAM)
        assert lesson.workers.runs[0].cancelled.wait(PATIENCE)
        assert lesson.get(f"{run}/events").status_code == 204


def test_too_many_runs_are_refused_in_the_workers_words(tmp_path):
    with served(tmp_path, most=1) as lesson:
        lesson.run(**PROGRAM)
        answer = lesson.post("runs", PROGRAM)
    assert answer.status_code == 429
    assert answer.json() == {"error": "1 runs are going. Cancel one first"}


def test_a_run_that_breaks_off_is_ended_for_the_page_too(tmp_path):
    class Broken:
        def blocks(self):
            yield text("half")

        def cancel(self):
            pass

    with served(tmp_path) as lesson:
        lesson.workers.start = lambda job: Broken()
        events = blocks(lesson.events(lesson.run(**PROGRAM)))
    assert [block["kind"] for block in events] == ["text", "ended"]
    assert events[1]["end"] == "crashed"
    assert "Run it again" in events[1]["text"]


@pytest.mark.parametrize("passed", [True, False])
def test_a_graded_question_is_noted_before_the_page_is_told(tmp_path, passed):
    with served(tmp_path, graded(passed)) as lesson:
        run = lesson.run(kind="question", item=QUESTION, choice=0)
        with lesson.listening(run) as lines:
            assert "graded" in next(line for line in lines if line)
            noted = lesson.get("progress").json()["items"]
    assert noted == {QUESTION: {"passed": passed, "attempts": 1, "program": None}}


def test_a_repairs_program_is_kept(tmp_path):
    with served(tmp_path, graded(False)) as lesson:
        lesson.events(lesson.run(kind="repair", item=REPAIR, program="mine"))
        assert lesson.progress.read().of(REPAIR) == Done(False, 1, "mine")


def test_a_repair_that_comes_to_no_grade_is_kept_and_is_one_attempt(tmp_path):
    with served(tmp_path, lambda run: [text("it hung")]) as lesson:
        lesson.events(lesson.run(kind="repair", item=REPAIR, program="while True: pass"))
        assert lesson.progress.read().of(REPAIR) == Done(False, 1, "while True: pass")


def test_a_program_that_belongs_to_no_exercise_is_not_noted(tmp_path):
    with served(tmp_path, graded(True)) as lesson:
        lesson.events(lesson.run(**PROGRAM))
        assert lesson.get("progress").json() == {"items": {}}


def test_where_progress_cannot_be_saved_the_student_is_told_and_the_answer_comes(tmp_path):
    with served(tmp_path, graded(True)) as lesson:
        lesson.progress.path.mkdir()
        run = lesson.run(kind="question", item=QUESTION, choice=0)
        told, answer, _ = blocks(lesson.events(run))
    assert told["text"].startswith("Your progress could not be saved: ")
    assert answer["kind"] == "graded"


def test_the_servers_end_ends_runs_and_their_listeners(tmp_path):
    with served(tmp_path, until_cancelled) as lesson:
        with lesson.listening(lesson.run(**PROGRAM)) as lines:
            assert "going" in next(line for line in lines if line)
            lesson.server.should_exit = True
            last = [line for line in lines if line][-1]
        assert json.loads(last.removeprefix("data: "))["end"] == "cancelled"
        assert lesson.workers.is_closed


MISTAKES = {
    "no JSON": b"{",
    "no text": b"\xff",
    "no number": b'{"kind": NaN}',
    "deep": b"[" * 60_000,
    "a number of many digits": b"9" * 60_000,
    "nothing": b"",
    "unknown kind": b'{"kind": "shell"}',
}


@pytest.mark.parametrize("body", MISTAKES.values(), ids=MISTAKES)
def test_what_cannot_be_run_is_refused_in_one_sentence(tmp_path, body):
    with served(tmp_path) as lesson:
        headers = {**lesson.own, "content-type": "application/json"}
        url = f"{lesson.address.url}runs"
        answer = httpx.post(url, content=body, headers=headers, trust_env=False)
        assert answer.status_code == 400
        assert len(answer.json()["error"].splitlines()) == 1
        assert not lesson.workers.runs
