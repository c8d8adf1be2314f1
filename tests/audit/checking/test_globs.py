from pathlib import Path

import pytest

from wolfsbane.audit.checking.globs import Globs

ROOT = Path("/work/project")


@pytest.mark.parametrize(
    ("pattern", "path", "fits"),
    [
        ("data", "/work/project/a/data", True),
        ("data/", "/work/project/a/data", True),
        ("data", "/work/project/database", False),
        ("*_pb2.py", "/work/project/a/b_pb2.py", True),
        ("src/data", "/work/project/src/data", True),
        ("./src/data", "/work/project/src/data", True),
        ("src/data", "/work/project/src/data/a.py", True),
        ("src/data", "/work/project/other/src/data", False),
        ("src/**/old.py", "/work/project/src/old.py", True),
        ("src/**/old.py", "/work/project/src/a/b/old.py", True),
        ("src/**/old.py", "/work/project/src/a/bold.py", False),
        ("**/old.py", "/work/project/old.py", True),
        ("**/old.py", "/work/project/a/old.py", True),
        ("tests/*", "/work/project/tests/a/b.py", True),
        ("tests/**", "/work/project/tests/a/b.py", True),
        ("/elsewhere/*.py", "/elsewhere/a.py", True),
    ],
)
def test_a_pattern_fits_as_in_ruff(pattern, path, fits):
    assert Globs([pattern], ROOT).fits(path) == fits


def test_what_is_in_a_folder_that_fits_fits_too():
    globs = Globs([".venv", "src/old"], ROOT)
    assert globs.fits_within("/work/project/.venv/lib/a.py", str(ROOT))
    assert globs.fits_within("/work/project/src/old/a/b.py", str(ROOT))
    assert not globs.fits_within("/work/project/src/new/a.py", str(ROOT))


def test_a_folder_above_the_root_does_not_count():
    assert not Globs(["work"], ROOT).fits_within("/work/project/a/b.py", str(ROOT))
