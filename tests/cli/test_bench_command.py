"""`wolfsbane bench` as a stranger meets it."""

import dataclasses
import json
import re
import signal
import subprocess
import sys

import pytest
import typer.testing

from wolfsbane.bench import cases
from wolfsbane.bench.case import Case, Goal, Measure, Measurement, RedCheckError, Section
from wolfsbane.cli import app

SMALL = ["--only", "64 elements, no grad", "--rounds", "3", "--quick", "--threads", "1"]


def bench(*arguments, cwd=None):
    return subprocess.run(
        [sys.executable, "-m", "wolfsbane", "bench", *map(str, arguments)],
        capture_output=True,
        text=True,
        cwd=cwd,
        timeout=120,
        check=False,
    )


def invoke(*arguments):
    handler = signal.getsignal(signal.SIGINT)
    try:
        return typer.testing.CliRunner().invoke(app, ["bench", *map(str, arguments)])
    finally:
        signal.signal(signal.SIGINT, handler)


@pytest.fixture
def with_cases(monkeypatch):
    """Put other cases in the place of all."""

    def put(*found):
        monkeypatch.setattr("wolfsbane.bench.run.all_cases", lambda: found)

    return put


GOALS = (Goal("eager", target=40.0),)


def case(name, measure, goals=GOALS):
    return Case(name, Section.TARGETS, tuple(goals), measure, is_quick=True)


def found(settings):
    return Measurement({"ours": [1e-3] * 3, "eager": [50e-3, 51e-3, 52e-3]})


def red(settings):
    raise RedCheckError("the output is off by 3")


def interrupted(settings):
    raise KeyboardInterrupt


def test_it_prints_a_table_and_writes_json(tmp_path):
    done = bench(*SMALL, "--out", "there/bench.json", "--record", "records", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "Dropout p=0.5 forward, 64 elements, no grad" in done.stdout
    assert re.search(r"relative to eager .*x .*≤ 2.5x (reached|missed)", done.stdout)
    assert "Record: there/bench.json" in done.stdout
    (recorded,) = (tmp_path / "records").iterdir()
    assert re.fullmatch(r"cpu-\d{4}-\d\d-\d\d\.json", recorded.name)
    record = json.loads(recorded.read_text())
    assert record == json.loads((tmp_path / "there" / "bench.json").read_text())
    assert record["machine"]["num_threads"] == 1
    assert record["rounds"] == record["rows"][0]["num_samples"] == 3


def test_json_is_all_that_is_printed_with_json():
    done = bench(*SMALL, "--json")
    assert done.returncode == 0, done.stderr
    assert [row["against"] for row in json.loads(done.stdout)["rows"]] == ["eager"]


def test_names_are_listed():
    listed = invoke("--list").stdout.splitlines()
    assert listed == [one.name for one in cases.all_cases()]


def test_the_figure_its_target_and_its_baseline_are_in_the_table(with_cases):
    with_cases(case("a case", found))
    shown = invoke()
    assert shown.exit_code == 0
    assert re.search(r"ours 1 ms\n +faster than eager +51 ms +51x \[50.5, 51.5\] +≥ 40x reached",
                     shown.stdout)  # fmt: skip
    assert "1 of 1 targets reached" in shown.stdout


def test_a_red_check_is_shown_without_a_figure_and_ends_with_1(with_cases):
    with_cases(case("wrong", red), case("right", found))
    shown = invoke()
    assert shown.exit_code == 1
    assert "RED CHECK, no figure: the output is off by 3" in shown.stdout
    assert "1 of 1 targets reached; 1 without a figure: red check" in shown.stdout
    wrong = shown.stdout.partition("wrong")[2].partition("right")[0]
    assert not re.search(r"\d(x| ms)", wrong)


def test_a_missing_compiler_is_told_and_is_no_failure(with_cases):
    def measure(settings):
        return dataclasses.replace(found(settings), absent={"torch.compile": "no C++ compiler"})

    with_cases(case("a case", measure, [Goal("eager"), Goal("torch.compile", target=20.0)]))
    shown = invoke()
    assert shown.exit_code == 0
    assert "faster than torch.compile: no C++ compiler" in shown.stdout


def test_sides_other_than_ours_are_named(with_cases):
    def measure(settings):
        return Measurement({"warm cache": [0.2, 0.21, 0.22]})

    with_cases(case("first", measure, [Goal(None, Measure.ALONE, 0.3, "warm cache")]))
    shown = invoke()
    assert re.search(r"warm cache +210 ms +≤ 0.3 s reached", shown.stdout)


def test_ctrl_c_ends_with_what_is_finished(with_cases, tmp_path):
    with_cases(case("first", found), case("second", interrupted))
    path = tmp_path / "bench.json"
    shown = invoke("--out", path)
    assert shown.exit_code == 130
    assert "Interrupted: 1 of 2 cases are finished" in shown.stdout
    assert [row["case"] for row in json.loads(path.read_text())["rows"]] == ["first"]


def test_ctrl_c_in_a_real_process_ends_with_130():
    command = [sys.executable, "-m", "wolfsbane", "bench", "--only", "64 elements", "--quick"]
    output, errors = "still running", ""
    with subprocess.Popen(
        [*command, "--rounds", "100000000", "--threads", "1"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            with pytest.raises(subprocess.TimeoutExpired):
                process.wait(3)
            for _ in range(60):  # Python loses one that comes in a finaliser
                process.send_signal(signal.SIGINT)
                try:
                    output, errors = process.communicate(timeout=2)
                    break
                except subprocess.TimeoutExpired:
                    continue
        finally:
            process.kill()
    assert process.returncode == 130, errors
    assert output == ""
    assert "Traceback" not in errors


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--only", "droput"], "no case has 'droput' in its name"),
        (["--threads", "0"], "threads has to be 1 or more, but got 0"),
        (["--out", "."], "is a folder, not a file"),
        (["--record", "file"], "file"),
    ],
)
def test_bad_options_end_in_one_line_before_anything_is_measured(arguments, said, tmp_path):
    (tmp_path / "file").write_text("")
    done = bench(*arguments, cwd=tmp_path)
    assert done.returncode == 2
    assert said in done.stderr
    assert done.stderr.count("\n") == 1
    assert done.stdout == ""
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_help_imports_no_torch():
    code = (
        "import sys; sys.argv = ['wolfsbane', 'bench', '--help']\n"
        "from wolfsbane.cli import main\n"
        "try: main()\n"
        "except SystemExit as end: assert not end.code\n"
        "print(sorted({'torch', 'numpy', 'numba'} & set(sys.modules)))"
    )
    shown = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert "--quick" in shown.stdout
    assert shown.stdout.endswith("[]\n")
