import json
from pathlib import Path

import pytest

from wolfsbane.audit.checking.baseline import baseline_of, read_baseline, write_baseline
from wolfsbane.audit.checking.programs import Task, check_files, line_in
from wolfsbane.audit.finding import Place, Span
from wolfsbane.audit.output.excerpts import Excerpts
from wolfsbane.audit.registry import rule_of
from wolfsbane.audit.source.reading.programs import PythonFile
from wolfsbane.errors import DataError

RULES = (rule_of("WB101"),)
HEAD = "import torch.nn.functional as F\n"


def _check(*files, baseline=None):
    return check_files(map(str, files), Task(RULES, baseline=baseline))


@pytest.fixture
def net(tmp_path):
    file = tmp_path / "net.py"
    file.write_text(f"{HEAD}def f(x):\n    x = F.dropout(x)\n    return F.dropout(x, 0.2)\n")
    return file


@pytest.fixture
def baseline(net, tmp_path):
    found = baseline_of(tmp_path / "known.json", _check(net).findings, Excerpts().line)
    write_baseline(found)
    return read_baseline(found.file)


def test_known_findings_are_hidden(net, baseline):
    assert len(baseline.entries) == 2
    outcome = _check(net, baseline=baseline)
    assert outcome.findings == []
    assert len(outcome.known) == 2


def test_lines_that_moved_are_still_known(net, baseline):
    net.write_text("# a comment\n\n" + net.read_text().replace("    return", "\n    return"))
    assert _check(net, baseline=baseline).findings == []


def test_a_line_that_changed_is_new(net, baseline):
    net.write_text(net.read_text().replace("0.2", "0.3"))
    (finding,) = _check(net, baseline=baseline).findings
    assert finding.place.span.line == 4


def test_one_more_of_the_same_line_is_new(net, baseline):
    net.write_text(net.read_text().replace("    return", "    x = F.dropout(x)\n    return"))
    outcome = _check(net, baseline=baseline)
    assert [finding.place.span.line for finding in outcome.findings] == [4]
    assert len(outcome.known) == 2


def test_another_folder_makes_no_difference(net, baseline, monkeypatch):
    monkeypatch.chdir(net.parent)
    assert _check(Path("net.py"), baseline=read_baseline(Path("known.json"))).findings == []
    (net.parent / "inner").mkdir()
    monkeypatch.chdir(net.parent / "inner")
    known = read_baseline(Path("../known.json"))
    assert _check(Path("../net.py"), baseline=known).findings == []


def test_what_is_found_no_more_is_told(net, baseline):
    net.write_text(net.read_text().replace("F.dropout(x, 0.2)", "x"))
    seen = _check(net, baseline=baseline).seen
    (entry,) = baseline.stale(seen, [str(net)], {"WB101"})
    assert (entry.code, entry.path) == ("WB101", "net.py")
    assert baseline.stale(seen, [str(net)], {"WB102"}) == []


def test_files_that_were_not_looked_at_are_not_stale_unless_they_are_gone(net, baseline):
    assert baseline.stale(set(), [], {"WB101"}) == []
    net.unlink()
    assert len(baseline.stale(set(), [], {"WB101"})) == 2


def test_a_file_that_does_not_parse_cannot_be_accepted(tmp_path):
    (tmp_path / "broken.py").write_text("def f(:\n")
    findings = _check(tmp_path / "broken.py").findings
    assert [finding.code for finding in findings] == ["WB000"]
    assert baseline_of(tmp_path / "known.json", findings, Excerpts().line).entries == ()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, r"does not exist; --write-baseline makes it"),
        ("{", "it is not JSON"),
        ("[]", 'it has no "version": 1'),
        ('{"version": 2}', 'it has no "version": 1'),
        ('{"version": 1}', "an entry is incomplete"),
        ('{"version": 1, "findings": [{"code": "WB101"}]}', "an entry is incomplete"),
        ('{"version": 1, "findings": [3]}', "an entry is incomplete"),
    ],
)
def test_a_file_that_is_no_baseline_is_told(text, message, tmp_path):
    file = tmp_path / "known.json"
    if text is not None:
        file.write_text(text)
    with pytest.raises(DataError, match=message) as caught:
        read_baseline(file)
    assert str(file) in str(caught.value)


def test_a_baseline_can_be_read_by_people(baseline):
    document = json.loads(baseline.file.read_text())
    assert {(one["code"], one["path"]) for one in document["findings"]} == {("WB101", "net.py")}
    assert all("dropout" in one["message"] for one in document["findings"])


def test_a_place_beyond_the_program_has_no_line():
    program = PythonFile("a.py", "x\n")
    assert line_in(program, Place("a.py", Span(1, 1, 1, 2))) == "x"
    assert line_in(program, Place("a.py", Span(9, 1, 9, 2))) is None
    assert line_in(program, Place("b.py", Span(1, 1, 1, 2))) is None
