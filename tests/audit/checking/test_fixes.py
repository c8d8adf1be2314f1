import stat

import pytest

from audit.findings_by_hand import finding, fix_of
from audit.made_up_rule import OldCall
from wolfsbane.audit.checking.fixes import MOST_PASSES, compatible, diff_of, mend
from wolfsbane.audit.checking.programs import Task, check_files
from wolfsbane.audit.finding import Edit, Fix, Place, Span
from wolfsbane.audit.source.reading.programs import PythonFile, python_file

SAFE = Task((OldCall,), fix=True)
UNSAFE = Task((OldCall,), fix=True, unsafe=True)


def _mended(content, folder, task=SAFE, name="net.py"):
    file = folder / name
    file.write_bytes(content)
    return check_files([str(file)], task), file.read_bytes()


def test_safe_fixes_are_made_and_unsafe_ones_left(tmp_path):
    outcome, content = _mended(b"import torch\nold(1)\nrisky(2)\n", tmp_path)
    assert content == b"import torch\nnew(1)\nrisky(2)\n"
    assert outcome.num_fixed == 1
    assert [one.message for one in outcome.findings] == ["risky is called"]


def test_unsafe_fixes_are_made_where_they_are_wanted(tmp_path):
    outcome, content = _mended(b"import torch\nold(risky(2))\n", tmp_path, UNSAFE)
    assert content == b"import torch\nnew(calm(2))\n"
    assert (outcome.num_fixed, outcome.findings) == (2, [])


def test_a_fix_that_would_leave_no_python_is_not_made_and_the_others_are(tmp_path):
    before = b"import torch\nbroken(1)\nold(2)\n"
    outcome, content = _mended(before, tmp_path)
    assert content == b"import torch\nbroken(1)\nnew(2)\n"
    assert len(outcome.failures) == 1
    assert "would leave no Python" in outcome.failures[0]
    assert [one.message for one in outcome.findings] == ["broken is called"]


@pytest.mark.parametrize(
    "content",
    [
        b"import torch\r\nold(1)\r\n",
        b"import torch\rold(1)\r",
        b"import torch\r\nold(1)\n\x0cx = 1\r\n",
        b"\xef\xbb\xbfimport torch\nold(1)\n",
        "# coding: latin-1\nimport torch\n'\xe9'; old(1)\n".encode("latin-1"),
        "import torch\n'名'; old(1)".encode(),
        b"import torch\n\told(1)".replace(b"\t", b"if 1:\n\t"),
    ],
)
def test_all_other_bytes_stay(content, tmp_path):
    _, after = _mended(content, tmp_path)
    assert after == content.replace(b"old", b"new")


def test_permissions_and_links_stay(tmp_path):
    target = tmp_path / "target.py"
    target.write_text("import torch\nold(1)\n")
    target.chmod(0o750)
    link = tmp_path / "link.py"
    link.symlink_to(target)
    check_files([str(link)], SAFE)
    assert link.is_symlink()
    assert target.read_text() == "import torch\nnew(1)\n"
    assert stat.S_IMODE(target.stat().st_mode) == 0o750
    assert {path.name for path in tmp_path.iterdir()} == {"link.py", "target.py"}


def test_a_file_without_fixes_is_not_touched(tmp_path):
    file = tmp_path / "net.py"
    file.write_text("import torch\nrisky(1)\n")
    before = file.stat()
    check_files([str(file)], SAFE)
    assert (file.stat().st_mtime_ns, file.stat().st_ino) == (before.st_mtime_ns, before.st_ino)


def test_a_file_that_cannot_be_written_is_told(tmp_path, monkeypatch):
    def refuse(*_args, **_keywords):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("wolfsbane.audit.checking.fixes.tempfile.mkstemp", refuse)
    outcome, content = _mended(b"import torch\nold(1)\n", tmp_path)
    assert content == b"import torch\nold(1)\n"
    assert outcome.failures == [f"{tmp_path}/net.py cannot be written: Permission denied"]


def test_the_first_of_two_overlapping_fixes_wins():
    first = finding(fix=fix_of(2, 5, 9, "a"))
    same_place = finding(fix=fix_of(2, 8, 12, "b"))
    behind = finding(fix=fix_of(2, 9, 12, "c"))
    assert compatible([first, same_place, behind]) == [first, behind]
    inserts = [finding(fix=fix_of(1, 1, 1, text)) for text in ("import a\n", "import b\n")]
    assert compatible(inserts) == inserts[:1]


def test_fixes_in_different_cells_do_not_overlap():
    places = [Place("a.ipynb", Span(1, 1, 1, 2), cell) for cell in (1, 2)]
    found = [finding(place, fix=fix_of(1, 1, 2, "a")) for place in places]
    assert compatible(found) == found


def _one_at_a_time(program):
    """Find both letters of `ab`, with fixes that overlap, until there are none."""
    column = program.text.find("ab") + 1
    if not column:
        return []
    edits = [fix_of(1, column, column + 2, "cd"), fix_of(1, column, column + 1, "x")]
    return [finding(fix=fix) for fix in edits]


def test_fixes_are_repeated_until_nothing_is_found():
    mended = mend(PythonFile("a.py", "f(ab, ab, ab)\n"), _one_at_a_time, unsafe=False)
    assert mended.program.text == "f(cd, cd, cd)\n"
    assert (mended.num_fixed, mended.findings) == (3, [])


def test_fixes_that_undo_one_another_end():
    def swap(program):
        name = program.text[0]
        return [finding(fix=fix_of(1, 1, 2, "b" if name == "a" else "a"))]

    assert mend(PythonFile("a.py", "a\n"), swap, unsafe=False).num_fixed == MOST_PASSES


def test_a_character_that_the_encoding_lacks_is_not_written():
    program = python_file(b"# coding: latin-1\nold\n", "a.py")
    mended = mend(program, lambda _: [finding(fix=fix_of(2, 1, 4, "'名'"))], unsafe=False)
    assert mended.program == program
    assert len(mended.refused) == 1


def test_a_fix_of_several_edits_is_made_as_a_whole():
    edits = (Edit(Span(1, 1, 1, 1), "import a\n"), Edit(Span(1, 1, 1, 4), "new"))
    program = PythonFile("a.py", "old\r\n")
    fixes = [Fix("Replace", edits[1:], is_safe=True), Fix("Import", edits[:1], is_safe=True)]
    once = mend(program, lambda p: [finding(fix=fixes[0])] if "old" in p.text else [], unsafe=False)
    assert once.program.original == "new\r\n"
    other = program.edited([(None, edits[0])])
    assert other.original == "import a\r\nold\r\n"


def test_a_diff_shows_what_would_change_and_writes_nothing(tmp_path):
    content = b"import torch\r\nold(1)\r\nlast"
    outcome, after = _mended(content, tmp_path, Task((OldCall,), fix=True, write=False))
    assert after == content
    path = tmp_path / "net.py"
    (diff,) = outcome.diffs
    assert diff == (
        f"--- {path}\n+++ {path}\n@@ -1,3 +1,3 @@\n import torch\n-old(1)\n+new(1)\n last\n"
        "\\ No newline at end of file\n"
    )


def test_what_did_not_change_has_no_diff():
    program = PythonFile("a.py", "a\n")
    assert diff_of(program, program) == ""
