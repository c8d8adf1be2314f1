"""A student's file is never written over unasked."""

import pytest

from wolfsbane.errors import DataError
from wolfsbane.learn.items import find_item
from wolfsbane.learn.practice.exercise_file import FOLDER, LONGEST, ExerciseFile, read_program

REPAIR = find_item("dropout-discarded")


def test_the_program_is_written_where_there_is_none(tmp_path):
    file = ExerciseFile(REPAIR, tmp_path)
    assert file.make()
    assert file.path == tmp_path / FOLDER / "dropout-discarded.py"
    assert file.read() == REPAIR.program


def test_a_file_that_is_there_is_left_as_it_is(tmp_path):
    file = ExerciseFile(REPAIR, tmp_path)
    file.make()
    file.path.write_text("mine = 1\n")
    assert not file.make()
    assert file.read() == "mine = 1\n"


def test_the_students_last_version_comes_before_the_exercises(tmp_path):
    file = ExerciseFile(REPAIR, tmp_path)
    file.make("mine = 1\n")
    assert file.read() == "mine = 1\n"


def test_putting_back_writes_the_exercises_program(tmp_path):
    file = ExerciseFile(REPAIR, tmp_path)
    file.make("mine = 1\n")
    file.put_back()
    assert file.read() == REPAIR.program


def test_a_folder_in_the_files_place_is_said(tmp_path):
    (tmp_path / FOLDER / "dropout-discarded.py").mkdir(parents=True)
    with pytest.raises(DataError, match="something else has its name"):
        ExerciseFile(REPAIR, tmp_path).make()


def test_a_file_in_the_folders_place_is_said(tmp_path):
    (tmp_path / FOLDER).write_text("")
    file = ExerciseFile(REPAIR, tmp_path)
    with pytest.raises(DataError, match=r"something else has its name|cannot be written"):
        file.make()
    with pytest.raises(DataError, match="cannot be written"):
        file.put_back()


def test_what_cannot_be_read_is_said(tmp_path):
    with pytest.raises(DataError, match="cannot be read: No such file"):
        read_program(tmp_path / "none.py")
    (tmp_path / "latin.py").write_bytes(b"# caf\xe9\n")
    with pytest.raises(DataError, match="not text in UTF-8"):
        read_program(tmp_path / "latin.py")
    (tmp_path / "long.py").write_text("#" * (LONGEST + 1))
    with pytest.raises(DataError, match=r"has 100,001 characters, and may have 100,000"):
        read_program(tmp_path / "long.py")
