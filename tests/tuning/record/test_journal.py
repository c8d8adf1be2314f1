import json
import os
import random
import time
from pathlib import Path

import optuna
import pytest
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend

from tuning.record.searches import opened, outcome
from wolfsbane.errors import ArgumentError
from wolfsbane.tuning.record.journal import JOURNAL, whole_size

JUNK = [
    b"\0" * 50,
    b'{"op_code":5,"worker\0\0\0\0',
    b'{"op_code":5,\0\0\0\n',
    b"{",
    b"\n",
    b"\xff\n",
]


@pytest.fixture(scope="module")
def journal(tmp_path_factory):
    """Return the bytes of a journal with three trainings told."""
    directory = tmp_path_factory.mktemp("journal")
    with opened(directory) as record:
        for index in range(3):
            record.tell(record.suggest(), outcome(index / 3))
    return (directory / JOURNAL).read_bytes()


def resumed(directory, content):
    """Return how many trainings a journal gives, in order, and go on with it."""
    (directory / JOURNAL).write_bytes(content)
    with opened(directory) as record:
        there = list(record.trials())
        record.tell(request := record.suggest(), outcome(0.7))
        assert record.trials()[-1].request == request
    with opened(directory) as again:
        assert [*there, again.trials()[-1]] == again.trials()
    assert [trial.outcome for trial in there] == [outcome(index / 3) for index in range(len(there))]
    return len(there)


def ends_of_lines(content):
    return [index + 1 for index, byte in enumerate(content) if byte == ord("\n")]


def finished_until(content, size):
    """Return how many outcomes are whole in the first bytes: a training is told by its outcome."""
    return sum(
        b'{"outcome":' in line for line in content[:size].splitlines(True) if line[-1:] == b"\n"
    )


def test_a_journal_cut_at_any_byte_keeps_every_whole_line(journal):
    ends = [0, *ends_of_lines(journal)]
    for size in range(len(journal) + 1):
        assert whole_size(journal[:size]) == max(end for end in ends if end <= size)


def test_a_search_goes_on_from_a_journal_cut_around_every_end_of_a_line(journal, tmp_path):
    for end in ends_of_lines(journal):
        for size in (end - 1, end, min(end + 1, len(journal))):
            num = resumed(tmp_path, journal[:size])
            assert num == finished_until(journal, size)


def test_a_search_goes_on_from_a_journal_cut_anywhere(journal, tmp_path):
    draw = random.Random(0)
    for size in [0, 1, 5, *(draw.randrange(len(journal)) for _ in range(25))]:
        num = resumed(tmp_path, journal[:size])
        assert num == finished_until(journal, size)


@pytest.mark.parametrize("junk", JUNK)
def test_what_a_power_loss_leaves_at_the_end_is_cut_off(journal, tmp_path, junk):
    num = resumed(tmp_path, journal + junk)
    assert num == 3


def test_optuna_alone_would_lose_what_is_written_after_half_a_line(journal, tmp_path):
    """Why it is cut off: Optuna reads past half a line, and glues the next one to it."""
    path = tmp_path / JOURNAL
    path.write_bytes(journal[:-5])
    storage = JournalStorage(JournalFileBackend(str(path)))
    storage.set_study_user_attr(0, "note", "kept?")
    assert "note" not in JournalStorage(JournalFileBackend(str(path))).get_study_user_attrs(0)


def test_a_journal_damaged_in_the_middle_is_refused_and_left_as_it_is(journal, tmp_path):
    lines = journal.splitlines(keepends=True)
    lines[6] = lines[6][:20] + b"\n"
    (tmp_path / JOURNAL).write_bytes(b"".join(lines))
    with (
        pytest.raises(ArgumentError, match=r"damaged in the middle.*another folder"),
        opened(tmp_path),
    ):
        pass
    assert (tmp_path / JOURNAL).read_bytes() == b"".join(lines)


@pytest.mark.parametrize(
    "content", [b"Nov 22 14:40 systemd[1]: Started\n", b"[1, 2", b'{"a": 1}\n']
)
def test_a_foreign_journal_is_refused_and_left_as_it_is(tmp_path, content):
    (tmp_path / JOURNAL).write_bytes(content)
    with (
        pytest.raises(ArgumentError, match=r"not the journal of a search. Give another folder"),
        opened(tmp_path),
    ):
        pass
    assert (tmp_path / JOURNAL).read_bytes() == content
    assert [file.name for file in tmp_path.iterdir()] == [JOURNAL]


@pytest.mark.parametrize("name", ["mine", "wolfsbane"])
def test_a_journal_of_another_study_of_optunas_is_refused(tmp_path, name):
    storage = JournalStorage(JournalFileBackend(str(tmp_path / JOURNAL)))
    study = optuna.create_study(study_name=name, storage=storage)
    study.tell(study.ask(), 1.0)
    with pytest.raises(ArgumentError, match=r"not wolfsbane's.*another folder"), opened(tmp_path):
        pass


def test_a_folder_with_other_files_is_used(tmp_path):
    (tmp_path / "results.json").write_text("{}")
    with opened(tmp_path) as record:
        record.tell(record.suggest(), outcome())
    assert (tmp_path / "results.json").read_text() == "{}"


def test_the_folder_of_a_search_that_was_killed_before_its_first_trial_is_used(journal, tmp_path):
    (first, *_) = journal.splitlines(keepends=True)
    assert json.loads(first)["study_name"] == "wolfsbane"
    num = resumed(tmp_path, first)
    assert num == 0


def test_a_folder_that_is_a_file_or_below_one_is_refused(tmp_path):
    file = tmp_path / "file"
    file.write_text("")
    for folder in (file, file / "run"):
        with pytest.raises(ArgumentError, match="cannot write to"), opened(folder):
            pass


def test_the_lock_of_a_writer_that_was_killed_does_not_hang_the_resume(journal, tmp_path):
    """Optuna's own waits 30 seconds for it, which is the difference between 1 and 30 here."""
    (tmp_path / f"{JOURNAL}.lock").touch()
    start = time.monotonic()
    num = resumed(tmp_path, journal)
    assert num == 3
    assert time.monotonic() - start < 25
    assert not (tmp_path / f"{JOURNAL}.lock").exists()


def test_a_relative_folder_works_from_any_other(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with opened(Path("runs") / "first") as record:
        os.chdir("runs")
        record.tell(record.suggest(), outcome(weights=b"trained"))
    monkeypatch.chdir(tmp_path)
    with opened(Path("runs/first")) as again:
        assert again.trials()[0].outcome == outcome(weights=b"trained")
