"""`wolfsbane run` beside `python`: arguments, output, exit codes, tracebacks."""

import json
import os
import subprocess
import sys
import textwrap

import pytest
import torch

from wolfsbane.cli import main

WOLFSBANE = (sys.executable, "-m", "wolfsbane", "run")
SCRIPT = """
import atexit, os, pathlib, sys
import torch
import torch.nn.functional as F
from torch import nn

def main(arguments):
    print(sys.argv, __name__, __file__, __package__, __spec__, sys.path[0])
    print(sys.modules["__main__"].__dict__ is globals(), __doc__, __builtins__ is not None)
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(4, 4), nn.BatchNorm1d(4), nn.Dropout(0.5))
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    atexit.register(lambda: print("at the end", next(net.parameters()).sum().item()))
    for _ in range(2):
        optimizer.zero_grad()
        F.cross_entropy(net(torch.randn(5, 4)), torch.zeros(5, dtype=torch.long)).backward()
        optimizer.step()
    print("an error of the script's", file=sys.stderr)
    how = arguments[0] if arguments else ""
    if how == "interrupt":
        raise KeyboardInterrupt
    if how == "forward":
        net(torch.randn(1, 4))
    if how == "backward":
        x = net[0](torch.randn(5, 4)).exp()
        x.add_(1)
        x.sum().backward()
    if how == "cause":
        try:
            F.dropout(F.layer_norm(net(torch.randn(5, 4)), (77,)))
        except RuntimeError as error:
            raise ValueError("a consequence") from error

if __name__ == "__main__":
    main(sys.argv[1:])
"""
WRONG = """
import torch
import torch.nn.functional as F
from torch import nn

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(4, 3)

    def forward(self, x):
        return F.softmax(self.linear(x), dim=1)

net = Net()
optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
for _ in range(4):
    F.cross_entropy(net(torch.randn(8, 4)), torch.randint(3, (8,))).backward()
    optimizer.step()
print("done")
"""


def _run(*command, cwd):
    return subprocess.run(
        [*map(str, command)],
        capture_output=True,
        text=True,
        cwd=cwd,
        timeout=120,
        check=False,
        env={**os.environ, "PYTHONHASHSEED": "0"},
    )


def _both(cwd, *arguments, options=("--select", "WB407")):
    plain = _run(sys.executable, *arguments, cwd=cwd)
    return plain, _run(*WOLFSBANE, *options, *arguments, cwd=cwd)


def _write(folder, name, text):
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(textwrap.dedent(text))
    return path


@pytest.fixture
def run_here(tmp_path, monkeypatch, capsys):
    """Run the command in this process, which is quicker, and put back what a script takes over."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(sys.modules, "__main__", sys.modules["__main__"])
    monkeypatch.setattr(sys, "path", ["", *sys.path])
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["wolfsbane", "run", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            main()
        return ended.value.code, *capsys.readouterr()

    return run


@pytest.mark.parametrize(
    "arguments",
    [["cause", "--help", "--strict", "-m", "--", "x"], ["interrupt"]],
    ids=lambda arguments: arguments[0],
)
def test_a_script_is_run_as_python_runs_it(arguments, tmp_path):
    _write(tmp_path, "folder/train.py", SCRIPT)
    plain, watched = _both(tmp_path, "folder/train.py", *arguments)
    assert watched.stdout == plain.stdout
    assert watched.stderr.startswith(plain.stderr)
    assert "an error of the script's" in plain.stderr
    code = 130 if arguments == ["interrupt"] else plain.returncode
    assert watched.returncode == code


@pytest.mark.parametrize(
    ("ending", "code", "out", "err"),
    [
        ("sys.exit(3)", 3, "", ""),
        ("sys.exit()", 0, "", ""),
        ("sys.exit('a message')", 1, "", "a message\n"),
        ("sys.excepthook = lambda *raised: print('my hook'); 1 / 0", 1, "my hook\n", ""),
    ],
)
def test_a_script_ends_as_it_would(ending, code, out, err, tmp_path, run_here):
    _write(tmp_path, "ends.py", f"import sys; {ending}")
    ended, printed, errors = run_here("ends.py")
    assert (ended, printed) == (code, out)
    assert errors.startswith(err)


def test_an_error_in_backward_has_pythons_traceback_and_is_explained_behind_it(tmp_path):
    _write(tmp_path, "train.py", SCRIPT)
    plain, watched = _both(tmp_path, "train.py", "backward")
    assert watched.stderr.startswith(plain.stderr)
    assert "modified by an inplace operation" in plain.stderr
    assert watched.returncode == plain.returncode == 1
    assert "WB407" in watched.stderr.removeprefix(plain.stderr)


def test_a_module_is_run_as_python_runs_it(tmp_path):
    _write(tmp_path, "package/__init__.py", "print('package', __name__)")
    _write(tmp_path, "package/train.py", SCRIPT)
    plain, watched = _both(tmp_path, "-m", "package.train", "forward", "--every", "x")
    assert "package.train" in plain.stdout
    without_address = [
        [line for line in done.stdout.splitlines() if "ModuleSpec" not in line]
        for done in (plain, watched)
    ]
    assert without_address[0] == without_address[1]
    assert watched.stderr.startswith(plain.stderr)
    assert watched.returncode == plain.returncode == 1


def test_an_error_while_a_package_is_imported_is_the_programs_own(tmp_path, run_here):
    _write(tmp_path, "package_of_an_error/__init__.py", "import no_such_thing")
    _write(tmp_path, "package_of_an_error/train.py", "")
    code, _, err = run_here("-m", "package_of_an_error.train")
    assert code == 1
    assert "ModuleNotFoundError: No module named 'no_such_thing'" in err


def test_findings_go_to_standard_error_at_the_end(tmp_path, run_here):
    _write(tmp_path, "train.py", WRONG)
    code, out, err = run_here("train.py")
    assert (code, out) == (0, "done\n")
    assert "WB401" in err


def test_strict_fails_when_there_are_findings_and_the_script_ends_well(tmp_path, run_here):
    _write(tmp_path, "train.py", WRONG)
    _write(tmp_path, "failing.py", WRONG + "\nraise SystemExit(7)")
    assert run_here("--strict", "train.py")[0] == 1
    assert run_here("--strict", "failing.py")[0] == 7
    assert run_here("--strict", "--ignore", "WB4", "train.py")[0] == 0


@pytest.mark.parametrize("form", ["json", "sarif"])
def test_findings_go_to_a_file_in_a_format(form, tmp_path, run_here):
    _write(tmp_path, "train.py", WRONG)
    _, _, err = run_here("--output-format", form, "--output-file", "found", "train.py")
    assert err == ""
    assert "WB401" in json.dumps(json.loads((tmp_path / "found").read_text()))


def test_the_file_is_where_the_command_was_called(tmp_path, run_here):
    (tmp_path / "other").mkdir()
    _write(tmp_path, "train.py", "import os\nos.chdir('other')\n" + WRONG)
    run_here("--output-format", "sarif", "--output-file", "found", "train.py")
    results = json.loads((tmp_path / "found").read_text())["runs"][0]["results"]
    files = [one["locations"][0]["physicalLocation"]["artifactLocation"] for one in results]
    assert files
    assert {file["uri"] for file in files} == {"train.py"}


def test_where_nothing_trains_it_is_said(tmp_path, run_here):
    _write(tmp_path, "idle.py", "print('hello')")
    _, out, err = run_here("idle.py")
    assert out == "hello\n"
    assert "no model was seen to train" in err
    assert "passed" not in err


def test_findings_are_told_as_check_tells_them_wherever_the_script_goes(tmp_path, run_here):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    _write(tmp_path, "sub/train.py", f"{WRONG}\nimport os; os.chdir({str(elsewhere)!r})")
    _, _, err = run_here("sub/train.py")
    assert "\nsub/train.py:17:" in f"\n{err}"
    assert "17 |     F.cross_entropy" in err
    assert str(tmp_path) not in err
    os.chdir(tmp_path)
    run_here("--output-format", "json", "--output-file", "found", "sub/train.py")
    assert (tmp_path / "found").exists()


def test_a_comment_in_the_program_hides_a_finding(tmp_path, run_here):
    step = "    F.cross_entropy(net(torch.randn(8, 4)), torch.randint(3, (8,))).backward()"
    assert step in WRONG
    _write(tmp_path, "train.py", WRONG.replace(step, f"{step}  # noqa: WB401"))
    _write(tmp_path, "other.py", WRONG.replace(step, f"{step}  # noqa: WB201"))
    assert "WB401" not in run_here("train.py")[2]
    assert "WB401" in run_here("other.py")[2]


def test_a_script_may_close_its_standard_error(tmp_path, monkeypatch, run_here):
    monkeypatch.setattr(sys, "stderr", sys.stderr)
    _write(tmp_path, "ends.py", "import io, sys; sys.stderr = io.StringIO(); sys.stderr.close()")
    assert run_here("ends.py")[0] == 0


def test_weights_are_the_same_and_workers_work_and_children_tell_nothing(tmp_path):
    _write(
        tmp_path,
        "train.py",
        """
        import os, sys, torch
        from torch import nn
        from torch.utils.data import DataLoader, Dataset

        class Numbers(Dataset):
            def __len__(self):
                return 24

            def __getitem__(self, index):
                return torch.full((4,), float(index)).sin(), index % 3

        if __name__ == "__main__":
            if os.fork() == 0:
                sys.exit(5)
            print(os.waitstatus_to_exitcode(os.wait()[1]))
            torch.manual_seed(0)
            net = nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.Dropout(), nn.Linear(8, 3))
            optimizer = torch.optim.Adam(net.parameters())
            for context, workers in (("fork", 2), ("spawn", 1)):
                loader = DataLoader(
                    Numbers(), 6, shuffle=True, num_workers=workers, multiprocessing_context=context
                )
                for x, y in loader:
                    optimizer.zero_grad()
                    nn.functional.cross_entropy(net(x), y).backward()
                    optimizer.step()
            torch.save(net.state_dict(), sys.argv[1])
        """,
    )
    _run(sys.executable, "train.py", "plain.pt", cwd=tmp_path)
    done = _run(*WOLFSBANE, "--every", "1", "--select", "WB207", "train.py", "run.pt", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    plain, watched = (torch.load(tmp_path / f"{name}.pt") for name in ("plain", "run"))
    assert all(torch.equal(value, watched[name]) for name, value in plain.items())
    assert done.stdout == "5\n"
    assert done.stderr.count("checks passed") == 1


def test_accelerate_routes_torchs_operations(tmp_path, run_here):
    _write(
        tmp_path,
        "train.py",
        "import torch; torch.manual_seed(0)\n"
        "print(torch.nn.functional.dropout(torch.ones(1_000_000))[:64].tolist())",
    )
    assert run_here("--accelerate", "train.py")[1] != run_here("train.py")[1]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["missing.py"], "missing.py cannot be read: No such file"),
        (["folder"], "folder is a directory. Name the script in it that trains"),
        (["prose.txt"], "prose.txt:1 is no Python"),
        (["bytes.bin"], "bytes.bin is no Python"),
        (["-m", "no.such.module"], "no module is called 'no.such.module'"),
        (["--select", "WB999", "prose.py"], "no rule is called 'WB999'"),
        (["--every", "0", "prose.py"], "sampling has to be a positive number of steps"),
        (["--output-file", "no/such/file", "prose.py"], "no/such/file"),
    ],
)
def test_a_mistake_on_the_command_line_ends_in_one_line(arguments, said, tmp_path, run_here):
    (tmp_path / "folder").mkdir()
    _write(tmp_path, "prose.txt", "this is no program\n")
    _write(tmp_path, "prose.py", "print('ran')\n")
    (tmp_path / "bytes.bin").write_bytes(b"\0\xff\0")
    code, out, err = run_here(*arguments)
    assert (code, out) == (2, "")
    assert said in err
    assert err.count("\n") == 1


def test_an_unknown_option_before_the_script_is_refused(tmp_path, run_here):
    _write(tmp_path, "train.py", "print('ran')")
    code, out, _ = run_here("--evry", "3", "train.py")
    assert (code, out) == (2, "")
