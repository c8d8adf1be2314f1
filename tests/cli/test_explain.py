import json
import signal
import sys

import pytest

from wolfsbane.audit.documentation import page_of
from wolfsbane.audit.registry import all_rules, rule_of
from wolfsbane.cli import main

MODULE = sys.modules["wolfsbane.cli.explain"]
"""The package's name `explain` is the command."""


@pytest.fixture
def explain(capfd, monkeypatch):
    def run(*arguments):
        handler = signal.getsignal(signal.SIGINT)
        monkeypatch.setattr(sys, "argv", ["wolfsbane", "explain", *map(str, arguments)])
        try:
            with pytest.raises(SystemExit) as end:
                main()
        finally:
            signal.signal(signal.SIGINT, handler)
        out, err = capfd.readouterr()
        return end.value.code or 0, out, err

    return run


@pytest.mark.parametrize("name", ["WB101", "wb101", "dropout-always-on"])
def test_a_rule_is_explained_by_code_or_name(name, explain):
    assert explain(name) == (0, page_of(rule_of("WB101")).markdown(), "")


def test_a_page_is_laid_out_for_a_terminal(explain, monkeypatch):
    monkeypatch.setattr(MODULE, "has_colors", lambda: True)
    laid_out = explain("WB101")[1]
    assert "What it does" in laid_out
    assert "## What it does" not in laid_out
    assert "```" not in laid_out
    assert explain("WB101", "--markdown")[1] == page_of(rule_of("WB101")).markdown()


def test_all_rules_are_listed(explain, monkeypatch):
    lines = explain("--list")[1].splitlines()
    assert len(lines) == len(all_rules()) + 2
    assert lines[2].startswith("| WB101 | dropout-always-on | error | source")
    monkeypatch.setattr(MODULE, "has_colors", lambda: True)
    table = explain("--list")[1]
    assert all(rule.code in table for rule in all_rules())


@pytest.mark.parametrize("width", [40, 80, 120])
def test_names_are_whole_on_a_terminal_of_any_width(width, explain, monkeypatch):
    monkeypatch.setattr(MODULE, "has_colors", lambda: True)
    monkeypatch.setenv("COLUMNS", str(width))
    listed = explain("--list")[1]
    assert all(rule.name in listed for rule in all_rules())
    assert max(map(len, listed.splitlines())) <= width


def test_a_terminal_shows_where_links_lead(explain, monkeypatch):
    monkeypatch.setattr(MODULE, "has_colors", lambda: True)
    assert "https://github.com/pytorch/pytorch/issues/26338" in explain("WB101")[1]


def test_all_rules_are_listed_for_programs(explain):
    rows = json.loads(explain("--list", "--output-format", "json")[1])
    assert [row["code"] for row in rows] == [rule.code for rule in all_rules()]
    assert set(rows[0]) == {"code", "name", "severity", "channels", "fix", "default", "summary"}
    assert all(row["default"] != row["code"].startswith("WB9") for row in rows)
    assert {row["fix"] for row in rows} <= {"safe", "unsafe", None}


def test_every_page_is_printed(explain):
    out = explain("--all")[1]
    assert all(f"# {rule.code} {rule.name}\n" in out for rule in all_rules())


def test_a_file_that_cannot_be_read_is_no_rule(explain):
    code, _, err = explain("wb000")
    assert code == 2
    assert err.startswith("wolfsbane: WB000 is no rule: it tells of a file that is not Python")


def test_an_unknown_rule_is_named_with_the_nearest(explain):
    code, out, err = explain("dropout-allways-on")
    assert (code, out) == (2, "")
    assert "perhaps dropout-always-on is meant" in err
    assert err.count("\n") == 1


@pytest.mark.parametrize(
    "arguments",
    [[], ["WB101", "--list"], ["--list", "--all"], ["WB101", "--output-format", "json"]],
)
def test_what_does_not_go_together_is_exit_code_2(arguments, explain):
    code, _, err = explain(*arguments)
    assert code == 2
    assert err.startswith("wolfsbane: ")


def test_pages_are_written_and_old_ones_removed(explain, tmp_path):
    folder = tmp_path / "docs" / "rules"
    folder.mkdir(parents=True)
    (folder / "WB199.md").write_text("a rule that was")
    (folder / "notes.md").write_text("somebody's own")
    code, out, _ = explain("--write", folder)
    assert (code, out) == (0, f"{len(all_rules()) + 1} pages written to {folder}\n")
    expected = {f"{rule.code}.md" for rule in all_rules()} | {"README.md", "notes.md"}
    assert {path.name for path in folder.iterdir()} == expected
    assert "| [WB101](WB101.md) | dropout-always-on |" in (folder / "README.md").read_text()
