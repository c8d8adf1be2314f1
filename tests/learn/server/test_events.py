"""What is left of a run when its page has gone, or has heard all of it."""

import asyncio

from learn.server.lessons import PATIENCE, ThreadWorkers
from wolfsbane.learn.practice.progress import Done, ProgressFile
from wolfsbane.learn.server.asking import Asked
from wolfsbane.learn.server.events import Events
from wolfsbane.learn.server.runs import Runs
from wolfsbane.learn.workers.job import Job

MENDED = Asked(Job("practice.grading:grade_repair"), item="mend", program="mine")


def follow(path, asked, script, receive):
    """Stream a run to a page; return the registry, the run's name, the run."""
    progress = ProgressFile(path)
    workers = ThreadWorkers(script)

    async def send(message):
        assert message["type"].startswith("http.response.")

    async def stream():
        runs = Runs(workers)
        name = await runs.start(asked)
        await Events(runs.take(name), progress, lambda: runs.forget(name))({}, receive, send)
        workers.runs[0].cancelled.clear()
        await runs.cancel(name)
        return runs, name, workers.runs[0]

    return asyncio.run(asyncio.wait_for(stream(), PATIENCE))


async def stays():
    await asyncio.Event().wait()


async def goes():
    return {"type": "http.disconnect"}


def until_cancelled(run):
    assert run.cancelled.wait(PATIENCE)
    yield from ()


def test_a_run_that_is_over_is_forgotten_but_for_its_name(tmp_path):
    runs, name, run = follow(tmp_path / "progress.json", MENDED, lambda run: (), stays)
    assert runs.is_known(name)
    assert not run.cancelled.is_set()


def test_the_program_of_who_goes_away_is_kept(tmp_path):
    path = tmp_path / "progress.json"
    follow(path, MENDED, until_cancelled, goes)
    assert ProgressFile(path).read().of("mend") == Done(False, 1, "mine")


def test_a_question_without_an_answer_from_torch_is_no_attempt(tmp_path):
    path = tmp_path / "progress.json"
    asked = Asked(Job("practice.grading:grade_question"), item="welcome")
    follow(path, asked, until_cancelled, goes)
    assert ProgressFile(path).read().items == {}
