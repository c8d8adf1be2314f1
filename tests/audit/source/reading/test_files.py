import os
import subprocess

import pytest

from wolfsbane.audit.checking.config import EXCLUDED, Config
from wolfsbane.audit.source.reading.files import python_files
from wolfsbane.errors import DataError


def _tree(folder, *names):
    for name in names:
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("x = 1\n")


def _found(folder, *paths, patterns=EXCLUDED, **options):
    excluded = Config(root=folder, exclude=patterns).excluded()
    given = [str(folder / path) for path in paths] or [str(folder)]
    files = python_files(given, excluded, root=folder, **options)
    return [file.removeprefix(f"{folder}/") for file in files]


def test_a_folder_holds_python_and_notebooks(tmp_path):
    _tree(tmp_path, "b.py", "a/c.py", "a/d.ipynb", "e.pyi", "f.txt", "g.pyc")
    assert _found(tmp_path) == ["b.py", "a/c.py", "a/d.ipynb"]


def test_what_tools_made_is_left_out(tmp_path):
    _tree(
        tmp_path, "a.py", ".venv/lib/b.py", "node_modules/c.py", "x/__pycache__/d.py", "dist/e.py"
    )
    _tree(tmp_path, ".ipynb_checkpoints/f.ipynb", ".hidden/g.py")
    assert _found(tmp_path) == ["a.py", ".hidden/g.py"]


def test_patterns_leave_out_files_and_folders(tmp_path):
    _tree(tmp_path, "a.py", "b_pb2.py", "old/c.py", "src/old/d.py", "src/e.py", "tests/src/e.py")
    assert _found(tmp_path, patterns=("*_pb2.py", "src/e.py")) == [
        "a.py",
        "old/c.py",
        "src/old/d.py",
        "tests/src/e.py",
    ]
    assert _found(tmp_path, patterns=("old", "tests")) == ["a.py", "b_pb2.py", "src/e.py"]


def test_pipes_and_dead_links_in_folders_are_passed_over(tmp_path):
    _tree(tmp_path, "a.py")
    os.mkfifo(tmp_path / "b.py")
    (tmp_path / ".#a.py").symlink_to("someone@here.123")
    (tmp_path / "c.py").symlink_to("a.py")
    (tmp_path / "loop").symlink_to(tmp_path)
    assert _found(tmp_path) == ["a.py", "c.py"]


def test_what_is_named_is_taken_whatever_it_is_called(tmp_path):
    _tree(tmp_path, ".venv/a.py", "script", "types.pyi")
    names = [".venv/a.py", "script", "types.pyi"]
    assert _found(tmp_path, *names) == names
    assert _found(tmp_path, *names, force_exclude=True) == ["script", "types.pyi"]


def test_each_file_comes_once(tmp_path):
    _tree(tmp_path, "a/b.py")
    assert _found(tmp_path, "a/b.py", "a", "a/../a/b.py") == ["a/b.py"]


def test_the_current_folder_leaves_no_trace_in_names(tmp_path, monkeypatch):
    _tree(tmp_path, "a.py", "b/c.py")
    monkeypatch.chdir(tmp_path)
    excluded = Config(root=tmp_path).excluded()
    assert python_files(["."], excluded, root=tmp_path) == ["a.py", "b/c.py"]


def test_a_path_that_does_not_exist_is_named(tmp_path):
    with pytest.raises(DataError, match=r"nowhere\.py does not exist: give a file or a folder"):
        _found(tmp_path, "nowhere.py")


def test_what_git_ignores_is_left_out_unless_it_is_named(tmp_path):
    _tree(tmp_path, "a.py", "made/b.py", "é/made_too.py", "made/kept.py")
    subprocess.run(["git", "init", "-q", tmp_path], check=True)
    (tmp_path / ".gitignore").write_text("made/*\n!made/kept.py\nmade_too.py\n")
    assert _found(tmp_path) == ["a.py", "made/kept.py"]
    assert _found(tmp_path, "made/b.py") == ["made/b.py"]
    assert len(_found(tmp_path, respect_gitignore=False)) == 4


def test_a_folder_that_git_ignores_as_a_whole_is_looked_at_when_it_is_named(tmp_path):
    _tree(tmp_path, "made/b.py")
    subprocess.run(["git", "init", "-q", tmp_path], check=True)
    (tmp_path / ".gitignore").write_text("made\n")
    assert _found(tmp_path) == []
    assert _found(tmp_path, "made") == ["made/b.py"]


def test_without_git_nothing_is_ignored(tmp_path, monkeypatch):
    _tree(tmp_path, "a.py")
    monkeypatch.setenv("PATH", "")
    assert _found(tmp_path) == ["a.py"]
