"""Runs start at once, end when told to, and never leave a process behind."""

import os
import select
import signal
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from learn.workers.runs import GRADE_QUESTION, blocks_of, ours, printed_in, students
from skips import require
from wolfsbane.errors import UnsupportedError
from wolfsbane.learn.workers.job import Job, Limits
from wolfsbane.learn.workers.pool import BusyError, Workers

FOR_EVER = "while True:\n    pass\n"
WHO = "import os\nprint(os.getpid())\n"


@pytest.fixture(scope="module")
def workers():
    with closing(Workers()) as workers:
        yield workers


def test_a_process_of_ours_is_used_again(workers):
    first = printed_in(blocks_of(workers, ours(WHO)))
    assert printed_in(blocks_of(workers, ours(WHO))) == first


def test_a_process_is_not_used_again_after_a_cancelled_run(workers):
    before = printed_in(blocks_of(workers, ours(WHO)))
    run = workers.start(ours(FOR_EVER))
    run.cancel()
    assert [block["end"] for block in run.blocks()] == ["cancelled"]
    assert printed_in(blocks_of(workers, ours(WHO))) != before


def test_a_cancelled_runs_process_is_gone_at_once(workers, tmp_path):
    pipe = tmp_path / "pid"
    os.mkfifo(pipe)
    tells = f"import os\nwith open({str(pipe)!r}, 'w') as pipe:\n    pipe.write(str(os.getpid()))\n"
    run = workers.start(ours(tells + FOR_EVER))
    pid = int(pipe.read_text())
    os.kill(pid, 0)
    run.cancel()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_a_process_of_a_student_is_not_used_again(workers):
    first = printed_in(blocks_of(workers, students(WHO)))
    assert printed_in(blocks_of(workers, students(WHO))) != first


def test_too_much_time_is_said_of_our_own_too(workers):
    *_, ended = blocks_of(workers, ours(FOR_EVER, Limits(seconds=0.5)))
    assert (ended["end"], ended["text"]) == (
        "time",
        "Stopped after 0.5 seconds. Choose less work, and run again.",
    )


def test_an_error_of_ours_is_told_in_its_own_words(workers):
    *_, ended = blocks_of(workers, Job(GRADE_QUESTION, {"item": "none", "choice": 0}))
    assert ended["end"] == "failed"
    assert "no exercise is called 'none'" in ended["text"]


def test_a_fault_of_ours_is_said_to_be_ours(workers):
    *_, ended = blocks_of(workers, Job("wolfsbane.learn.practice.grading:nothing_such"))
    assert ended["end"] == "failed"
    assert ended["text"].startswith("The lesson itself failed here, not you: AttributeError")


def test_more_runs_than_may_be_are_refused_and_a_place_is_free_when_one_has_ended(workers):
    runs = [workers.start(students(FOR_EVER)) for _ in range(2)]
    with pytest.raises(BusyError, match="2 programs are running already"):
        workers.start(students(WHO))
    runs[0].cancel()
    list(runs[0].blocks())
    fresh = workers.start(students(WHO))
    for run in (runs[1], fresh):
        run.cancel()
        assert list(run.blocks())[-1]["end"] == "cancelled"


def test_experiments_and_programs_are_counted_apart(workers):
    runs = [workers.start(job(FOR_EVER)) for job in (ours, ours, students)]
    with pytest.raises(BusyError, match="2 experiments are running already"):
        workers.start(ours(WHO))
    for run in runs:
        run.cancel()
        list(run.blocks())


def test_closing_the_blocks_early_ends_the_run(workers):
    run = workers.start(ours("print(1)"))
    blocks = run.blocks()
    assert next(blocks)["kind"] == "printed"
    blocks.close()
    run.join()


def test_blocks_are_told_once(workers):
    run = workers.start(ours("print(1)"))
    list(run.blocks())
    with pytest.raises(UnsupportedError, match="can be had once"):
        run.blocks()


def test_cancelling_a_run_that_is_over_changes_nothing(workers):
    run = workers.start(ours(WHO))
    first = printed_in(run.blocks())
    run.cancel()
    assert printed_in(blocks_of(workers, ours(WHO))) == first


def test_a_process_that_died_while_it_waited_is_replaced(workers):
    pid = int(printed_in(blocks_of(workers, ours(WHO)))[0])
    os.kill(pid, signal.SIGKILL)
    output, _ = printed_in(blocks_of(workers, ours(WHO)))
    assert int(output) != pid


def test_a_run_cancelled_before_its_process_is_warm_ends_as_cancelled():
    with closing(Workers()) as cold:
        runs = [cold.start(job(WHO)) for job in (ours, students)]
        for run in runs:
            run.cancel()
        assert [list(run.blocks())[-1]["end"] for run in runs] == ["cancelled", "cancelled"]


def test_closing_ends_all_runs_and_starts_no_more():
    cold = Workers()
    runs = [cold.start(job(FOR_EVER)) for job in (ours, students)]
    cold.close()
    assert [list(run.blocks())[-1]["end"] for run in runs] == ["cancelled", "cancelled"]
    with pytest.raises(UnsupportedError, match="is closing"):
        cold.start(ours(WHO))


def test_a_process_that_cannot_start_is_explained(monkeypatch, tmp_path):
    (tmp_path / "torch.py").write_text("raise ImportError('a broken torch')\n")
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path}{os.pathsep}{os.environ.get('PYTHONPATH', '')}")
    with closing(Workers()) as broken:
        (ended,) = blocks_of(broken, ours(WHO))
    assert ended["end"] == "crashed"
    assert "a broken torch" in ended["text"]


def test_a_machine_that_starts_no_process_is_busy(monkeypatch):
    with closing(Workers(are_warmed=False)) as cold:
        monkeypatch.setattr(sys, "executable", "/nowhere/python")
        with pytest.raises(BusyError, match="cannot start a process now: No such file"):
            cold.start(ours(WHO))


PARENT = """\
import sys
from wolfsbane.learn.workers.pool import Workers
workers = Workers()
try:
    print("torch" in sys.modules or "numpy" in sys.modules, flush=True)
    input()
except KeyboardInterrupt:
    workers.close()
"""


@pytest.fixture
def parent():
    """Start a process with workers of its own, in a session of its own."""
    process = subprocess.Popen(
        [sys.executable, "-c", PARENT],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    with process:
        yield process
        process.kill()


def test_what_starts_workers_does_not_import_torch(parent):
    assert parent.stdout.readline() == "False\n"


def test_workers_die_with_their_parent(parent):
    require(hasattr(os, "pidfd_open"), "os.pidfd_open, to see the end of another's process")
    parent.stdout.readline()
    children = [
        int(child)
        for task in Path(f"/proc/{parent.pid}/task").iterdir()
        for child in (task / "children").read_text().split()
    ]
    assert len(children) == 3  # One of each kind, and their keeper.
    ends = [os.pidfd_open(child) for child in children]
    parent.kill()
    for end in ends:
        assert select.select([end], [], [], 120)[0]
        os.close(end)


def test_ctrl_c_prints_nothing_from_workers(parent):
    parent.stdout.readline()
    os.killpg(parent.pid, signal.SIGINT)
    assert parent.communicate() == ("", "")
    assert parent.returncode == 0
