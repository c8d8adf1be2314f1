"""A student at a terminal: real exercises, graded in real workers."""

import io
from contextlib import closing
from pathlib import Path

import pytest
from rich.console import Console

from wolfsbane.learn.items import find_item
from wolfsbane.learn.practice.dialogue import Dialogue, Left
from wolfsbane.learn.practice.exercise_file import FOLDER
from wolfsbane.learn.practice.progress import ProgressFile
from wolfsbane.learn.workers.pool import Workers

WELCOME, SCALE = find_item("welcome"), find_item("dropout-scale")
REPAIR = find_item("dropout-discarded")


@pytest.fixture(scope="module")
def workers():
    with closing(Workers()) as started:
        yield started


@pytest.fixture(autouse=True)
def no_editor(monkeypatch):
    monkeypatch.delenv("EDITOR", raising=False)
    monkeypatch.delenv("VISUAL", raising=False)


class Student:
    """Answers what it is asked with the lines that it has, and then leaves the terminal."""

    def __init__(self, workers, folder, items, lines):
        self.screen = io.StringIO()
        self.progress = ProgressFile(folder / "progress.json")
        self.file = folder / FOLDER / f"{REPAIR.name}.py"
        self._lines = iter(lines)
        console = Console(file=self.screen, width=100, markup=False, emoji=False, highlight=False)
        self.dialogue = Dialogue(console, self._answer, workers, self.progress, folder, items)

    def _answer(self, prompt):
        self.screen.write(prompt)
        for line in self._lines:
            return line() if callable(line) else line
        raise EOFError

    @property
    def saw(self):
        return " ".join(self.screen.getvalue().split())

    def has_passed(self, item):
        return self.progress.read().of(item.name).passed


@pytest.fixture
def student(workers, tmp_path):
    def comes(*lines, items=(WELCOME, SCALE, REPAIR)):
        return Student(workers, tmp_path, items, lines)

    return comes


def test_a_wrong_answer_is_answered_and_a_right_one_passes(student):
    one = student("b", "A")
    assert one.dialogue.do(WELCOME) is Left.PASSED
    assert one.saw.index("the belief that the mean is the sum") < one.saw.index("Passed.")
    done = one.progress.read().of("welcome")
    assert (done.passed, done.attempts) == (True, 2)


def test_practice_goes_on_with_the_first_that_is_not_done(student):
    first = student("a", "q")
    first.dialogue.go_on()
    assert first.has_passed(WELCOME)
    assert "goes on from here" in first.saw
    second = student("q")
    second.dialogue.go_on()
    assert "2 of 3: What is kept" in second.saw
    assert "1 of 3" not in second.saw


def test_enter_goes_on_to_the_next_exercise(student):
    one = student("a", "", "q")
    one.dialogue.go_on()
    assert one.saw.index("1 of 3") < one.saw.index("2 of 3")


def test_what_is_skipped_is_named_at_the_end(student):
    one = student("s", "s", items=(WELCOME, SCALE))
    one.dialogue.go_on()
    assert "Skipped, and not done yet: welcome, dropout-scale." in one.saw
    assert not one.progress.read().items


def test_when_all_is_done_it_is_said(student):
    one = student("a", "", items=(WELCOME,))
    one.dialogue.go_on()
    assert "All 1 exercises are done." in one.saw


def test_hints_come_one_at_a_time_and_the_last_stays(student):
    one = student("h", "h", "h", "h", "q")
    assert one.dialogue.do(SCALE) is Left.QUIT
    saw = one.saw
    assert saw.count("Hint 1 of 3") == saw.count("Hint 2 of 3") == 1
    assert saw.count("Hint 3 of 3: 0.8") == 2
    assert not one.progress.read().items


def test_what_is_no_answer_is_explained(student):
    one = student("z", "25", "", "q")
    one.dialogue.do(SCALE)
    assert one.saw.count("Type one of the letters a, b, c, d, h, s or q.") == 3


def test_the_end_of_the_input_leaves_as_q_does(student):
    assert student().dialogue.do(WELCOME) is Left.QUIT


def test_a_program_is_mended_in_its_file(student):
    one = student("", lambda: one.file.write_text(REPAIR.solution) and "")
    assert one.dialogue.do(REPAIR) is Left.PASSED
    assert "Mend it there, and save it." in one.saw
    assert "self.drop(hidden)" in one.saw
    assert one.saw.index("The auditor finds WB104") < one.saw.index("Passed.")
    done = one.progress.read().of(REPAIR.name)
    assert (done.passed, done.attempts, done.program) == (True, 2, REPAIR.solution)


def test_a_students_file_is_kept_and_put_back_only_when_asked(student):
    first = student("q")
    first.dialogue.do(REPAIR)
    first.file.write_text("mine = 1\n")
    second = student("r", "n", "r", "y", "q")
    second.dialogue.do(REPAIR)
    assert "is left as it is" in second.saw
    assert "mine = 1" in second.saw
    assert second.saw.index("It is left as it is.") < second.saw.index("It is as it was given.")
    assert second.file.read_text() == REPAIR.program


def test_the_last_version_comes_from_the_progress_where_the_file_is_gone(student):
    one = student("q")
    one.progress.note(REPAIR.name, passed=False, program="mine = 1\n")
    one.dialogue.do(REPAIR)
    assert one.file.read_text() == "mine = 1\n"


def test_a_file_that_is_gone_is_said_and_can_be_put_back(student):
    one = student(lambda: one.file.unlink() or "", "r", "yes", "q")
    one.dialogue.do(REPAIR)
    assert "cannot be read: No such file" in one.saw
    assert one.file.read_text() == REPAIR.program


def test_a_program_that_never_ends_is_stopped_and_noted_as_an_attempt(student, monkeypatch):
    from wolfsbane.learn.practice import jobs  # noqa: PLC0415
    from wolfsbane.learn.workers.job import Limits  # noqa: PLC0415

    monkeypatch.setattr(jobs, "STUDENTS_LIMITS", Limits(seconds=1.0, memory=1 << 30))
    one = student(lambda: one.file.write_text("while True:\n    pass\n") and "", "q")
    one.dialogue.do(REPAIR)
    assert "Stopped after 1 seconds" in one.saw
    assert one.progress.read().of(REPAIR.name).attempts == 1
    assert not one.has_passed(REPAIR)


def test_the_editor_is_given_the_file(student, monkeypatch):
    monkeypatch.setenv("EDITOR", "sh -c 'echo edited > \"$0\"'")
    one = student("e", "q")
    one.dialogue.do(REPAIR)
    assert "e edit" in one.saw
    assert one.file.read_text() == "edited\n"


@pytest.mark.parametrize(
    ("editor", "said"),
    [
        ("", "EDITOR names no editor. Open"),
        ("no-such-editor-here", "cannot be started: No such file"),
        ("'open quote", "EDITOR names no editor. Open"),
    ],
)
def test_an_editor_that_is_not_to_be_had_is_said(student, monkeypatch, editor, said):
    monkeypatch.setenv("EDITOR", editor)
    one = student("e", "x", "q")
    one.dialogue.do(REPAIR)
    assert said in one.saw
    assert "Press Enter to run the file" in one.saw


def test_the_folder_is_in_the_current_one(student, tmp_path):
    one = student("q")
    one.dialogue.do(REPAIR)
    assert one.file.relative_to(tmp_path) == Path("wolfsbane-practice/dropout-discarded.py")
