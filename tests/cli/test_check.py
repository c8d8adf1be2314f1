"""`wolfsbane check`: exit codes, settings, output, fixes, baselines."""

import inspect
import json
import os
import shutil
import signal
import sys
from pathlib import Path

import pytest

import audit
from wolfsbane.audit import registry, rules
from wolfsbane.cli import main
from wolfsbane.cli.check import check as command

MADE_UP_RULE = Path(audit.__path__[0]) / "made_up_rule.py"
PROGRAM = """\
import torch.nn.functional as F
from torch import nn


class Net(nn.Module):
    def forward(self, x):
        return F.dropout(x, 0.5)
"""
CLEAN = PROGRAM.replace("0.5", "0.5, self.training")


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A folder with one mistake in it, as the current folder."""
    (tmp_path / "net.py").write_text(PROGRAM)
    (tmp_path / "pyproject.toml").write_text("[tool.wolfsbane]\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("NO_COLOR", "1")
    return tmp_path


@pytest.fixture
def check(project, capfd, monkeypatch):
    """Run the command in this process: exit code, standard output, standard error."""

    def run(*arguments):
        handler = signal.getsignal(signal.SIGINT)
        monkeypatch.setattr(sys, "argv", ["wolfsbane", "check", *map(str, arguments)])
        try:
            with pytest.raises(SystemExit) as end:
                main()
        finally:
            signal.signal(signal.SIGINT, handler)
        out, err = capfd.readouterr()
        return end.value.code or 0, out, err

    return run


@pytest.fixture
def made_up_rule(tmp_path_factory, monkeypatch):
    """WB190, which has fixes: a rule is found by lying among the others."""
    folder = tmp_path_factory.mktemp("rules")
    shutil.copy(MADE_UP_RULE, folder / "old_call.py")
    monkeypatch.setattr(rules, "__path__", [*rules.__path__, str(folder)])
    registry.all_rules.cache_clear()
    yield
    registry.all_rules.cache_clear()
    sys.modules.pop(f"{rules.__name__}.old_call", None)


def test_a_mistake_is_told_and_the_exit_code_is_1(check):
    code, out, err = check()
    assert code == 1
    assert out.startswith("net.py:7:16: WB101 ")
    assert "7 |         return F.dropout(x, 0.5)\n  |                ^" in out
    assert "Found 1 error.\n" in out
    assert err == ""


def test_without_a_mistake_the_exit_code_is_0(check, project):
    (project / "net.py").write_text(CLEAN)
    assert check() == (0, "All checks passed!\n", "")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nowhere.py"], "nowhere.py does not exist: give a file or a folder that does"),
        (["--select", "WB777"], "no rule is called 'WB777'"),
        (["--select", "dropout-always-onn"], "perhaps dropout-always-on is meant"),
        (["--ignore", "E501"], "no rule is called 'E501'"),
        (["--config", "nowhere.toml"], "nowhere.toml: No such file or directory"),
        (["--config", "pyproject.toml", "--isolated"], "give one of them"),
        (["--baseline", "known.json"], "the baseline known.json does not exist; --write-baseline"),
        (["--write-baseline"], "--write-baseline needs to know where: --baseline FILE"),
        (["-", "net.py"], "`-`, standard input, cannot be checked together with files"),
        (["--statistics", "--output-format", "github"], "statistics are told as text or json"),
        (["--output-file", "nowhere/a.txt"], "nowhere/a.txt cannot be written: No such file"),
    ],
)
def test_a_mistake_in_the_call_is_one_line_and_exit_code_2(arguments, message, check):
    code, out, err = check(*arguments)
    assert (code, out) == (2, "")
    assert err.startswith("wolfsbane: ")
    assert message in err
    assert err.count("\n") == 1


def test_an_unknown_option_is_exit_code_2(check):
    assert check("--jobs", "4")[0] == 2
    assert check("--output-format", "xml")[0] == 2


def test_a_wrong_setting_is_one_line_and_exit_code_2(check, project):
    (project / "pyproject.toml").write_text("[tool.wolfsbane]\nselekt = []\n")
    code, _, err = check()
    assert code == 2
    assert err.endswith("tool.wolfsbane has no setting 'selekt'; perhaps select is meant\n")
    assert check("--isolated")[0] == 1


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["--select", "WB101"], 1),
        (["--select", "dropout-always-on"], 1),
        (["--select", "WB3"], 0),
        (["--select", "WB3,WB101"], 1),
        (["--select", "WB3", "--select", "WB1"], 1),
        (["--select", "WB3", "--extend-select", "WB101"], 1),
        (["--select", "ALL"], 1),
        (["--ignore", "WB101"], 0),
        (["--ignore", "WB1"], 0),
        (["--select", "WB101", "--ignore", "WB1"], 1),
        (["--ignore", "WB101", "--extend-select", "WB9"], 0),
        (["--exit-zero"], 0),
        (["--exclude", "net.py"], 0),
        (["--exclude", "net.py", "net.py"], 1),
        (["--exclude", "net.py", "--force-exclude", "net.py"], 0),
    ],
)
def test_options_choose_rules_and_files(arguments, code, check, project):
    assert check(*arguments)[0] == code


def test_settings_count_and_the_command_line_wins(check, project):
    settings = project / "pyproject.toml"
    settings.write_text('[tool.wolfsbane]\nignore = ["WB101"]\n')
    assert check()[0] == 0
    assert check("--select", "WB101")[0] == 1
    assert check("--isolated")[0] == 1
    settings.write_text('[tool.wolfsbane.per-file-ignores]\n"n*.py" = ["WB1"]\n')
    assert check()[0] == 0
    assert check("--select", "WB101")[0] == 0
    other = project / "other.toml"
    other.write_text('extend-exclude = ["net.py"]\n')
    assert check("--config", other)[0] == 0


def test_comments_hide_findings_and_unknown_codes_are_warned_of(check, project):
    (project / "net.py").write_text(PROGRAM.replace("0.5)", "0.5)  # noqa: WB101, WB999"))
    code, _, err = check()
    assert code == 0
    assert err == "warning: net.py:7:1: noqa names WB999, which is no rule\n"
    assert check("--quiet")[2] == ""


def test_a_file_that_does_not_parse_is_told_and_the_rest_goes_on(check, project):
    (project / "a_broken.py").write_text("def f(:\n")
    code, out, _ = check()
    assert code == 1
    assert "a_broken.py:1:7: WB000 this is not Python" in out
    assert "WB101" in out
    assert "Found 2 errors." in out
    assert check("--select", "WB3", "a_broken.py")[0] == 1


def test_a_rule_that_fails_is_exit_code_2(check, monkeypatch):
    def fail(_self, _source):
        raise RuntimeError("of itself")

    monkeypatch.setattr(registry.rule_of("WB101"), "check_source", fail)
    code, _, err = check("--exit-zero")
    assert code == 2
    assert err.startswith("wolfsbane: net.py: a rule failed with RuntimeError: of itself; this is")


def test_a_folder_without_python_is_warned_of(check, project):
    (project / "empty").mkdir()
    code, _, err = check("empty")
    assert (code, err) == (0, "warning: no Python files or notebooks found\n")


def test_statistics_count(check):
    assert check("--statistics")[1].startswith("1  WB101  [")
    code, out, _ = check("--statistics", "--output-format", "json")
    assert code == 1
    assert json.loads(out)["statistics"][0]["count"] == 1


def test_quiet_leaves_the_findings_alone(check, project):
    out = check("--quiet")[1]
    assert "WB101" in out
    assert "Found" not in out
    (project / "net.py").write_text(CLEAN)
    assert check("--quiet") == (0, "", "")


@pytest.mark.parametrize("format", ["text", "json", "sarif", "github"])
def test_findings_go_into_a_file(format, check, project):
    code, out, _ = check("--output-format", format, "--output-file", "found")
    assert (code, out) == (1, "")
    text = (project / "found").read_text()
    assert text == check("--output-format", format)[1]
    assert "WB101" in text
    assert "\x1b" not in text


def test_paths_for_programs_count_from_the_repository(check, project):
    (project / ".git").mkdir()
    (project / "src").mkdir()
    (project / "net.py").rename(project / "src" / "net.py")
    os.chdir(project / "src")
    document = json.loads(check("--output-format", "json", "--exclude", "x")[1])
    assert [one["place"]["file"] for one in document["findings"]] == ["src/net.py"]
    assert check()[1].startswith("net.py:7:16: ")


def test_a_baseline_hides_what_is_known(check, project):
    code, out, _ = check("--baseline", "known.json", "--write-baseline")
    assert (code, out) == (0, "1 finding written to known.json\n")
    code, out, _ = check("--baseline", "known.json")
    assert (code, out) == (0, "All checks passed! 1 error in the baseline.\n")
    (project / "pyproject.toml").write_text('[tool.wolfsbane]\nbaseline = "known.json"\n')
    (project / "more.py").write_text(PROGRAM)
    code, out, _ = check()
    assert code == 1
    assert out.startswith("more.py:7:16")
    results = json.loads(check("--output-format", "sarif")[1])["runs"][0]["results"]
    assert [result["baselineState"] for result in results] == ["new", "unchanged"]
    assert check("--isolated")[0] == 1


def test_what_a_baseline_has_and_is_gone_is_told(check, project):
    check("--baseline", "known.json", "--write-baseline")
    (project / "net.py").write_text(CLEAN)
    code, _, err = check("--baseline", "known.json")
    assert code == 0
    assert err == (
        "warning: net.py: WB101 is in the baseline, and found no more\n"
        "warning: --write-baseline would take 1 out of the baseline\n"
    )
    check("--baseline", "known.json", "--write-baseline")
    assert check("--baseline", "known.json")[2] == ""


def test_what_no_rule_looked_for_is_not_missed_in_a_baseline(check, project):
    check("--baseline", "known.json", "--write-baseline")
    assert check("--baseline", "known.json", "--select", "WB2")[2] == ""
    (project / "net.py").write_text("def f(:\n")
    assert check("--baseline", "known.json")[2] == ""


def test_a_baseline_tells_what_it_cannot_hold(check, project):
    (project / "net.py").write_text("def f(:\n")
    code, out, err = check("--baseline", "known.json", "--write-baseline")
    assert (code, out) == (0, "0 findings written to known.json\n")
    assert err.startswith("warning: not in the baseline: net.py:1:7: WB000 this is not Python")


def test_settings_count_from_their_folder_seen_from_below(check, project):
    text = '[tool.wolfsbane.per-file-ignores]\n"sub/net.py" = ["WB101"]\n'
    (project / "pyproject.toml").write_text(text)
    (project / "sub").mkdir()
    (project / "net.py").rename(project / "sub" / "net.py")
    os.chdir(project / "sub")
    assert check("..") == (0, "All checks passed!\n", "")


@pytest.mark.usefixtures("made_up_rule")
def test_fixes_are_made(check, project):
    (project / "net.py").write_text("import torch\nold(1)\nrisky(2)\n")
    code, out, _ = check("--select", "WB190")
    assert code == 1
    assert "WB190 [*] old is called" in out
    assert out.endswith("[*] 1 fixable with --fix, 1 fixable with --unsafe-fixes.\n")
    code, out, _ = check("--select", "WB190", "--fix")
    assert code == 1
    assert "Found 2 errors (1 fixed, 1 remaining).\n" in out
    assert (project / "net.py").read_text() == "import torch\nnew(1)\nrisky(2)\n"
    assert check("--select", "WB190", "--fix", "--unsafe-fixes") == (
        0,
        "Found 1 error (1 fixed, 0 remaining).\n",
        "",
    )
    assert (project / "net.py").read_text() == "import torch\nnew(1)\ncalm(2)\n"


@pytest.mark.usefixtures("made_up_rule")
def test_a_diff_changes_nothing_and_exits_with_1(check, project):
    (project / "net.py").write_text("import torch\nold(1)\n")
    code, out, _ = check("--select", "WB190", "--diff")
    assert code == 1
    assert out == "--- net.py\n+++ net.py\n@@ -1,2 +1,2 @@\n import torch\n-old(1)\n+new(1)\n"
    assert (project / "net.py").read_text() == "import torch\nold(1)\n"
    (project / "net.py").write_text("import torch\nrisky(1)\n")
    assert check("--select", "WB190", "--diff") == (0, "", "")


def test_help_names_every_option(check, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    code, out, _ = check("--help")
    assert code == 0
    for name in inspect.signature(command).parameters.keys() - {"paths"}:
        assert f"--{name.replace('_', '-')}" in out
