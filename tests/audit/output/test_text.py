import re
from pathlib import Path

import pytest

from audit.findings_by_hand import finding, fix_of, syntax_error
from wolfsbane.audit.finding import Place, Span
from wolfsbane.audit.findings import Findings
from wolfsbane.audit.output import render
from wolfsbane.errors import ArgumentError


def _told(text, span, folder, **options):
    file = folder / "net.py"
    file.write_text(text, encoding="utf-8")
    told = render([finding(Place(str(file), span), **options)])
    return told.replace(f"{folder}/", "")


def test_a_finding_is_told_with_its_line_a_mark_and_help(tmp_path):
    assert _told("def f(x):\n    return drop(x)\n", Span(2, 12, 2, 19), tmp_path) == (
        "net.py:2:12: WB101 dropout is always on\n"
        "  |\n"
        "2 |     return drop(x)\n"
        "  |            ^^^^^^^\n"
        "  = help: pass training\n"
        "\n"
        "Found 1 error.\n"
    )


def test_related_places_come_under_the_help(tmp_path):
    related = ((Place("train.py", Span(38, 1, 38, 5)), "the mode was last set here"),)
    told = _told("drop(x)\n", Span(1, 1, 1, 8), tmp_path, related=related)
    assert "  = help: pass training\n  = note: train.py:38:1: the mode was last set here\n" in told


@pytest.mark.parametrize(
    ("line", "span", "marked"),
    [
        ("\tdrop(x)", (2, 6), "         |     ^^^^"),
        ("名 = drop(x)", (5, 9), "         |      ^^^^"),
        ("e\N{COMBINING ACUTE ACCENT} = drop(x)", (6, 10), "         |     ^^^^"),
        ("drop", (1, 1), "         | ^"),
        ("drop", (9, 12), "         |     ^"),
    ],
)
def test_the_mark_is_below_what_is_meant(line, span, marked, tmp_path):
    told = _told(line, Span(1, span[0], 1, span[1]), tmp_path).splitlines()
    assert told[3] == marked.replace("         |", "  |")


def test_a_span_over_lines_is_marked_to_the_end_of_the_first(tmp_path):
    told = _told("drop(\n    x)\n", Span(1, 1, 2, 7), tmp_path)
    assert "1 | drop(\n  | ^^^^^\n" in told


def test_of_a_long_line_the_part_that_matters_is_shown(tmp_path):
    line = "a" * 1000 + "drop" + "b" * 1000
    shown, mark = _told(line, Span(1, 1001, 1, 1005), tmp_path).splitlines()[2:4]
    assert len(shown) < 200
    assert shown[mark.index("^") :].startswith("drop")
    assert mark.count("^") == 4


def test_a_terminal_cannot_be_steered_by_a_program(tmp_path):
    told = _told('x = "\x1b[31m"; drop(x)\n', Span(1, 14, 1, 21), tmp_path, message="a\x1b[2Jb")
    assert "\x1b" not in told


def test_a_module_is_told_by_its_path():
    assert render([finding(Place(module="encoder.drop"))]).startswith(
        "encoder.drop: WB101 dropout is always on\n = help: pass training\n"
    )


def test_a_file_that_is_gone_costs_only_its_line():
    told = render([finding(Place("gone.py", Span(3, 1, 3, 4)))])
    assert told.startswith("gone.py:3:1: WB101 dropout is always on\n = help")


def test_the_last_lines_count_findings_and_fixes():
    safe = fix_of(1, 1, 2, "a")
    unsafe = fix_of(1, 1, 2, "b", is_safe=False)
    told = render([finding(fix=safe), finding(fix=unsafe), finding()])
    assert told.endswith(
        "Found 3 errors.\n[*] 1 fixable with --fix, 1 fixable with --unsafe-fixes.\n"
    )
    assert told.count("WB101 [*] ") == 1
    assert render([]) == "All checks passed!\n"


def test_statistics_count_by_rule():
    told = render([finding(), syntax_error(), finding(fix=fix_of(1, 1, 2, "a"))], statistics=True)
    assert told.splitlines()[:2] == [
        "2  WB101  [*]  dropout-always-on",
        "1  WB000  [ ]  syntax-error",
    ]


def test_notes_say_what_could_not_be_looked_at():
    assert "note: the graph could not be exported\n" in render(
        [], notes=["the graph could not be exported"]
    )


def test_findings_bring_their_own_notes():
    assert "note: nothing was trained\n" in render(Findings([finding()], ["nothing was trained"]))


def test_colours_change_nothing_but_the_style(tmp_path):
    file = tmp_path / "net.py"
    file.write_text("drop(x)\n", encoding="utf-8")
    findings = [finding(Place(str(file), Span(1, 1, 1, 8)), fix=fix_of(1, 1, 5, "a"))]
    colored = render(findings, color=True)
    assert "\x1b[" in colored
    assert re.sub(r"\x1b\[[\d;]*m", "", colored) == render(findings)


def test_an_unknown_format_is_refused():
    with pytest.raises(ArgumentError, match=r"told as text, json, sarif, github, but got 'xml'"):
        render([], "xml")


@pytest.mark.parametrize("format", ["sarif", "github"])
def test_formats_without_statistics_say_so(format):
    with pytest.raises(ArgumentError, match=f"as text or json, not as {format}"):
        render([], format, statistics=True, root=Path())
