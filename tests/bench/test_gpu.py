"""`bench --gpu`: what it asks of a GPU, and what Triton's interpreter shows without one."""

import importlib.util
import json
import os
import subprocess
import sys

import pytest
import torch

from skips import require
from wolfsbane.bench import gpu_timing, run
from wolfsbane.bench.case import COMPILED, COPY, Measure, Place
from wolfsbane.bench.gpu_cases import gpu_cases
from wolfsbane.bench.record import record_path
from wolfsbane.bench.timing import Contender
from wolfsbane.errors import UnsupportedError

needs_no_gpu = pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")


def goals_of(part):
    cases = [case for case in gpu_cases(Place.GPU) if part in case.name]
    return {(goal.against, goal.measure, goal.target) for case in cases for goal in case.goals}


def test_targets_of_a_gpu_are_these():
    dropout = goals_of("Dropout p=0.5 forward, ")
    assert (COPY, Measure.SHARE, 1 / 0.85) in dropout
    block = goals_of("BatchNorm2d + ReLU + Dropout p=0.1 forward + backward")
    assert block == {("eager", Measure.SPEEDUP, 2.0), (COMPILED, Measure.SPEEDUP, 1.1)}
    assert ("one input", Measure.SHARE, 1.01) in goals_of("Saved for backward")


def test_the_largest_dropout_has_a_gibibyte():
    (case,) = [case for case in gpu_cases(Place.GPU) if "1 GiB" in case.name]
    assert case.name == "GPU: Dropout p=0.5 forward, 256M float32 (1 GiB)"


def test_the_interpreter_has_the_same_cases_and_no_targets():
    real, tiny = gpu_cases(Place.GPU), gpu_cases(Place.INTERPRETER)
    assert [case.name for case in real] == [case.name for case in tiny]
    assert all(goal.target is None for case in tiny for goal in case.goals)


@needs_no_gpu
def test_without_a_gpu_the_interpreter_is_named(monkeypatch):
    monkeypatch.setattr(run, "is_interpreted", lambda: False)
    with pytest.raises(UnsupportedError, match="With TRITON_INTERPRET=1 in the environment"):
        run.gpu_place()
    monkeypatch.setattr(run, "is_interpreted", lambda: True)
    assert run.gpu_place() is Place.INTERPRETER


def test_record_is_named_after_the_gpu(tmp_path):
    assert record_path(tmp_path, "NVIDIA H200").name.startswith("nvidia-h200-20")
    assert record_path(tmp_path).name.startswith("cpu-20")


def test_rounds_on_a_gpu_take_turns_and_count_seconds(monkeypatch):
    require(importlib.util.find_spec("triton"), "Triton")
    timed = []

    def do_bench(function, **_):
        timed.append(function)
        return 2.0  # milliseconds

    monkeypatch.setattr("triton.testing.do_bench", do_bench)
    calls = {name: Contender(lambda: None) for name in ("ours", "eager")}
    samples = gpu_timing.interleave_on_gpu(calls, rounds=4)
    assert samples == {"ours": [0.002] * 4, "eager": [0.002] * 4}
    names = ["ours" if function is calls["ours"].run else "eager" for function in timed]
    assert names == ["ours", "eager", "eager", "ours", "eager", "ours", "ours", "eager"]


def interpreted(*arguments):
    require(importlib.util.find_spec("triton"), "Triton")
    return subprocess.run(
        [sys.executable, "-m", "wolfsbane", "bench", "--gpu", *arguments],
        env=os.environ | {"TRITON_INTERPRET": "1", "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_interpreter_checks_the_kernels_that_a_gpu_would_run():
    result = interpreted("--only", "forward, 16M", "--only", "saved for", "--rounds", "3", "--json")
    assert result.returncode == 0, result.stderr
    record = json.loads(result.stdout)
    assert [row["status"] for row in record["rows"]] == ["measured"] * 2
    assert {row["executor"] for row in record["rows"]} == {"gpu"}
    assert record["warnings"][0].endswith("these times say nothing of a GPU's")


def test_figures_of_the_interpreter_are_not_recorded(tmp_path):
    result = interpreted("--record", str(tmp_path))
    assert result.returncode == 2
    assert "Triton's interpreter has none" in result.stderr
    assert not any(tmp_path.iterdir())
