from pathlib import Path

import pytest

from wolfsbane.audit.checking.globs import Globs

ROOT = Path("/code/project")


@pytest.mark.parametrize(
    ("pattern", "path", "fits"),
    [
        ("data", "/code/project/a/data", True),
        ("data/", "/code/project/a/data", True),
        ("data", "/code/project/database", False),
        ("*_pb2.py", "/code/project/a/b_pb2.py", True),
        ("src/data", "/code/project/src/data", True),
        ("./src/data", "/code/project/src/data", True),
        ("src/data", "/code/project/src/data/a.py", True),
        ("src/data", "/code/project/other/src/data", False),
        ("src/**/old.py", "/code/project/src/old.py", True),
        ("src/**/old.py", "/code/project/src/a/b/old.py", True),
        ("src/**/old.py", "/code/project/src/a/bold.py", False),
        ("**/old.py", "/code/project/old.py", True),
        ("**/old.py", "/code/project/a/old.py", True),
        ("tests/*", "/code/project/tests/a/b.py", True),
        ("tests/**", "/code/project/tests/a/b.py", True),
        ("/elsewhere/*.py", "/elsewhere/a.py", True),
    ],
)
def test_a_pattern_fits_as_in_ruff(pattern, path, fits):
    assert Globs([pattern], ROOT).fits(path) == fits


def test_what_is_in_a_folder_that_fits_fits_too():
    globs = Globs([".venv", "src/old"], ROOT)
    assert globs.fits_within("/code/project/.venv/lib/a.py", str(ROOT))
    assert globs.fits_within("/code/project/src/old/a/b.py", str(ROOT))
    assert not globs.fits_within("/code/project/src/new/a.py", str(ROOT))


def test_a_folder_above_the_root_does_not_count():
    assert not Globs(["work"], ROOT).fits_within("/code/project/a/b.py", str(ROOT))
