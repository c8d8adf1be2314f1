"""What adds up is seen: bytes in many files, in files without a name, files, threads."""

import os
import threading
from contextlib import ExitStack
from pathlib import Path

import pytest

from skips import require
from wolfsbane.learn.workers import watch
from wolfsbane.learn.workers.watch import Much, TooMuchTakenError, Watch


@pytest.fixture
def look(tmp_path, monkeypatch):
    """Return what looks at this very process, with limits that a test can pass."""
    require(Path("/proc/self/fd").is_dir(), "/proc, to see what a process has open")
    monkeypatch.setattr(watch, "EVERY", 0.0)
    monkeypatch.setattr(watch, "MOST_WRITTEN", 1 << 20)
    monkeypatch.setattr(watch, "MOST_FILES", 10)
    return Watch(os.getpid(), str(tmp_path)).look


def test_little_is_allowed(look, tmp_path):
    (tmp_path / "inner").mkdir()
    (tmp_path / "inner" / "file").write_bytes(b"x" * 1000)
    look()


def seen(look):
    with pytest.raises(TooMuchTakenError) as raised:
        look()
    return raised.value.much


def test_many_files_together_are_too_much(look, tmp_path):
    (tmp_path / "inner").mkdir()
    for number in range(3):
        (tmp_path / "inner" / str(number)).write_bytes(b"x" * (1 << 19))
    assert seen(look) is Much.WRITTEN


def test_a_file_that_was_removed_while_open_counts(look, tmp_path):
    with (tmp_path / "gone").open("wb") as file:
        (tmp_path / "gone").unlink()
        file.write(b"x" * (2 << 20))
        file.flush()
        assert seen(look) is Much.WRITTEN
    look()


def test_a_file_of_holes_takes_nothing(look, tmp_path):
    with (tmp_path / "hollow").open("wb") as file:
        file.truncate(1 << 30)
    look()


def test_too_many_files_are_seen(look, tmp_path):
    for number in range(6):
        (tmp_path / str(number)).mkdir()
        (tmp_path / str(number) / "file").touch()
    assert seen(look) is Much.FILES


def test_too_many_threads_are_seen(look, monkeypatch):
    look()
    end = threading.Event()
    with ExitStack() as stack:
        stack.callback(end.set)
        threads = [threading.Thread(target=end.wait) for _ in range(5)]
        for thread in threads:
            thread.start()
            stack.callback(thread.join)
        stack.callback(end.set)
        monkeypatch.setattr(watch, "MOST_THREADS", 4)
        assert seen(look) is Much.THREADS


def test_what_cannot_be_seen_is_no_mistake(tmp_path):
    Watch(2**30, str(tmp_path / "gone")).look()


def test_a_look_is_not_taken_again_at_once(look, monkeypatch, tmp_path):
    monkeypatch.setattr(watch, "EVERY", 1000.0)
    look()
    for number in range(20):
        (tmp_path / str(number)).touch()
    look()
