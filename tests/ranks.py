"""Processes that talk over gloo: each runs a script, as one rank of a world."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import torch
from filelock import FileLock

from skips import require_gloo

TESTS = Path(__file__).parent
TIMEOUT = 120


def run_ranks(script, world_size, tmp_path_factory, *jobs):
    """Run `python SCRIPT RANK WORLD_SIZE FOLDER JOB...` for each rank.

    Returns what each wrote to FOLDER/rank{RANK}.pt. The scripts can import what tests can. Of the
    workers of pytest-xdist, one runs them, and the others read what it got.
    """
    require_gloo()
    root = tmp_path_factory.getbasetemp()
    root = root.parent if "PYTEST_XDIST_WORKER" in os.environ else root
    folder = root / "-".join([script.parent.name, script.stem, str(world_size), *jobs])
    finished = folder / "finished"
    with FileLock(folder.with_suffix(".lock")):
        if not finished.exists():
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            _run(script, world_size, folder, jobs)
            finished.touch()
    return [torch.load(folder / f"rank{rank}.pt") for rank in range(world_size)]


def _run(script, world_size, folder, jobs):
    paths = [str(TESTS), *filter(None, [os.environ.get("PYTHONPATH")])]
    environment = {
        **os.environ,
        "OMP_NUM_THREADS": "1",
        "PYTHONPATH": os.pathsep.join(paths),
    }
    processes = [
        subprocess.Popen(
            [sys.executable, script, str(rank), str(world_size), folder, *jobs],
            env=environment,
            stderr=subprocess.PIPE,
            text=True,
        )
        for rank in range(world_size)
    ]
    try:
        errors = [process.communicate(timeout=TIMEOUT)[1] for process in processes]
    finally:
        for process in processes:
            process.kill()
    assert [process.returncode for process in processes] == [0] * world_size, "\n".join(errors)
