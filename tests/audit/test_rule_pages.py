"""The pages in docs/rules are those that the rules would write."""

from pathlib import Path

from wolfsbane.audit.catalogue import page_files

FOLDER = Path(__file__).parents[2] / "docs" / "rules"
HOW = "write them again: python -m wolfsbane explain --write docs/rules"


def test_the_pages_are_as_the_rules_have_them():
    written = {path.name: path.read_text(encoding="utf-8") for path in FOLDER.glob("*.md")}
    made = page_files()
    stale = {name for name in written.keys() | made.keys() if written.get(name) != made.get(name)}
    assert not stale, HOW
