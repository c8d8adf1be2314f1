"""The student's progress, in a real file that others write to as well."""

import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from skips import require
from wolfsbane.errors import DataError
from wolfsbane.learn.practice.progress import Done, Progress, ProgressFile, default_path


@pytest.fixture
def path(tmp_path):
    return tmp_path / "folder" / "progress.json"


def test_what_is_not_there_is_no_progress_and_reading_makes_no_file(path):
    assert ProgressFile(path).read() == Progress()
    assert not path.parent.exists()


def test_an_attempt_is_read_back(path):
    ProgressFile(path).note("dropout-syntax", passed=False, program="print('é')\n")
    assert ProgressFile(path).read().items == {"dropout-syntax": Done(False, 1, "print('é')\n")}


def test_once_passed_stays_passed_and_attempts_are_counted(path):
    file = ProgressFile(path)
    for passed in (False, True, False):
        file.note("dropout-syntax", passed)
    assert file.read().of("dropout-syntax") == Done(passed=True, attempts=3)


def test_the_last_program_is_kept_and_none_leaves_it(path):
    file = ProgressFile(path)
    for program in ("first", "second", None):
        file.note("mend", passed=False, program=program)
    assert file.read().of("mend").program == "second"


def test_an_item_that_was_not_tried_has_no_attempts(path):
    assert ProgressFile(path).read().of("never") == Done(passed=False, attempts=0, program=None)


def test_reset_forgets_everything(path):
    file = ProgressFile(path)
    file.note("dropout-syntax", passed=True)
    file.reset()
    assert file.read() == Progress()


def test_an_export_is_a_progress_file(path, tmp_path):
    ProgressFile(path).note("dropout-syntax", passed=True, program="pass")
    copy = tmp_path / "copy.json"
    copy.write_text(ProgressFile(path).export(), encoding="utf-8")
    assert ProgressFile(copy).read() == ProgressFile(path).read()


def test_the_file_holds_no_times_and_no_scores(path):
    ProgressFile(path).note("dropout-syntax", passed=True)
    assert json.loads(path.read_text()) == {
        "format": 1,
        "items": {"dropout-syntax": {"passed": True, "attempts": 1, "program": None}},
    }


def test_what_is_no_file_is_refused_and_not_waited_for(tmp_path):
    require(hasattr(os, "mkfifo"), "named pipes")
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(DataError, match="is a pipe or a device"):
        ProgressFile(tmp_path / "pipe").read()


def test_a_link_to_itself_is_told_as_the_system_tells_it(tmp_path):
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    with pytest.raises(OSError, match="symbolic links"):
        ProgressFile(tmp_path / "loop").read()


DAMAGED = {
    "half": '{"format": 1, "items": {"dropout-sy',
    "not text": b"\xff\xfe\x00\x80",
    "a list": "[]",
    "no format": '{"items": {}}',
    "no items": '{"format": 1}',
    "attempts in words": '{"format": 1, "items": {"a": {"passed": true, "attempts": "two", '
    '"program": null}}}',
    "a key too many": '{"format": 1, "items": {"a": {"passed": true, "attempts": 2, '
    '"program": null, "score": 3}}}',
    "nested deep": "[" * 100_000,
    "half a character": '{"format": 1, "items": {"a": {"passed": true, "attempts": 2, '
    '"program": "\\ud800"}}}',
}


@pytest.mark.parametrize("content", DAMAGED.values(), ids=DAMAGED)
@pytest.mark.parametrize("use", [ProgressFile.read, ProgressFile.reset, ProgressFile.export])
def test_a_damaged_file_is_set_aside_with_one_warning(tmp_path, content, use):
    path = tmp_path / "progress.json"
    content = content if isinstance(content, bytes) else content.encode()
    path.write_bytes(content)
    warnings = []
    file = ProgressFile(path, warnings.append)
    use(file)
    assert path.with_name("progress.json.damaged-1").read_bytes() == content
    assert file.read() == Progress()
    (warning,) = warnings
    assert warning == f"{path} is damaged; it is kept as {path}.damaged-1, and a new one is begun"


def test_each_damaged_file_gets_a_number_of_its_own(tmp_path, capsys):
    path = tmp_path / "progress.json"
    for content in ("first", "second"):
        path.write_text(content)
        ProgressFile(path).note("dropout-syntax", passed=True)
    assert [path.with_name(f"{path.name}.damaged-{n}").read_text() for n in (1, 2)] == [
        "first",
        "second",
    ]
    assert ProgressFile(path).read().of("dropout-syntax").attempts == 1
    assert capsys.readouterr().err.count("wolfsbane: ") == 2


def test_an_empty_file_is_no_progress_and_not_damaged(tmp_path):
    path = tmp_path / "progress.json"
    path.touch()
    ProgressFile(path).note("dropout-syntax", passed=True)
    assert sorted(each.name for each in tmp_path.iterdir()) == [path.name, f"{path.name}.lock"]


def test_a_file_of_a_newer_wolfsbane_is_left_alone(tmp_path):
    path = tmp_path / "progress.json"
    path.write_text(newer := '{"format": 2, "items": []}')
    with pytest.raises(
        DataError, match=r"newer wolfsbane\. Update wolfsbane, or give another file"
    ):
        ProgressFile(path).note("dropout-syntax", passed=True)
    assert path.read_text() == newer


def test_a_link_stays_a_link(tmp_path):
    (tmp_path / "real").mkdir()
    link = tmp_path / "progress.json"
    link.symlink_to(tmp_path / "real" / "progress.json")
    ProgressFile(link).note("dropout-syntax", passed=True)
    assert link.is_symlink()
    assert ProgressFile(link).read().of("dropout-syntax").passed


def test_no_attempt_is_lost_between_threads(path):
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda _: ProgressFile(path).note("a", passed=False), range(40)))
    assert ProgressFile(path).read().of("a").attempts == 40


WRITER = """
import sys, pathlib
from wolfsbane.learn.practice.progress import ProgressFile
file = ProgressFile(pathlib.Path(sys.argv[1]))
for _ in range(100):
    file.note(sys.argv[2], passed=True)
    file.note("shared", passed=True)
"""


def test_no_attempt_is_lost_between_processes(path):
    arguments = [sys.executable, "-c", WRITER, str(path)]
    writers = [subprocess.Popen([*arguments, name]) for name in ("terminal", "server")]
    assert [writer.wait(60) for writer in writers] == [0, 0]
    progress = ProgressFile(path).read()
    assert {name: done.attempts for name, done in progress.items.items()} == {
        "terminal": 100,
        "server": 100,
        "shared": 200,
    }


def test_a_failed_write_leaves_the_old_file_and_nothing_beside_it(path):
    file = ProgressFile(path)
    file.note("dropout-syntax", passed=True)
    before = path.read_bytes()
    with pytest.raises(TypeError):
        file.note("dropout-syntax", passed=True, program=object())
    assert path.read_bytes() == before
    assert sorted(each.name for each in path.parent.iterdir()) == [path.name, f"{path.name}.lock"]


def test_the_default_is_the_systems_place_for_a_users_data(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    assert default_path().name == "progress.json"
    assert default_path().parent.name == "wolfsbane"
