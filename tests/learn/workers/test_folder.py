"""A worker's folder goes, whatever a program has made of it, and nothing else does."""

import os

import pytest

from wolfsbane.learn.workers.folder import remove

DEEP = 1_200


@pytest.fixture
def folder(tmp_path):
    """Return a folder beside a file that has to stay."""
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept" / "file.txt").write_text("as it was")
    folder = tmp_path / "own"
    folder.mkdir()
    yield folder
    assert not folder.exists()
    assert (tmp_path / "kept" / "file.txt").read_text() == "as it was"


def test_folders_too_deep_for_recursion_and_for_a_path_go(folder):
    at = os.open(folder, os.O_RDONLY)
    for _ in range(DEEP):
        os.mkdir("inner", dir_fd=at)
        before, at = at, os.open("inner", os.O_RDONLY, dir_fd=at)
        os.close(before)
    os.close(at)
    remove(str(folder))


def test_folders_without_rights_go(folder):
    (folder / "closed" / "inner").mkdir(parents=True)
    (folder / "closed" / "inner" / "file").touch()
    for each in (folder / "closed" / "inner", folder / "closed", folder):
        each.chmod(0)
    remove(str(folder))


def test_links_go_and_what_they_lead_to_stays(folder):
    (folder / "link").symlink_to(folder.parent / "kept")
    (folder / "to a file").symlink_to(folder.parent / "kept" / "file.txt")
    (folder / "inner").mkdir()
    (folder / "inner" / "link").symlink_to(folder.parent / "kept")
    remove(str(folder))


def test_names_that_the_removal_itself_would_use_are_no_hindrance(folder):
    for name in (".0-moved-up", ".1-moved-up", "other"):
        (folder / name / "inner" / "file").mkdir(parents=True)
    (folder / ".2-moved-up").touch()
    remove(str(folder))


def test_pipes_and_odd_names_go(folder):
    os.mkfifo(folder / "pipe")
    (folder / "two\nlines").mkdir()
    (folder / os.fsdecode(b"\xff")).touch()
    remove(str(folder))


def test_a_folder_that_is_gone_already_is_no_mistake(folder):
    remove(str(folder))
    remove(str(folder))
