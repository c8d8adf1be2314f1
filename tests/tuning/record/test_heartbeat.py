"""The note of a study's owner, for storages that have no lock of their own."""

import os
import time

import optuna
import pytest

from tuning.record.processes import race
from tuning.record.searches import compete_without_lock, opened, outcome
from wolfsbane.errors import ArgumentError
from wolfsbane.tuning.record import heartbeat, places
from wolfsbane.tuning.record.heartbeat import Heartbeat


class Study:
    """One user attribute of a study."""

    def __init__(self):
        self.note = None

    def read(self):
        return self.note

    def write(self, note):
        self.note = note


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(heartbeat, "WAIT", 0.05)
    monkeypatch.setattr(heartbeat, "BEAT", 0.02)


def note_in(study):
    return Heartbeat(study.read, study.write, "the study", "Wait for it.")


def test_a_study_that_is_held_is_refused_at_once_and_free_afterwards():
    study = Study()
    first = note_in(study)
    first.hold()
    said = r"in use by process \d+ on .*, since .*Wait for it.*after 45 seconds"
    with pytest.raises(ArgumentError, match=said):
        note_in(study).hold()
    first.check()
    first.free()
    assert study.note is None
    second = note_in(study)
    second.hold()
    second.free()


def test_a_note_is_renewed():
    study = Study()
    note = note_in(study)
    note.hold()
    first = study.note["beat"]
    deadline = time.monotonic() + 30
    while study.note["beat"] == first and time.monotonic() < deadline:
        time.sleep(0.01)
    note.free()
    assert study.note is None
    assert time.monotonic() < deadline


def test_the_note_of_a_process_that_was_killed_grows_old():
    study = Study()
    study.note = {"pid": 1, "host": "gone", "since": "then", "token": "its", "beat": 0.0}
    note = note_in(study)
    note.hold()
    note.free()


def test_who_has_lost_the_study_finds_out_and_leaves_the_others_note():
    study = Study()
    first = note_in(study)
    first.hold()
    study.note = {"pid": 1, "host": "other", "since": "now", "token": "its", "beat": time.time()}
    with pytest.raises(ArgumentError, match="process 1 on other"):
        first.check()
    first.free()
    assert study.note["token"] == "its"
    assert not first._thread.is_alive()


def test_who_has_written_waits_and_goes_where_another_has_written_meanwhile(monkeypatch):
    study = Study()
    other = {"pid": 1, "host": "other", "since": "now", "token": "its", "beat": time.time()}
    monkeypatch.setattr(time, "sleep", lambda _: study.write(other))
    with pytest.raises(ArgumentError, match="process 1 on other"):
        note_in(study).hold()
    assert study.note == other


def test_a_database_without_locks_is_held_by_a_note(tmp_path, monkeypatch):
    monkeypatch.setattr(places, "_database_guard", lambda *_: None)
    url = f"sqlite:///{tmp_path / 'tuning.db'}"
    with opened(storage=url) as record:
        record.tell(record.suggest(), outcome())
        (study,) = optuna.get_all_study_summaries(url)
        assert study.user_attrs["owner"]["pid"] == os.getpid()
        with pytest.raises(ArgumentError, match=f"process {os.getpid()} on"), opened(storage=url):
            pass
    with opened(storage=url) as again:
        assert again.num_resumed == 1


def test_of_two_processes_that_come_at_once_one_holds_the_study(tmp_path):
    rounds = 1
    place = None, f"sqlite:///{tmp_path / 'tuning.db'}"
    answers = race(compete_without_lock, place, 2 * rounds, rounds)
    assert sorted(answer for answer, _ in answers) == ["got"] * rounds + ["refused"] * rounds
    with opened(*place) as record:
        assert record.num_resumed == rounds
