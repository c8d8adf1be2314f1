"""`wolfsbane tune` as a stranger meets it: real processes, real exit codes."""

import json
import signal
import subprocess
import sys

import pytest

from cli.test_command_line import wait_until, wolfsbane

SMALL = ["--data", "digits", "--train-size", "60", "--epochs", "2", "--jobs", "1"]

NETWORK = """
import torch

def net(dropout=0.0):
    open('built', 'a').write('.')
    return torch.nn.Sequential(
        torch.nn.Linear(64, 16), torch.nn.ReLU(), torch.nn.Dropout(dropout), torch.nn.Linear(16, 10)
    )

made = net(0.5)
"""


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "mine.py").write_text(NETWORK)
    return tmp_path


def test_a_search_says_what_it_found_and_writes_it(tmp_path):
    done = wolfsbane("tune", *SMALL, "--budget", "5", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "dropout" in done.stdout
    assert "5 of 5 trainings" in " ".join(done.stdout.split())
    (run,) = (tmp_path / "runs").iterdir()
    assert run.name.startswith("tune-digits-")
    assert {"journal.log", "report.html", "results.json"} <= {path.name for path in run.iterdir()}


def test_the_same_command_goes_on_and_says_so(tmp_path):
    first = wolfsbane("tune", *SMALL, "--budget", "2", cwd=tmp_path)
    assert first.returncode == 0, first.stderr
    more = wolfsbane("tune", *SMALL, "--budget", "5", cwd=tmp_path)
    assert "2 trainings of this search are there" in more.stderr
    assert "5 of 5 trainings" in " ".join(more.stdout.split())
    assert len(list((tmp_path / "runs").iterdir())) == 1


def test_another_configuration_in_the_folder_is_refused_in_one_line(tmp_path):
    wolfsbane("tune", *SMALL, "--budget", "1", "--out", "run", cwd=tmp_path)
    done = wolfsbane("tune", *SMALL, "--budget", "1", "--out", "run", "--seed", "7", cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "seed" in done.stderr
    assert done.stdout == ""


@pytest.mark.parametrize("name", ["mine:net", "mine:made"])
def test_a_factory_and_a_model_of_ones_own(folder, name):
    done = wolfsbane("tune", *SMALL, "--model", name, "--budget", "4", "--json", cwd=folder)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert set(found["answer"]["chosen"]) == {"dropout" if name == "mine:net" else "p"}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--space", "dropout=0..90"], "As a percentage"),
        (["--space", "dropuot=0..0.9"], "dropout"),
        (["--objective", "acuracy"], "accuracy"),
        (["--budget", "0"], "budget has to be a positive integer"),
        (["--engine", "spark"], "local"),
        (["--storage", "nonsense"], "nonsense"),
        (["--data", "nothing.csv"], "no such data"),
        (["--model", "nothing:here"], "cannot import"),
        (["--complexity", "--budget", "6"], "budget of at least"),
        (["--jobs", "0"], "jobs"),
    ],
)
def test_a_mistake_ends_in_one_line_and_nothing_written(folder, arguments, said):
    before = sorted(folder.iterdir())
    done = wolfsbane("tune", *SMALL, *arguments, cwd=folder)
    assert done.returncode == 2
    assert said in done.stderr
    assert done.stderr.count("\n") == 1, done.stderr
    assert done.stdout == ""
    assert [path for path in sorted(folder.iterdir()) if path.name != "__pycache__"] == before


def test_ctrl_c_ends_with_the_best_so_far_and_a_report(folder):
    command = ["tune", *SMALL, "--epochs", "200", "--budget", "100", "--precision", "1e-9"]
    command += ["--model", "mine:net", "--out", "run", "--jobs", "2"]
    with subprocess.Popen(
        [sys.executable, "-m", "wolfsbane", *command],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            journal = folder / "run" / "journal.log"
            wait_until(lambda: journal.exists() and '"outcome"' in journal.read_text())
            process.send_signal(signal.SIGINT)
            output, errors = process.communicate(timeout=100)
        finally:
            process.kill()
    assert process.returncode == 130, errors
    assert "Traceback" not in errors
    assert "interrupted" in output.lower()
    found = json.loads((folder / "run" / "results.json").read_text())
    assert found["answer"]["finished"] is False
    assert (folder / "run" / "report.html").exists()
