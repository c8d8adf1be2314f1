"""`wolfsbane check` as a process: standard input, pipes, signals, terminals."""

import os
import pty
import signal
import subprocess
import sys

import pytest

PROGRAM = """\
import torch.nn.functional as F
from torch import nn


class Net(nn.Module):
    def forward(self, x):
        return F.dropout(x, 0.5)
"""
CLEAN = PROGRAM.replace("0.5", "0.5, self.training")


def _started(*arguments, cwd, **options):
    command = [sys.executable, "-m", "wolfsbane", "check", *map(str, arguments)]
    options = {"text": True, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | options
    return subprocess.Popen(command, cwd=cwd, **options)


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A folder with one mistake in it, as the current folder."""
    (tmp_path / "net.py").write_text(PROGRAM)
    (tmp_path / "pyproject.toml").write_text("[tool.wolfsbane]\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("NO_COLOR", "1")
    return tmp_path


def test_torch_is_not_imported(project):
    program = (
        "import sys; sys.argv = ['wolfsbane', *sys.argv[1:]]\n"
        "from wolfsbane.cli import main\n"
        "try: main()\n"
        "except SystemExit as end: assert end.code in (0, 1), end.code\n"
        "loaded = {name.split('.')[0] for name in sys.modules}\n"
        "print(sorted(loaded & {'torch', 'numpy', 'numba', 'scipy'}), file=sys.stderr)"
    )
    (project / "net.ipynb").write_text('{"nbformat": 4, "cells": []}')
    for arguments in (
        ["check", "."],
        ["check", "--fix", "--select", "ALL", "--output-format", "sarif", "net.py"],
        ["explain", "--list"],
    ):
        done = subprocess.run(
            [sys.executable, "-c", program, *arguments], capture_output=True, text=True, check=True
        )
        assert done.stderr == "[]\n"


def test_standard_input_is_checked_under_its_name(project):
    (project / "pyproject.toml").write_text(
        '[tool.wolfsbane.per-file-ignores]\n"quiet.py" = ["WB101"]\n'
    )
    out, err = _started("-", cwd=project, stdin=subprocess.PIPE).communicate(PROGRAM)
    assert out.startswith("stdin.py:7:16: WB101")
    assert "7 |         return F.dropout(x, 0.5)" in out
    assert err == ""
    quiet = _started("-", "--stdin-filename", "quiet.py", cwd=project, stdin=subprocess.PIPE)
    assert quiet.communicate(PROGRAM) == ("All checks passed!\n", "")


def test_standard_input_comes_out_mended(project):
    content = b"# coding: latin-1\r\n'\xe9'\r\n" + PROGRAM.encode()
    process = _started("-", "--fix", "--quiet", cwd=project, stdin=subprocess.PIPE, text=False)
    out, err = process.communicate(content)
    mended = content.replace(b"0.5", b"0.5, training=self.training")
    assert (process.returncode, out, err) == (0, mended, b"")


def test_standard_input_that_cannot_be_read_comes_out_as_it_was(project):
    content = b"x = '\xff'\n"
    process = _started("-", "--fix", cwd=project, stdin=subprocess.PIPE, text=False)
    out, err = process.communicate(content)
    assert (process.returncode, out) == (1, content)
    assert err.startswith(b"stdin.py:1:1: WB000")


def test_who_reads_may_go_away(project):
    (project / "net.py").write_text(PROGRAM + "        F.dropout(x, 0.25)\n" * 400)
    with _started("--quiet", "--select", "WB101", cwd=project) as process:
        process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == ""
    assert process.returncode == 1


def test_ctrl_c_ends_with_130(project):
    os.mkfifo(project / "endless.py")
    process = _started("endless.py", cwd=project)
    with (project / "endless.py").open("w"):  # Opens once the command reads it.
        process.send_signal(signal.SIGINT)
        _, err = process.communicate()
    assert process.returncode == 130
    assert err == "wolfsbane: interrupted; nothing was changed\n"


def test_colours_come_on_a_terminal_alone(project):
    for environment, has_colors in (({"TERM": "xterm"}, True), ({"NO_COLOR": "1"}, False)):
        ours, theirs = pty.openpty()
        kept = {key: value for key, value in os.environ.items() if key not in ("NO_COLOR", "TERM")}
        subprocess.run(
            [sys.executable, "-m", "wolfsbane", "check"],
            stdout=theirs,
            check=False,
            cwd=project,
            env=kept | {"TERM": "xterm"} | environment,
        )
        os.close(theirs)
        text = b""
        while chunk := _read(ours):
            text += chunk
        os.close(ours)
        assert (b"\x1b[" in text) == has_colors
        assert b"WB101" in text


def _read(terminal):
    try:
        return os.read(terminal, 4096)
    except OSError:  # What Linux says at the end.
        return b""


def test_a_character_that_the_terminal_lacks_is_told_by_its_number(project):
    (project / "net.py").write_text(PROGRAM.replace("0.5)", "0.5)  # 名"), encoding="utf-8")
    process = _started(cwd=project, env=os.environ | {"PYTHONIOENCODING": "ascii"})
    out, err = process.communicate()
    assert (process.returncode, err) == (1, "")
    assert "# \\u540d" in out
