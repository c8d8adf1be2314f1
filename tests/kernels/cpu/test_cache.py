"""Compiled kernels on disk: written once, read whole or not at all, and never in the way."""

import os
import subprocess
import sys
import tempfile
import warnings
from pathlib import Path

import pytest

from wolfsbane.errors import WolfsbaneWarning
from wolfsbane.kernels.cpu import cache

CODE = b"machine code"

DROPOUT = """
import sys, torch
from wolfsbane import functional as F
torch.manual_seed(0)
print(int(F.dropout(torch.ones(3000)).count_nonzero()), "numba" in sys.modules)
"""
KEPT = 1473
"""Of the 3000 elements: the contract's number for this seed, on every executor."""


@pytest.fixture(autouse=True)
def empty_folder(monkeypatch, tmp_path):
    """Give each test a cache of its own, and a process that has not warned yet."""
    monkeypatch.setenv(cache.VARIABLE, str(tmp_path / "kernels"))
    cache._warn_once.cache_clear()
    yield tmp_path / "kernels"
    cache._warn_once.cache_clear()


def never():
    raise AssertionError("compiled although it was in the cache")


def start(filter="error", **environment):
    """Start a process that drops elements."""
    return subprocess.Popen(
        [sys.executable, "-W", filter, "-c", DROPOUT],
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def finish(process):
    """Return how many elements a process kept, whether it imported Numba, and its warnings."""
    output, errors = process.communicate(timeout=120)
    assert process.returncode == 0, errors
    kept, has_numba = output.split()
    return int(kept), has_numba == "True", errors


def test_code_is_compiled_once_and_then_read(empty_folder):
    assert cache.object_code("a", lambda: CODE) == CODE
    assert cache.object_code("a", never) == CODE
    assert [path.suffix for path in empty_folder.iterdir()] == [".o"]


def test_another_name_is_another_file(empty_folder):
    assert cache.object_code("a", lambda: b"one") == b"one"
    assert cache.object_code("b", lambda: b"other") == b"other"
    assert len(list(empty_folder.iterdir())) == 2


@pytest.mark.parametrize(
    "damaged",
    [
        lambda content: b"",
        lambda content: content[:-1],
        lambda content: content[:10],
        lambda content: content + b"\0",
        lambda content: content[:-1] + bytes([content[-1] ^ 1]),
        lambda content: b"\0" * len(content),
    ],
    ids=["empty", "truncated", "beginning", "longer", "one-bit", "zeros"],
)
def test_damaged_file_is_compiled_anew_and_repaired(empty_folder, damaged):
    cache.object_code("a", lambda: CODE)
    (path,) = empty_folder.iterdir()
    whole = path.read_bytes()
    path.write_bytes(damaged(whole))
    assert cache.object_code("a", lambda: CODE) == CODE
    assert path.read_bytes() == whole
    assert cache.object_code("a", never) == CODE


def test_file_that_is_a_folder_is_not_read_and_warned_of(empty_folder):
    cache.object_code("a", lambda: CODE)
    (path,) = empty_folder.iterdir()
    path.unlink()
    path.mkdir()
    (path / "in-the-way").touch()
    with pytest.warns(WolfsbaneWarning, match="compiled kernels cannot be kept in"):
        assert cache.object_code("a", lambda: CODE) == CODE
    assert [entry.name for entry in empty_folder.iterdir()] == [path.name]


def test_folder_that_cannot_be_made_warns_once_and_names_the_way_out(monkeypatch, tmp_path):
    (tmp_path / "file").touch()
    monkeypatch.setenv(cache.VARIABLE, str(tmp_path / "file" / "kernels"))
    with pytest.warns(WolfsbaneWarning) as caught:
        assert [cache.object_code(name, lambda: CODE) for name in "abc"] == 3 * [CODE]
    (warning,) = caught
    assert str(tmp_path / "file" / "kernels") in str(warning.message)
    assert "WOLFSBANE_CACHE_DIR=/path" in str(warning.message)


def test_read_only_folder_warns_once_although_each_file_has_another_name(monkeypatch, empty_folder):
    # Tests may run as root, whom no permission stops.
    def refused(*, dir, **_):
        name = next(tempfile._get_candidate_names())
        raise PermissionError(13, "Permission denied", f"{dir}/{name}")

    monkeypatch.setattr(cache.tempfile, "NamedTemporaryFile", refused)
    with pytest.warns(WolfsbaneWarning, match="Permission denied") as caught:
        assert [cache.object_code(name, lambda: CODE) for name in "abc"] == 3 * [CODE]
    assert len(caught) == 1


def test_full_disk_leaves_no_unfinished_file(monkeypatch, empty_folder):
    def full(self, target):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    with pytest.warns(WolfsbaneWarning, match="No space left"):
        assert cache.object_code("a", lambda: CODE) == CODE
    assert list(empty_folder.iterdir()) == []


def test_compiler_s_error_leaves_no_file(empty_folder):
    with pytest.raises(AssertionError):
        cache.object_code("a", never)
    assert not empty_folder.exists()


def test_folder_is_the_environment_s_when_it_is_asked_for(monkeypatch, tmp_path):
    assert cache.folder() == tmp_path / "kernels"
    monkeypatch.setenv(cache.VARIABLE, str(tmp_path / "other"))
    assert cache.folder() == tmp_path / "other"
    monkeypatch.delenv(cache.VARIABLE)
    assert cache.folder().parts[-2:] == ("wolfsbane", "kernels")


def test_every_source_that_can_change_the_code_changes_the_name(monkeypatch):
    read = Path.read_bytes
    before = cache._origin.__wrapped__()
    cpu = Path(cache.__file__).parent
    sources = [*(cpu / "source").glob("*.py"), cpu / "signatures.py", cpu / "toolchain.py"]
    for changed in sources:
        monkeypatch.setattr(
            Path, "read_bytes", lambda path, it=changed: read(path) + b"#" * (path == it)
        )
        assert cache._origin.__wrapped__() != before, changed.name


@pytest.mark.parametrize("package", ["numba", "llvmlite"])
def test_another_compiler_has_another_name(monkeypatch, package):
    before, version = cache._origin.__wrapped__(), cache.importlib.metadata.version
    monkeypatch.setattr(
        cache.importlib.metadata, "version", lambda name: version(name) + "x" * (name == package)
    )
    assert cache._origin.__wrapped__() != before


def test_another_processor_has_another_name(monkeypatch):
    from llvmlite import binding  # noqa: PLC0415  # as the cache does

    before = cache._origin.__wrapped__()
    monkeypatch.setattr(binding, "get_host_cpu_name", lambda: "another")
    assert cache._origin.__wrapped__() != before


def test_processes_at_once_compile_the_same_and_leave_one_file(empty_folder):
    for process in [start(), start()]:
        assert finish(process) == (KEPT, True, "")
    (path,) = empty_folder.iterdir()
    assert path.suffix == ".o"


def test_warm_process_imports_no_numba_and_a_damaged_file_is_not_loaded(empty_folder):
    assert finish(start()) == (KEPT, True, "")
    assert finish(start()) == (KEPT, False, "")
    (path,) = empty_folder.iterdir()
    whole = path.read_bytes()
    path.write_bytes(whole[:1000])
    assert finish(start()) == (KEPT, True, "")
    assert len(path.read_bytes()) == len(whole)


def test_process_without_a_folder_warns_and_is_right(tmp_path):
    (tmp_path / "file").touch()
    kept, _, errors = finish(start("always", **{cache.VARIABLE: str(tmp_path / "file")}))
    assert kept == KEPT
    assert errors.count("WolfsbaneWarning: compiled kernels cannot be kept") == 1


def test_importing_wolfsbane_loads_neither_numba_nor_llvm():
    program = "import sys, wolfsbane.nn; print({'numba', 'llvmlite'} & set(sys.modules))"
    found = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60
    )
    assert found.stdout.strip() == "set()"


def test_nothing_is_warned_of_where_the_folder_can_be_written_to(empty_folder):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        cache.object_code("a", lambda: CODE)
