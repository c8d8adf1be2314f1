import pytest

from wolfsbane.audit.checking.programs import REPORT, Task, check_files, check_text
from wolfsbane.audit.registry import rule_of

RULES = (rule_of("WB101"),)
PROGRAM = "import torch.nn.functional as F\ndef f(x):\n    return F.dropout(x)  # é\n"


def _check(content):
    return check_text(content, "net.py", Task(RULES))


@pytest.mark.parametrize(
    "content",
    [
        PROGRAM.encode(),
        b"\xef\xbb\xbf" + PROGRAM.encode(),
        PROGRAM.replace("\n", "\r\n").encode(),
        PROGRAM.replace("\n", "\r").encode(),
        ("# -*- coding: latin-1 -*-\n" + PROGRAM).encode("latin-1"),
        ("#!/usr/bin/python\n# vim: set fileencoding=cp1252 :\n" + PROGRAM).encode("cp1252"),
        PROGRAM.replace("def", "\x0cdef").encode(),
        PROGRAM.rstrip("\n").encode(),
    ],
)
def test_whatever_the_encoding_and_the_line_ends_the_program_is_read(content):
    findings = _check(content).findings
    assert {finding.code for finding in findings} == {"WB101"}
    for finding in findings:
        assert finding.place.span.column == 12


@pytest.mark.parametrize(
    ("content", "line", "message"),
    [
        (PROGRAM.encode("latin-1"), 3, "byte 0xe9 is not utf-8; name the encoding"),
        (b"# coding: nonsense\n", 1, "unknown encoding"),
        (b"# coding: hex\nx = 1\n", 1, "cannot be read as hex"),
        (b"\xef\xbb\xbf# coding: latin-1\nx = 1\n", 1, "encoding problem"),
        (b"# coding: utf-7\nx = '+2AA-'\n", 1, "cannot be read as utf-7"),
        (b"x = 1\nx = \x00\n", 1, "null byte"),
        (b"x = 1\ndef f(:\n", 2, "this is not Python 3."),
        (b"\xff\xfex\x00", 1, "the file is UTF-16; save it as UTF-8"),
        (b"# caf\xe9\nx = 1\n", 1, "byte 0xe9 is not utf-8; name the encoding in the first line"),
        (b"# coding: nix\nx = 1\n", 1, "unknown encoding: nix"),
    ],
)
def test_what_is_no_python_is_told_with_its_line(content, line, message):
    (finding,) = _check(content).findings
    assert (finding.code, finding.severity) == ("WB000", "error")
    assert message in finding.message
    assert finding.place.span.line in (line, 2)


def test_expressions_nested_too_deeply_are_told():
    for text in ("(" * 5000, "-" * 100_000 + "1", "f" + "()" * 100_000, "x" + ".a" * 100_000):
        (finding,) = _check(f"import torch\n{text}\n".encode()).findings
        assert finding.code == "WB000"


def test_a_file_that_cannot_be_read_is_told_and_the_rest_goes_on(tmp_path):
    (tmp_path / "a.py").symlink_to(tmp_path / "nowhere.py")
    (tmp_path / "b.py").write_text(PROGRAM)
    outcome = check_files([str(tmp_path / name) for name in ("a.py", "b.py")], Task(RULES))
    first, second = outcome.findings
    assert first.message == "the file cannot be read: No such file or directory"
    assert (first.code, second.code) == ("WB000", "WB101")


def test_an_empty_file_is_clean():
    assert _check(b"").findings == []


def test_a_rule_that_fails_is_told_and_the_rest_goes_on(monkeypatch, tmp_path):
    def fail(_self, source):
        if "a.py" in source.path:
            raise ValueError("of all\nthings")
        return iter(())

    monkeypatch.setattr(RULES[0], "check_source", fail)
    for name in ("a.py", "b.py"):
        (tmp_path / name).write_text(PROGRAM)
    outcome = check_files([str(tmp_path / name) for name in ("a.py", "b.py")], Task(RULES))
    assert outcome.failures == [
        f"{tmp_path}/a.py: a rule failed with ValueError: of all things; {REPORT}"
    ]
    assert len(outcome.files) == 2
