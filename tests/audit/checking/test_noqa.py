import pytest

from audit.findings_by_hand import finding
from wolfsbane.audit.checking.noqa import read_noqa
from wolfsbane.audit.finding import Place, Span

KNOWN = frozenset({"WB101", "WB105", "WB201"})


def _hidden(text, code="WB101", line=1, end_line=None):
    span = Span(line, 1, end_line or line, 2)
    return read_noqa(text, KNOWN).hides(code, span)


@pytest.mark.parametrize(
    "comment",
    [
        "# noqa",
        "#noqa",
        "# NOQA",
        "# noqa: WB101",
        "# noqa:WB101",
        "# noqa : wb101",
        "# noqa: WB105, WB101",
        "# noqa: E501,WB101 as in Tacotron 2",
        "# noqa: WB101, E501 reason",
        "# type: ignore  # noqa: WB101",
        "# wolfsbane: noqa",
        "# wolfsbane: noqa: WB101",
    ],
)
def test_a_comment_hides_a_finding(comment):
    assert _hidden(f"drop(x)  {comment}\n")


@pytest.mark.parametrize(
    "comment",
    [
        "# noqa: WB105",
        "# noqa: E501",
        "# noqa: WB1",
        "# noqa:",
        "# noqa: because",
        "# noqa-like",
        "# nothing",
        "# ruff: noqa: WB101",
        "# wolfsbane: noqa: WB105",
    ],
)
def test_a_comment_about_something_else_hides_nothing(comment):
    if comment == "# ruff: noqa: WB101":
        assert not _hidden(f"{comment}\ndrop(x)\n", line=2)
    else:
        assert not _hidden(f"drop(x)  {comment}\n")


def test_only_comments_count():
    assert not _hidden('drop("# noqa")\n')
    assert not _hidden('"""\ndrop  # noqa\n"""\n', line=2)


def test_a_comment_counts_on_its_line_alone():
    text = "drop(x)\ndrop(y)  # noqa\ndrop(z)\n"
    assert [_hidden(text, line=line) for line in (1, 2, 3)] == [False, True, False]


STATEMENT = "y = f(\n    a,{0}\n    drop(\n        x,{1}\n    ),\n    b,{2}\n){3}\n"


@pytest.mark.parametrize(("where", "is_hidden"), [(0, False), (1, True), (2, False), (3, True)])
def test_in_a_statement_of_many_lines_the_findings_lines_and_the_last_count(where, is_hidden):
    text = STATEMENT.format(*("  # noqa: WB101" if n == where else "" for n in range(4)))
    assert _hidden(text, line=3, end_line=5) == is_hidden


def test_a_comment_in_a_body_does_not_hide_what_is_found_in_its_head():
    text = "def f(x):\n    g(x)  # noqa\n    return x\n"
    assert not _hidden(text, line=1, end_line=3)


def test_a_string_of_many_lines_has_its_comment_behind_it():
    assert _hidden('x = drop("""a\nb\n""")  # noqa: WB101\n', line=1)


def test_a_comment_for_the_file_counts_wherever_it_is():
    assert _hidden("drop(x)\n\n# wolfsbane: noqa: WB101\n")
    assert not _hidden("drop(x)\n\n# wolfsbane: noqa: WB101\n", code="WB105")
    assert read_noqa("# wolfsbane: noqa", KNOWN).hides("WB201", None)


def test_a_code_that_is_no_rule_is_warned_of():
    noqa = read_noqa("a\nb  # noqa: WB999, E501, WB101\nc  # noqa: WB1\nd  # noqa: why\n", KNOWN)
    assert noqa.warnings == (
        (2, "noqa names WB999, which is no rule"),
        (3, "noqa names WB1, which is no rule"),
    )


def test_a_colon_without_a_code_is_warned_of_where_something_is_found():
    noqa = read_noqa("a\nb  # noqa: why\nc  # noqa: why\nd  # noqa\n", KNOWN)
    found = [finding(Place("a.py", Span(line, 1, line, 2))) for line in (1, 2, 4)]
    shown = noqa.shown(found)
    assert shown == found[:2]
    text = "noqa: without a code hides nothing; write `# noqa: WB101`"
    assert noqa.warnings_for(shown) == [(2, text)]


def test_other_tools_codes_are_no_business_of_ours():
    assert read_noqa("import a  # noqa: F401, B024\n", KNOWN).warnings == ()
