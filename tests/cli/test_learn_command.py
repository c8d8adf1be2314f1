"""`wolfsbane learn` as a student meets it: a real process, its workers, a real port."""

import json
import os
import re
import select
import signal
import subprocess
import sys
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path

import httpx
import pytest

from skips import require
from wolfsbane.learn.practice.progress import ProgressFile
from wolfsbane.learn.server.ports import listen

PATIENCE = 60
"""Seconds after which a test gives up."""

ADDRESS = re.compile(r"The lesson is at (http://127\.0\.0\.1:(\d+)/[\w-]{32}/)  \(Ctrl-C ends it\)")


def command(*arguments):
    return [sys.executable, "-m", "wolfsbane", "learn", *map(str, arguments)]


def ran(*arguments):
    return subprocess.run(
        command(*arguments), capture_output=True, text=True, timeout=PATIENCE, check=False
    )


class Lesson:
    """A lesson that was started."""

    def __init__(self, process):
        self.process = process
        self.lines = []
        while not self.lines or not (found := ADDRESS.fullmatch(self.lines[-1])):
            line = process.stdout.readline()
            assert line, process.stderr.read()
            self.lines.append(line.rstrip("\n"))
        self.url = found[1]
        self.port = int(found[2])

    def get(self, path=""):
        return httpx.get(self.url + path, trust_env=False, timeout=PATIENCE)

    def run(self, **request):
        headers = {"origin": f"http://127.0.0.1:{self.port}"}
        url = f"{self.url}runs"
        answer = httpx.post(url, json=request, headers=headers, trust_env=False, timeout=PATIENCE)
        assert answer.status_code == 202, answer.text
        return f"runs/{answer.json()['run']}"

    @contextmanager
    def listening(self, run):
        """Yield an iterator over a run's blocks, once the server sends them."""
        url = f"{self.url}{run}/events"
        with httpx.stream("GET", url, trust_env=False, timeout=PATIENCE) as answer:
            data = (line for line in answer.iter_lines() if line.startswith("data: "))
            yield (json.loads(line.removeprefix("data: ")) for line in data)

    def blocks(self, run):
        """Return all of a run's blocks."""
        with self.listening(run) as blocks:
            return list(blocks)

    def end(self):
        """Return what was printed after the address, and as errors, once the process has ended."""
        return self.process.communicate(timeout=PATIENCE)


@contextmanager
def started(folder, *arguments, **environment):
    """Start a lesson, in a group of processes of its own as a terminal does."""
    arguments = ("--progress", folder / "progress.json", *arguments)
    with subprocess.Popen(
        command(*arguments),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        env={**os.environ, **environment},
    ) as process:
        try:
            yield Lesson(process)
        finally:
            if process.poll() is None:
                process.terminate()


QUIET = ("--no-browser", "--port", 0)


@pytest.fixture(scope="module")
def lesson(tmp_path_factory):
    with started(tmp_path_factory.mktemp("lesson"), *QUIET) as running:
        running.folder = Path(running.process.args[running.process.args.index("--progress") + 1])
        yield running


def test_the_address_is_printed_once_it_answers(lesson):
    assert lesson.get().status_code == 200
    assert lesson.lines == [f"The lesson is at {lesson.url}  (Ctrl-C ends it)"]


def test_the_server_has_no_torch(lesson):
    maps = Path(f"/proc/{lesson.process.pid}/maps")
    require(maps.exists(), "/proc, which says what a process has loaded")
    assert lesson.get("rules/WB201").status_code == 200
    assert "libtorch" not in maps.read_text()


def test_a_program_is_run(lesson):
    program = "import torch\nprint(int(torch.tensor([6]) * 7))"
    blocks = lesson.blocks(lesson.run(kind="program", program=program))
    printed = [block for block in blocks if block["kind"] == "printed"]
    assert printed[-1]["output"].strip() == "42"
    assert blocks[-1]["end"] == "finished"


def test_an_answer_is_graded_and_kept(lesson):
    passed = []
    for choice in range(2):
        blocks = lesson.blocks(lesson.run(kind="question", item="welcome", choice=choice))
        passed += [block["passed"] for block in blocks if block["kind"] == "graded"]
    assert sorted(passed) == [False, True]
    done = ProgressFile(lesson.folder).read().of("welcome")
    assert (done.passed, done.attempts) == (True, 2)


def test_a_taken_port_leads_to_the_next_free_one(tmp_path):
    with closing(listen(0)) as taken:
        port = taken.getsockname()[1]
        with started(tmp_path, "--no-browser", "--port", port) as lesson:
            assert lesson.port > port
            assert lesson.lines[0] == f"Port {port} is taken; this is port {lesson.port}."
            assert lesson.get().status_code == 200


def children(pid):
    found = []
    with suppress(FileNotFoundError, ProcessLookupError):  # It, or a thread of it, has ended.
        for task in Path(f"/proc/{pid}/task").iterdir():
            found += map(int, (task / "children").read_text().split())
    return [*found, *(further for child in found for further in children(child))]


@contextmanager
def workers_watched(lesson):
    """Check that every process that the lesson has started ends with it."""
    kernel = Path("/proc/self/task") / str(os.getpid()) / "children"
    require(kernel.exists() and hasattr(os, "pidfd_open"), "/proc and pidfd_open of Linux")
    with ExitStack() as stack:
        handles = []
        for child in children(lesson.process.pid):
            with suppress(ProcessLookupError):
                handles.append(os.pidfd_open(child))
                stack.callback(os.close, handles[-1])
        assert handles
        yield
        for handle in handles:
            assert select.select([handle], [], [], PATIENCE)[0], "a worker is left"


def ends(lesson, send):
    """Send a signal while a run is going; return what is left to read, once all has ended."""
    run = lesson.run(kind="program", program="while True: pass")
    with lesson.listening(run) as blocks, workers_watched(lesson):
        send()
        return list(blocks)[-1], lesson.end()


def test_ctrl_c_ends_the_lesson_its_runs_and_its_workers(tmp_path):
    with started(tmp_path, *QUIET) as lesson:
        # A terminal sends it to the whole group.
        group = lesson.process.pid
        last, printed = ends(lesson, lambda: os.killpg(group, signal.SIGINT))
    assert last["end"] == "cancelled"
    assert printed == ("The lesson has ended.\n", "")
    assert lesson.process.returncode == 0


@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP"])
def test_other_signals_end_it_as_cleanly(tmp_path, name):
    with started(tmp_path, *QUIET) as lesson:
        number = getattr(signal, name)
        last, printed = ends(lesson, lambda: lesson.process.send_signal(number))
    assert last["end"] == "cancelled"
    assert printed == ("The lesson has ended.\n", "")
    assert lesson.process.returncode == 0


def test_workers_end_with_a_server_that_is_killed(tmp_path):
    with started(tmp_path, *QUIET) as lesson, workers_watched(lesson):
        lesson.process.kill()
        lesson.end()


def test_the_browser_is_sent_to_the_address(tmp_path):
    require(hasattr(os, "mkfifo"), "named pipes")
    told = tmp_path / "told"
    os.mkfifo(told)
    browser = tmp_path / "browser"
    browser.write_text(f'#!/bin/sh\necho "$1" > {told}\n')
    browser.chmod(0o755)
    reading = os.open(told, os.O_RDONLY | os.O_NONBLOCK)
    with os.fdopen(reading) as pipe, started(tmp_path, "--port", 0, BROWSER=f"{browser} %s") as one:
        assert select.select([reading], [], [], PATIENCE)[0]
        assert pipe.readline() == f"{one.url}\n"


def test_no_browser_opens_none(tmp_path):
    opened = tmp_path / "opened"
    browser = tmp_path / "browser"
    browser.write_text(f"#!/bin/sh\ntouch {opened}\n")
    browser.chmod(0o755)
    with started(tmp_path, *QUIET, BROWSER=f"{browser} %s") as lesson:
        assert lesson.get().status_code == 200
        lesson.process.terminate()
        lesson.end()
    assert not opened.exists()


def test_progress_of_a_newer_wolfsbane_is_told_before_anything_starts(tmp_path):
    file = tmp_path / "progress.json"
    file.write_text('{"format": 2, "items": {}}')
    done = ran(*QUIET, "--progress", file)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        f"wolfsbane: {file} is of a newer wolfsbane. Update wolfsbane, or give another file with "
        "--progress\n"
    )


def test_a_folder_as_progress_is_told_in_one_line(tmp_path):
    done = ran(*QUIET, "--progress", tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        f"wolfsbane: {tmp_path}: Is a directory. What you have done cannot be kept there; name "
        "another file with --progress FILE\n"
    )


def test_a_damaged_progress_file_is_kept_and_the_lesson_starts(tmp_path):
    (tmp_path / "progress.json").write_text("half of it")
    with started(tmp_path, *QUIET) as lesson:
        assert lesson.get("progress").json() == {"items": {}}
        lesson.process.terminate()
        _, errors = lesson.end()
    assert (tmp_path / "progress.json.damaged-1").read_text() == "half of it"
    assert len(errors.splitlines()) == 1
    assert "is damaged; it is kept as" in errors


def test_help_has_examples():
    done = ran("--help")
    assert done.returncode == 0
    for words in ("--port", "--no-browser", "--progress", "Examples", "Ctrl-C ends it"):
        assert words in done.stdout


@pytest.mark.parametrize("port", [-1, 65536, "http"])
def test_a_port_that_is_none_is_refused(port):
    assert ran("--port", port).returncode == 2


def test_a_missing_package_names_the_extra():
    code = (
        "import sys; sys.argv = ['wolfsbane', 'learn']; sys.modules['starlette'] = None\n"
        "from wolfsbane.cli import main\n"
        "main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=PATIENCE, check=False
    )
    assert done.returncode == 2
    assert done.stderr == (
        "wolfsbane: wolfsbane learn needs starlette: pip install 'wolfsbane[learn]'\n"
    )
