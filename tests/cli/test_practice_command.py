"""`wolfsbane practice` as a student meets it: real gradings, and a real terminal."""

import json
import os
import pty
import signal
import subprocess
import sys

import pytest
from typer.testing import CliRunner

from wolfsbane.cli import app
from wolfsbane.errors import ArgumentError, DataError
from wolfsbane.learn.items import all_items, find_item
from wolfsbane.learn.practice.progress import ProgressFile

COMMAND = [sys.executable, "-m", "wolfsbane", "practice"]


@pytest.fixture
def practice(tmp_path, monkeypatch):
    """Call the command in this process, with a progress file of its own."""
    monkeypatch.chdir(tmp_path)

    def call(*arguments, given=""):
        options = [*map(str, arguments), "--progress", str(tmp_path / "done.json")]
        return CliRunner().invoke(app, ["practice", *options], input=given, catch_exceptions=False)

    return call


@pytest.fixture
def progress(tmp_path):
    return ProgressFile(tmp_path / "done.json")


def test_help_imports_no_torch():
    code = (
        "import sys; sys.argv = ['wolfsbane', 'practice', '--help']\n"
        "from wolfsbane.cli import main\n"
        "try: main()\n"
        "except SystemExit as end: assert not end.code\n"
        "print(sorted({'torch', 'numpy', 'starlette'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert "--answer" in done.stdout
    assert done.stdout.endswith("[]\n")


def test_a_right_answer_needs_nothing_but_what_wolfsbane_itself_needs(tmp_path, progress):
    code = (
        "import sys\n"
        "options = ['--answer', 'a', '--progress', 'done.json']\n"
        "sys.argv = ['wolfsbane', 'practice', 'welcome', *options]\n"
        "from wolfsbane.cli import main\n"
        "try: main()\n"
        "except SystemExit as end: assert not end.code\n"
        "print(sorted({'torch', 'starlette', 'uvicorn', 'scipy', 'matplotlib', 'jinja2'}"
        " & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
        cwd=tmp_path,
    )
    assert "Passed." in done.stdout
    assert done.stdout.endswith("[]\n")
    assert progress.read().of("welcome").passed


def test_the_list_ticks_what_is_done(practice, progress):
    progress.note("dropout-scale", passed=True)
    progress.note("dropout-seeds", passed=False)
    lines = practice("--list").stdout.splitlines()
    assert len(lines) == len(all_items()) + 2
    ticked = [line.split()[1] for line in lines if line.startswith("[x]")]
    assert ticked == ["dropout-scale"]
    assert lines[-1] == f"1 of {len(all_items())} done ([x])"


def test_a_wrong_answer_is_graded_and_noted(practice, progress):
    result = practice("dropout-scale", "--answer", "A")
    assert result.exit_code == 1
    assert "Not yet." in result.stdout
    done = progress.read().of("dropout-scale")
    assert (done.passed, done.attempts) == (False, 1)


def test_a_mended_file_is_graded_apart_and_left_alone(practice, progress, tmp_path):
    program = find_item("dropout-functional").solution
    (tmp_path / "mended.py").write_text(program)
    result = practice("dropout-functional", "--file", "mended.py")
    assert result.exit_code == 0
    assert "the auditor finds nothing by WB101" in " ".join(result.stdout.split())
    assert (tmp_path / "mended.py").read_text() == program
    assert progress.read().of("dropout-functional").program == program


def test_an_exercise_that_is_named_is_talked_through_alone(practice, progress):
    result = practice("dropout-syntax", given="h\nq\n")
    assert result.exit_code == 0
    assert "A layer that drops 30%" in result.stdout
    assert "Hint 1 of 2" in result.stdout
    assert not progress.read().items


def test_progress_is_exported(practice, progress, tmp_path):
    progress.note("welcome", passed=True)
    assert practice("--export", "mine.json").exit_code == 0
    exported = json.loads((tmp_path / "mine.json").read_text())
    assert exported["items"]["welcome"]["passed"]


@pytest.mark.parametrize(
    ("options", "given", "is_kept"),
    [(["--yes"], "", False), ([], "y\n", False), ([], "n\n", True), ([], "", True)],
)
def test_progress_is_reset_when_that_is_certain(practice, progress, options, given, is_kept):
    progress.note("welcome", passed=True)
    practice("--reset", *options, given=given)
    assert progress.read().of("welcome").passed is is_kept


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["dropout"], "no exercise is called 'dropout'"),
        (["--answer", "a"], "--answer needs the exercise's name"),
        (["welcome", "--answer", "z"], "welcome has the answers a, b, c, but got 'z'"),
        (["welcome", "--file", "x.py"], "welcome is a question"),
        (["dropout-functional", "--answer", "a"], "is a program to mend"),
        (["--list", "--reset"], "--list and --reset cannot go together"),
    ],
)
def test_what_cannot_be_done_is_said(practice, arguments, message):
    with pytest.raises(ArgumentError, match=message):
        practice(*arguments)


def test_a_file_that_is_not_there_is_said(practice):
    with pytest.raises(DataError, match=r"none\.py cannot be read"):
        practice("dropout-functional", "--file", "none.py")


class Terminal:
    """A process at a terminal of its own."""

    def __init__(self, folder, *arguments):
        ours, theirs = pty.openpty()
        command = [*COMMAND, "--progress", str(folder / "done.json"), *arguments]
        environment = {**os.environ, "TERM": "xterm", "COLUMNS": "80"}
        self.process = subprocess.Popen(
            command, stdin=theirs, stdout=theirs, stderr=theirs, cwd=folder, env=environment
        )
        os.close(theirs)
        self._ours, self._seen = ours, b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        os.close(self._ours)

    def see(self, words):
        """Read until these words have come; return all that came with them."""
        while words.encode() not in self._seen:
            self._seen += self._read() or pytest.fail(f"ended after {self._seen!r}")
        seen, self._seen = self._seen, b""
        return seen.decode()

    def end(self):
        """Read what is left; return it, and the exit code."""
        while more := self._read():
            self._seen += more
        return self._seen.decode(), self.process.wait()

    def _read(self):
        try:
            return os.read(self._ours, 65_536)
        except OSError:  # Linux's way to say that the other end is closed.
            return b""

    def type(self, text):
        os.write(self._ours, text.encode())


def test_at_a_terminal_an_answer_is_graded_and_q_ends_it_well(tmp_path, progress):
    with Terminal(tmp_path) as terminal:
        terminal.see("q quit: ")
        terminal.type("b\n")
        assert "the mean is the sum" in terminal.see("q quit: ")
        terminal.type("a\n")
        assert "Passed." in terminal.see("q quits: ")
        terminal.type("\n")
        assert "What dropout is for" in terminal.see("q quit: ")
        terminal.type("q\n")
        said, code = terminal.end()
    assert "Your progress is kept" in said
    assert code == 0
    assert progress.read().of("welcome").passed


@pytest.mark.parametrize("when", ["asked", "running"])
def test_ctrl_c_ends_it_with_progress_kept(tmp_path, progress, when):
    progress.note("welcome", passed=True)
    with Terminal(tmp_path) as terminal:
        terminal.see("q quit: ")
        if when == "running":
            terminal.type("a\n")
            terminal.see("Running it")
        terminal.process.send_signal(signal.SIGINT)
        said, code = terminal.end()
    assert "Interrupted. What was done so far is kept." in said
    assert "Traceback" not in said
    assert code == 130
    assert progress.read().of("welcome").passed


def test_closed_standard_input_is_its_end(tmp_path):
    done = subprocess.run(
        ["sh", "-c", 'exec "$@" <&-', "sh", *COMMAND, "--progress", str(tmp_path / "done.json")],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.endswith("Your progress is kept. `wolfsbane practice` goes on from here.\n")


def test_a_place_where_progress_cannot_be_kept_is_told_with_what_to_do(practice, tmp_path):
    (tmp_path / "done.json").mkdir()
    with pytest.raises(DataError, match=r"kept there; name another file with --progress FILE$"):
        practice("--list")
