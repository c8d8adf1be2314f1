"""What this machine can do is told without doing it, and words go with each refusal."""

import platform
import socket

import pytest

from wolfsbane.learn.blocks import End
from wolfsbane.learn.workers.confinement import Protection, available, calls, system_calls
from wolfsbane.learn.workers.confinement.refusal import RefusedError


def test_asking_what_is_available_confines_nothing(tmp_path):
    before = available()
    (tmp_path / "written").write_text("still")
    with socket.socket():
        pass
    assert available() == before


def test_what_this_machine_does_not_keep_programs_from_is_said():
    assert Protection(system_calls=True, files=True).lacks() == ""
    assert "from files outside its folder by Python alone" in Protection(True, False).lacks()
    without = Protection(system_calls=False, files=False).lacks()
    assert "from the network and other processes and from files" in without
    assert "run programs that you trust" in without


@pytest.mark.parametrize("machine", ["i686", "riscv64", "s390x", ""])
def test_on_a_processor_that_is_not_known_the_audit_hook_stands_alone(monkeypatch, machine):
    monkeypatch.setattr(platform, "machine", lambda: machine)
    assert calls.processor() is None
    assert not system_calls.is_available()
    assert system_calls.refuse() is False


def test_elsewhere_than_on_linux_the_audit_hook_stands_alone(monkeypatch):
    monkeypatch.setattr("sys.platform", "darwin")
    assert not available().system_calls
    assert not available().files


@pytest.mark.parametrize(
    ("end", "words"),
    [(End.NETWORK, "no network"), (End.PROCESSES, "num_workers=0"), (None, "its own folder")],
)
def test_a_refusal_says_what_to_do_instead(end, words):
    error = RefusedError(end)
    assert words in str(error)
    assert isinstance(error, PermissionError)
