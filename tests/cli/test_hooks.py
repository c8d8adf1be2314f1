"""The hooks that .pre-commit-hooks.yaml offers, run by pre-commit itself."""

import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from skips import require

MANIFEST = Path(__file__).parents[2] / ".pre-commit-hooks.yaml"
PROGRAM = "import torch.nn.functional as F\ndef f(x):\n    return F.dropout(x)\n"


def _git(folder, *arguments):
    author = ["-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false"]
    subprocess.run(["git", *author, *arguments], cwd=folder, check=True, capture_output=True)


@pytest.fixture
def pre_commit(tmp_path):
    """Run pre-commit, with the hooks in a repository `hooks`, on a repository `project`."""
    require(importlib.util.find_spec("pre_commit") is not None, "pre_commit")
    for name in ("hooks", "project"):
        (tmp_path / name).mkdir()
        _git(tmp_path / name, "init", "-q")
    shutil.copy(MANIFEST, tmp_path / "hooks")
    _git(tmp_path / "hooks", "add", "-A")
    _git(tmp_path / "hooks", "commit", "-qm", "Hooks")

    def run(*arguments):
        folders = [str(Path(sys.executable).parent), os.environ["PATH"]]
        environment = {"PRE_COMMIT_HOME": str(tmp_path / "home"), "PATH": os.pathsep.join(folders)}
        return subprocess.run(
            [sys.executable, "-m", "pre_commit", *arguments],
            cwd=tmp_path / "project",
            env=os.environ | environment,
            capture_output=True,
            text=True,
            check=False,
        )

    return run


def test_the_manifest_is_valid(pre_commit):
    done = pre_commit("validate-manifest", str(MANIFEST))
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_the_hook_checks_the_files_of_a_commit(pre_commit, tmp_path):
    project = tmp_path / "project"
    (project / "net.py").write_text(PROGRAM)
    (project / "data.txt").write_text(PROGRAM)
    (project / "venv").mkdir()
    (project / "venv" / "net.py").write_text(PROGRAM)
    _git(project, "add", "-A")
    hook = ["try-repo", str(tmp_path / "hooks"), "wolfsbane-check-system", "--all-files"]
    done = pre_commit(*hook)
    assert done.returncode == 1
    assert "net.py:3:12: WB101 " in done.stdout
    assert "Found 1 error.\n" in done.stdout
    (project / "net.py").write_text(PROGRAM.replace("(x)\n", "(x)  # noqa: WB101\n"))
    _git(project, "add", "-A")
    assert pre_commit(*hook).returncode == 0
