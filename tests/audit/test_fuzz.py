"""Nothing crashes: not on the standard library's own files, some no Python, nor on them cut.

Every 12th file is tried, so that this takes seconds; WOLFSBANE_FUZZ=1 in the environment tries all.
"""

import json
import os
import random
import sysconfig
import zlib
from pathlib import Path

import pytest

from wolfsbane.audit.checking.programs import Task, check_text
from wolfsbane.audit.registry import all_rules
from wolfsbane.audit.source.file import Source

STRIDE = 1 if os.environ.get("WOLFSBANE_FUZZ") else 12
LIBRARY = Path(sysconfig.get_path("stdlib"))
FILES = [path for path in sorted(LIBRARY.rglob("*.py")) if "site-packages" not in path.parts][
    ::STRIDE
]
ALL = Task(rules=all_rules(), fix=True, unsafe=True, write=False)


@pytest.fixture(autouse=True)
def _rules_are_asked_about_every_file(monkeypatch):
    monkeypatch.setattr(Source, "is_relevant", True)


def _cut(content, path):
    return content[: random.Random(zlib.crc32(path.name.encode())).randrange(len(content) + 1)]


def _failures(content, path):
    return check_text(content, str(path), ALL).failures


def test_the_standard_library_is_all_there():
    assert len(FILES) > 1000 / STRIDE


def test_the_standard_library_is_checked_without_a_crash():
    assert [one for path in FILES for one in _failures(path.read_bytes(), path)] == []


def test_cut_files_are_checked_without_a_crash():
    contents = [(path, path.read_bytes()) for path in FILES]
    assert [one for path, whole in contents for one in _failures(_cut(whole, path), path)] == []


def test_files_as_notebooks_are_checked_without_a_crash():
    for path in FILES[::8]:
        text = path.read_bytes().decode("latin-1")
        halves = (text[: len(text) // 2], text[len(text) // 2 :])
        cells = [{"cell_type": "code", "source": half.splitlines(keepends=True)} for half in halves]
        content = json.dumps({"nbformat": 4, "metadata": {}, "cells": cells}).encode()
        assert _failures(content, path.with_suffix(".ipynb")) == []
        assert _failures(_cut(content, path), path.with_suffix(".ipynb")) == []
