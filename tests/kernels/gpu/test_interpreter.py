"""The checks of the GPU's kernels, in Triton's interpreter: no GPU is needed.

The interpreter has to be switched on before Triton is imported, hence a process for each file.
"""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

from skips import require

HERE = Path(__file__).parent
ROOT = HERE.parents[2]
CHECKS = sorted(path.name for path in HERE.glob("check_*.py"))


@pytest.mark.parametrize("name", CHECKS)
def test_checks_pass_in_the_interpreter(name):
    require(importlib.util.find_spec("triton"), "Triton")
    environment = os.environ | {"TRITON_INTERPRET": "1", "OMP_NUM_THREADS": "1"}
    environment.pop("PYTEST_XDIST_WORKER", None)
    environment.pop("PYTEST_XDIST_WORKER_COUNT", None)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:xdist", "-p", "no:cacheprovider"]
    result = subprocess.run(
        [*command, str(HERE / name)],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stdout[-8000:] + result.stderr[-2000:]
