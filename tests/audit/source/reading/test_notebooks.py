import json

import pytest

from audit.made_up_rule import OldCall
from wolfsbane.audit.checking.programs import Task, check_files, check_text
from wolfsbane.audit.registry import rule_of
from wolfsbane.audit.source.reading.magics import without_magics
from wolfsbane.audit.source.reading.notebook import notebook

RULES = (rule_of("WB101"), OldCall)
IMPORT = "import torch.nn.functional as F\n"
DROP = "def f(x):\n    return F.dropout(x)\n"


def _content(*cells, indent=1, metadata=None, **more):
    """Return a notebook; cells that begin with # are Markdown."""
    made = []
    for cell in cells:
        kind = "markdown" if cell.startswith("# ") else "code"
        extra = {"execution_count": None, "outputs": []} if kind == "code" else {}
        source = cell.splitlines(keepends=True)
        made.append({"cell_type": kind, "metadata": {}, **extra, "source": source})
    data = {"cells": made, "metadata": metadata or {}, "nbformat": 4, "nbformat_minor": 5, **more}
    return (json.dumps(data, indent=indent, ensure_ascii=False) + "\n").encode()


def _check(content, **options):
    return check_text(content, "a.ipynb", Task(RULES, **options))


def test_a_finding_is_told_by_cell_and_line_in_it():
    outcome = _check(_content("# A title", IMPORT, "x = 1\n\n" + DROP))
    assert [str(one.place) for one in outcome.findings] == ["a.ipynb:cell 3:4:12"]


def test_cells_are_one_program():
    net = "class Net(nn.Module):\n    def forward(self, x):\n        return F.dropout(x)"
    outcome = _check(_content("from torch import nn", IMPORT, net))
    assert [one.place.cell for one in outcome.findings] == [3]


@pytest.mark.parametrize(
    ("magic", "python"),
    [
        ("%matplotlib inline\nx = 1", "pass\nx = 1"),
        ("!pip install \\\n  torch\nx = 1", "pass\n\nx = 1"),
        ("!echo \"it's\nx = 1", "pass\nx = 1"),
        ("!echo (\nx = 1", "pass\nx = 1"),
        ("x = 1\nx?", "x = 1\npass"),
        ("?x", "pass"),
        ("files = !ls *.py\nx = 1", "files = None\nx = 1"),
        ("took = %timeit -o f()", "took = None"),
        ("if x:\n    %time f()\nelse:\n    !ls", "if x:\n    pass\nelse:\n    pass"),
        ("%%time\nx = 1", "\nx = 1"),
        ("%%bash\nls -l\necho $x", "\n\n"),
        ("%%html\n<b>", "\n"),
        ("\n%%bash\nls", "\n\n"),
        ("/f x", "pass"),
        ("x = (7\n  % 2)", "x = (7\n  % 2)"),
        ('"""\n%matplotlib\n"""', '"""\n%matplotlib\n"""'),
        ("%load_ext a\nx = (7\n  % 2)", "pass\nx = (7\n  % 2)"),
        ("await f()", "await f()"),
        ("# really?\nx = 1", "# really?\nx = 1"),
        ("", ""),
    ],
)
def test_magics_are_made_harmless_line_for_line(magic, python):
    assert without_magics(magic) == python


def test_lines_below_magics_keep_their_numbers():
    outcome = _check(_content(f"%matplotlib inline\n!pip install torch\n{IMPORT}{DROP}"))
    assert [str(one.place) for one in outcome.findings] == ["a.ipynb:cell 1:5:12"]


def test_a_cell_that_is_no_python_is_told_and_the_others_are_checked():
    outcome = _check(_content(IMPORT, "def f(:\n", DROP))
    told = [(one.code, one.place.cell) for one in outcome.findings]
    assert told == [("WB000", 2), ("WB101", 3)]
    assert str(outcome.findings[0].place) == "a.ipynb:cell 2:1:7"


def test_a_bracket_left_open_does_not_swallow_the_next_cell():
    outcome = _check(_content("x = (1,", IMPORT + DROP))
    assert [one.code for one in outcome.findings] == ["WB000", "WB101"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"{", "a notebook is JSON, and here it breaks off"),
        (_content(DROP)[:100], "a notebook is JSON, and here it breaks off"),
        (b"\xff\xfe", "a notebook is JSON in UTF-8"),
        (b"[]", "no notebook of format 4"),
        (b'{"nbformat": 3, "worksheets": []}', "no notebook of format 4"),
        (b'{"nbformat": 4, "cells": 3}', "no notebook of format 4"),
        (b'{"nbformat": 4, "cells": [3]}', "no notebook of format 4"),
    ],
)
def test_what_is_no_notebook_is_told(content, message):
    (finding,) = _check(content).findings
    assert finding.code == "WB000"
    assert message in finding.message
    assert "not Python" not in finding.message


def test_notebooks_in_other_languages_are_left_alone():
    content = _content("library(torch)", metadata={"language_info": {"name": "R"}})
    assert _check(content).findings == []
    kernel = {"kernelspec": {"language": "julia", "name": "julia-1.9"}}
    assert notebook(_content("using Torch", metadata=kernel), "a.ipynb") is None


def test_noqa_is_obeyed_in_cells():
    hidden = DROP.replace("(x)\n", "(x)  # noqa: WB101\n").replace("f(x)  # noqa: WB101", "f(x)")
    assert _check(_content(IMPORT, hidden)).findings == []
    assert _check(_content(IMPORT, DROP, "# wolfsbane: noqa\npass")).findings != []
    assert _check(_content(IMPORT, DROP, "pass  # wolfsbane: noqa")).findings == []
    warned = _check(_content(IMPORT, "x = 1\ny = 2  # noqa: WB999")).warnings
    assert warned == ["a.ipynb:cell 2:2:1: noqa names WB999, which is no rule"]


@pytest.mark.parametrize("content", [b"", b"\n"])
def test_an_empty_file_is_a_notebook_to_be(content):
    assert _check(content).findings == []


@pytest.mark.parametrize("indent", [None, 1, 2, "\t"])
def test_fixes_change_the_sources_and_not_one_other_byte(indent, tmp_path):
    cells = ("# Old\nold(1)", "import torch\n", "%time\nx = '名'\nold(x)\nold(2)", "x = 1")
    content = _content(*cells, indent=indent)
    file = tmp_path / "a.ipynb"
    file.write_bytes(content)
    outcome = check_files([str(file)], Task(RULES, fix=True))
    assert outcome.num_fixed == 2
    expected = content.decode().replace("old(x)", "new(x)").replace('"old(2)', '"new(2)')
    assert file.read_bytes() == expected.encode()


@pytest.mark.parametrize("end", ["", "\n", "\r\n"])
def test_the_end_of_the_file_and_odd_numbers_stay(end, tmp_path):
    text = (
        '{"cells": [{"cell_type": "code", "source": "import torch; old(1)", "w": 1.50e3}],'
        '  "metadata": {"a": "\\u00e9"}, "nbformat": 4}'
    )
    file = tmp_path / "a.ipynb"
    file.write_bytes((text + end).encode())
    check_files([str(file)], Task(RULES, fix=True))
    assert file.read_bytes() == (text.replace("old", "new") + end).encode()


def test_escaped_characters_stay_escaped():
    content = _content("import torch\nx = '名'; old(x)").decode().replace("名", "\\u540d").encode()
    program = _check(content, fix=True, write=False).programs[0]
    assert program.encoded() == content.replace(b"old", b"new")


def test_a_diff_names_the_cell():
    (diff,) = _check(_content("import torch", "x = 1\nold(x)\n"), fix=True, write=False).diffs
    assert diff == (
        "--- a.ipynb:cell 2\n+++ a.ipynb:cell 2\n@@ -1,2 +1,2 @@\n x = 1\n-old(x)\n+new(x)\n"
    )


def test_lines_of_a_cell_that_is_not_there_are_none():
    assert notebook(_content("x"), "a.ipynb").lines(9) == []
