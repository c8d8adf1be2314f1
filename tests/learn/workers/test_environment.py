"""A worker finds this wolfsbane; a student's finds no more than it needs."""

import os
import sysconfig
from pathlib import Path

import wolfsbane
from wolfsbane.learn.workers.environment import environment


def test_secrets_do_not_reach_a_students_program(monkeypatch):
    monkeypatch.setenv("HUB_TOKEN", "a secret")
    monkeypatch.setenv("OMP_PROC_BIND", "true")
    reduced = environment(is_reduced=True)
    assert "HUB_TOKEN" not in reduced
    assert reduced["OMP_PROC_BIND"] == "true"
    assert reduced["PATH"] == os.environ["PATH"]
    assert environment(is_reduced=False)["HUB_TOKEN"] == "a secret"


def test_a_students_program_has_one_thread_and_no_gpu():
    reduced = environment(is_reduced=True)
    assert (reduced["OMP_NUM_THREADS"], reduced["CUDA_VISIBLE_DEVICES"]) == ("1", "")


def test_folders_on_the_path_are_absolute_since_workers_run_elsewhere(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", f"here{os.pathsep}{os.pathsep}/there")
    path = environment(is_reduced=True)["PYTHONPATH"].split(os.pathsep)
    assert path[:2] == [str(tmp_path / "here"), "/there"]


def test_this_wolfsbane_is_on_the_path_wherever_it_lies(monkeypatch):
    monkeypatch.delenv("PYTHONPATH", raising=False)
    folder = str(Path(wolfsbane.__file__).parent.parent)
    monkeypatch.setattr(sysconfig, "get_path", lambda name: f"/elsewhere/{name}")
    assert environment(is_reduced=True)["PYTHONPATH"] == folder


def test_an_installed_wolfsbane_needs_no_path(monkeypatch):
    monkeypatch.delenv("PYTHONPATH", raising=False)
    folder = str(Path(wolfsbane.__file__).parent.parent)
    monkeypatch.setattr(sysconfig, "get_path", lambda name: folder)
    assert "PYTHONPATH" not in environment(is_reduced=True)
