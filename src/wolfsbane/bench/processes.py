"""What needs fresh processes: first calls, peaks of memory, imports."""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import torch

from wolfsbane.bench.case import EAGER, OURS, Measurement, RedCheckError, Settings
from wolfsbane.kernels.cpu.cache import VARIABLE

COLD, WARM = "cold cache", "warm cache"
COLD_BACKWARD, WARM_BACKWARD = "cold cache, backward", "warm cache, backward"

LONGEST = 300
"""Seconds that a process may take."""

HELP = "import sys; sys.argv = ['wolfsbane', '--help']; import wolfsbane.cli as c; c.main()"


def measure_first_call(settings: Settings, operation: str) -> Measurement:
    """Time first calls in fresh processes, with an empty cache of kernels and with a filled one."""
    samples: dict[str, list[float]] = {
        name: [] for name in (COLD, WARM, COLD_BACKWARD, WARM_BACKWARD)
    }
    arguments = ["wolfsbane.bench.first_call", operation, str(torch.get_num_threads())]
    for _ in range(settings.num_processes):
        with tempfile.TemporaryDirectory() as folder:
            for cache in (COLD, WARM):
                seconds = json.loads(_run_module(arguments, {VARIABLE: folder}))
                samples[cache].append(seconds["forward"])
                samples[f"{cache}, backward"].append(seconds["backward"])
    return Measurement(samples)


def measure_peak(settings: Settings, layer: str) -> Measurement:
    """Measure what forward and backward over 64 MiB add to a process at its peak."""
    if not Path("/proc/self/status").exists():
        return Measurement({}, absent={OURS: "the peak of a process is read from Linux's /proc"})
    samples: dict[str, list[float]] = {OURS: [], EAGER: []}
    for _ in range(settings.num_processes):
        for name, package in ((OURS, "wolfsbane"), (EAGER, "torch")):
            samples[name].append(float(_run_module(["wolfsbane.bench.peak", package, layer])))
    return Measurement(samples)


def measure_import(settings: Settings) -> Measurement:
    """Time fresh interpreters that import torch and wolfsbane, and torch alone."""
    codes = {OURS: "import torch, wolfsbane", "import torch": "import torch"}
    return _timed_processes(settings, codes)


def measure_help(settings: Settings) -> Measurement:
    """Time `wolfsbane --help`."""
    return _timed_processes(settings, {OURS: HELP})


def _timed_processes(settings: Settings, codes: dict[str, str]) -> Measurement:
    samples: dict[str, list[float]] = {name: [] for name in codes}
    for _ in range(settings.num_processes):
        for name, code in codes.items():
            begin = time.perf_counter()
            _run(["-c", code])
            samples[name].append(time.perf_counter() - begin)
    return Measurement(samples)


def _run_module(arguments: Sequence[str], environment: dict[str, str] | None = None) -> str:
    return _run(["-m", *arguments], environment)


def _run(arguments: Sequence[str], environment: dict[str, str] | None = None) -> str:
    """Return what a fresh interpreter prints.

    Raises:
        RedCheckError: it failed.
    """
    done = subprocess.run(  # noqa: S603
        [sys.executable, *arguments],
        check=False,
        capture_output=True,
        text=True,
        env={**os.environ, **(environment or {})},
        timeout=LONGEST,
    )
    if done.returncode:
        lines = done.stderr.strip().splitlines() or ["it said nothing"]
        raise RedCheckError(f"a fresh process ended with {done.returncode}: {lines[-1]}")
    return done.stdout
