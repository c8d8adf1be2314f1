"""Engines by name."""

import sys

import joblib
import pytest

from wolfsbane.errors import ArgumentError, MissingDependencyError
from wolfsbane.tuning.engines import make_engine
from wolfsbane.tuning.engines.here import Here
from wolfsbane.tuning.engines.processes import Processes


def test_one_job_is_this_process():
    assert isinstance(make_engine("local", 1), Here)
    assert make_engine("local", 1).num_workers == 1


def test_jobs_are_processes_started_when_there_is_work():
    engine = make_engine("local", 7)
    assert isinstance(engine, Processes)
    assert engine.num_workers == 7
    engine.close()


def test_default_is_all_cores_this_process_may_use():
    assert make_engine().num_workers == joblib.cpu_count()


@pytest.mark.parametrize(
    ("name", "jobs", "told"),
    [
        ("spark", None, "'spark' is not known. Choose local, ray, dask"),
        ("local:4", None, "'local:4' is not known"),
        ("local", 0, "jobs has to be a positive integer, but got 0"),
        ("ray", 1, "engine 'ray' needs 2 jobs or more, but got 1"),
        ("dask:tcp://nowhere:1", 1, "engine 'dask' needs 2 jobs or more"),
    ],
)
def test_what_cannot_be_is_told(name, jobs, told):
    with pytest.raises(ArgumentError, match=told):
        make_engine(name, jobs)


@pytest.mark.parametrize(("name", "package"), [("ray", "ray"), ("dask", "distributed")])
def test_a_library_that_is_missing_is_named_with_the_extra(monkeypatch, name, package):
    monkeypatch.setitem(sys.modules, package, None)
    monkeypatch.delitem(sys.modules, f"wolfsbane.tuning.engines.on_{name}", raising=False)
    with pytest.raises(MissingDependencyError, match=rf"pip install 'wolfsbane\[{name}\]'"):
        make_engine(name)
