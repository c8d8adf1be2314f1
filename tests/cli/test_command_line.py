"""The command as a stranger meets it: real processes, real exit codes."""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from wolfsbane.cli.experiment import COMPARE_NEEDS, check_extra, new_folder

SMALL = ["--data", "digits", "--train-size", "60", "--epochs", "2", "--seeds", "2"]


def wolfsbane(*arguments, cwd=None):
    return subprocess.run(
        [sys.executable, "-m", "wolfsbane", *map(str, arguments)],
        capture_output=True,
        text=True,
        cwd=cwd,
        timeout=120,
        check=False,
    )


def test_help_imports_no_torch():
    code = (
        "import sys; sys.argv = ['wolfsbane', '--help']\n"
        "from wolfsbane.cli import main\n"
        "try: main()\n"
        "except SystemExit as end: assert not end.code\n"
        "print(sorted({'torch', 'numpy', 'matplotlib', 'scipy'} & set(sys.modules)))"
    )
    found = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert "compare" in found.stdout
    assert found.stdout.endswith("[]\n")


def test_the_module_and_the_script_are_the_same_command():
    script = Path(sys.executable).with_name("wolfsbane")
    by_script = subprocess.run([script, "--help"], capture_output=True, text=True, check=True)
    assert by_script.stdout == wolfsbane("--help").stdout
    assert "Usage: wolfsbane" in by_script.stdout


def test_importing_wolfsbane_imports_nothing_heavy():
    code = "import sys, wolfsbane; print({'torch', 'numpy'} & set(sys.modules))"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout == "set()\n"


def test_the_version_is_printed():
    from wolfsbane import __version__  # noqa: PLC0415

    assert wolfsbane("--version").stdout == f"{__version__}\n"


def test_a_comparison_prints_its_table_and_writes_its_report(tmp_path):
    done = wolfsbane("compare", *SMALL, "--variants", "dropout=0.2", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    for words in ("dropout=0.2", "test accuracy, %", "no significant gain", "Report: runs/digits"):
        assert words in done.stdout
    (folder,) = (tmp_path / "runs").iterdir()
    assert sorted(path.name for path in folder.iterdir()) == ["report.html", "results.json"]


def test_a_second_run_of_the_day_gets_a_folder_of_its_own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names = []
    for _ in range(3):
        folder = new_folder(Path("some data, here.csv"))
        folder.mkdir(parents=True)
        names.append(folder.name)
    assert names[0].startswith("some-data-here-")
    assert names[1:] == [f"{names[0]}-2", f"{names[0]}-3"]


def test_json_goes_to_standard_output_alone(tmp_path):
    done = wolfsbane("compare", *SMALL, "--variants", "plain", "--json", "--out", tmp_path / "o")
    assert json.loads(done.stdout) == json.loads((tmp_path / "o" / "results.json").read_text())


def test_a_model_of_ones_own_is_found_in_the_working_directory(tmp_path):
    (tmp_path / "mine.py").write_text(
        "import torch\ndef net(dropout=0.0):\n    return torch.nn.Sequential("
        "torch.nn.Linear(64, 16), torch.nn.ReLU(), torch.nn.Dropout(dropout), "
        "torch.nn.Linear(16, 10))\n"
    )
    done = wolfsbane(
        "compare", *SMALL, "--model", "mine:net", "--variants", "dropout=0.3", cwd=tmp_path
    )
    assert done.returncode == 0, done.stderr


CSV = "a,b,kind\n" + "1,2,x\n3,4,y\n" * 10


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--data", "missing.csv"], "no such data: 'missing.csv'"),
        (["--data", "data.csv", "--target", "c"], "has no column 'c'. It has: a, b, kind"),
        (["--data", "words.csv"], "column 'a', line 22: expected a number, but found 'oops'"),
        (["--data", "nan.csv"], "column 'b', line 22: nan is not a finite"),
        (["--data", "one.csv"], "expected two classes or more, but found only 'x'"),
        (["--data", "few.csv"], "has 1 example,"),
        (["--data", "empty"], "has no folder 'train'"),
        (["--variants", "dropuot"], "unknown option 'dropuot': did you mean 'dropout'?"),
        (["--variants", "dropout=30"], "As a percentage that is p=0.3"),
        (["--model", "bad:raises"], "the model factory raised ValueError: no luck"),
        (["--model", "bad:wrong"], "has to return floating-point logits of shape (2, 2)"),
        (["--model", "bad"], "expected module:factory"),
        (["--model", "bad:fails"], "training failed with RuntimeError: only in training"),
        (["--seeds", "0"], "seeds has to be a positive integer"),
        (["--label-noise", "30"], "that is 0.3"),
        (["--out", "data.csv"], "is a file, not a folder"),
    ],
)
def test_bad_input_ends_in_one_line_and_leaves_nothing(arguments, said, tmp_path):
    (tmp_path / "data.csv").write_text(CSV)
    (tmp_path / "words.csv").write_text(CSV + "oops,4,x\n")
    (tmp_path / "nan.csv").write_text(CSV + "4,nan,x\n")
    (tmp_path / "one.csv").write_text("a,kind\n" + "1,x\n" * 10)
    (tmp_path / "few.csv").write_text("a,kind\n1,x\n2,y\n3,z\n")
    (tmp_path / "empty").mkdir()
    (tmp_path / "bad.py").write_text(
        "import torch\ndef raises(): raise ValueError('no luck')\n"
        "def wrong(): return torch.nn.Linear(2, 7)\n"
        "class Fails(torch.nn.Linear):\n"
        "    def forward(self, x):\n"
        "        if self.training: raise RuntimeError('only in\\ntraining')\n"
        "        return super().forward(x)\n"
        "def fails(): return Fails(2, 2)\n"
    )
    before = sorted(tmp_path.iterdir())
    data = [] if "--data" in arguments else ["--data", "data.csv"]
    variants = ["--variants", "plain"] if "--model" in arguments else []
    done = wolfsbane("compare", *data, *arguments, *variants, cwd=tmp_path)
    assert done.returncode == 2
    assert said in done.stderr
    assert done.stderr.count("\n") == 1
    assert done.stdout == ""
    assert [path for path in sorted(tmp_path.iterdir()) if path.name != "__pycache__"] == before


def test_a_missing_extra_is_named(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(ImportError, match=r"scipy, .*: pip install 'wolfsbane\[compare\]'"):
        check_extra("compare", COMPARE_NEEDS)


def test_an_unknown_option_of_the_command_is_refused():
    assert wolfsbane("compare", "--sedes", "3").returncode == 2


def test_ctrl_c_ends_with_the_table_of_what_is_finished(tmp_path):
    (tmp_path / "mine.py").write_text(
        "import torch\ndef net(dropout=0.0):\n    open('built', 'a').write('.')\n"
        "    return torch.nn.Linear(64, 10)\n"
    )
    command = ["compare", *SMALL, "--seeds", "100000", "--model", "mine:net", "--out", "o"]
    with subprocess.Popen(
        [sys.executable, "-m", "wolfsbane", *command, "--variants", "dropout"],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            # Each variant is built twice to check it, then once a training: three are begun.
            built = tmp_path / "built"
            wait_until(lambda: built.exists() and built.stat().st_size >= 7)
            process.send_signal(signal.SIGINT)
            output, errors = process.communicate(timeout=100)
        finally:
            process.kill()
    assert process.returncode == 130, errors
    assert "of 200000 trainings are finished" in " ".join(output.split())
    assert json.loads((tmp_path / "o" / "results.json").read_text())["interrupted"] is True


def wait_until(true, seconds=100):
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "nothing happened"
        time.sleep(0.05)
