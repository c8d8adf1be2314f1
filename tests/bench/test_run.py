"""Which cases there are, how they become rows, and what is kept when something goes wrong."""

import dataclasses
import json

import pytest
import torch

from wolfsbane.bench import words
from wolfsbane.bench.case import (
    Case,
    Goal,
    Measure,
    Measurement,
    RedCheckError,
    Row,
    Section,
    Status,
    Unit,
    rows_of,
)
from wolfsbane.bench.cases import all_cases
from wolfsbane.bench.machine import Machine, this_machine
from wolfsbane.bench.ratio import Ratio
from wolfsbane.bench.record import to_json
from wolfsbane.bench.run import Result, run, select, settings_for

SETTINGS = settings_for(quick=False, rounds=5, clock=lambda: 0.0)

P, N = "Dropout p=0.5 forward", "BatchNorm2d forward + backward, (32, 64, 56, 56)"
BLOCK = "BatchNorm2d + {} + Dropout p={} forward + backward, (32, 64, 56, 56)"
SAVED = "Saved for backward by BatchNorm2d + ReLU + Dropout p=0.1, (32, 64, 56, 56)"
STEP = "Training step, MLP 784-1024-1024-10, BN + ReLU + Dropout; plain: ReLU alone"
PICTURES = (32, 64, 56, 56)
FIRST = "First call in a fresh process, "
OPERATIONS = (
    "dropout",
    "dropout2d",
    "batch_norm",
    "batch_norm_act_dropout",
    "bias_act_dropout",
    "dropout_add",
)

FIGURES_TO_REACH = {
    (f"{P}, 1M elements", "ours", "eager"): ("baseline / ours", 40),
    (f"{P}, 1M elements", "ours", "torch.compile"): ("baseline / ours", 20),
    (f"{P} + backward, 131k elements", "ours", "eager"): ("baseline / ours", 20),
    (f"{P}, 16M elements, reused output", "ours", "copy"): ("ours / baseline", 2.5),
    (f"{P}, 64 elements, no grad", "ours", "eager"): ("ours / baseline", 2.5),
    (f"{P}, 64 elements, with grad", "ours", "eager"): ("ours / baseline", 2.5),
    (f"{N} NCHW", "ours", "eager"): ("baseline / ours", 1.8),
    (f"{N} channels-last", "ours", "eager"): ("baseline / ours", 1.0),
    (BLOCK.format("ReLU", 0.1), "ours", "eager"): ("baseline / ours", 7),
    (BLOCK.format("ReLU", 0.5), "ours", "eager"): ("baseline / ours", 12),
    (BLOCK.format("ReLU", 0.1), "ours", "torch.compile"): ("baseline / ours", 10),
    (BLOCK.format("GELU", 0.1), "ours", "eager"): ("baseline / ours", 5),
    (BLOCK.format("SiLU", 0.1), "ours", "eager"): ("baseline / ours", 6),
    (SAVED, "ours", "eager"): ("ours / baseline", 0.36),
    ("accelerate(): F.dropout p=0.5 forward, (256, 1024)", "ours", "eager"): (
        "baseline / ours",
        25,
    ),
    ("accelerate(): attention (SDPA) p=0.1 forward, (8, 8, 128, 64)", "ours", "eager"): (
        "baseline / ours",
        2.5,
    ),
    (STEP, "ours", "plain"): ("ours / baseline", 1.12),
    (STEP, "stock", "plain"): ("ours / baseline", None),
    **{
        (case, "ours in torch.compile", "ours"): ("baseline / ours", 1.0)
        for case in (
            STEP,
            "In torch.compile: Dropout, 1M elements, p=0.5 forward + backward",
            "In torch.compile: Dropout, 16M elements, p=0.5 forward + backward",
            f"In torch.compile: BatchNorm2d + ReLU + Dropout p=0.1, {PICTURES} forward + backward",
        )
    },
    **{
        (f"mc_dropout, 32 samples, {network}", "ours", "loop"): ("baseline / ours", target)
        for network, target in (
            ("CNN with dropout in its head, batch 16", 10.0),
            ("CNN with dropout in its head, batch 1", 0.9),
            ("CNN with dropout in its head, batch 64", 0.9),
            ("CNN with dropout everywhere, batch 1", 0.9),
            ("CNN with dropout everywhere, batch 16", 0.9),
            ("transformer encoder, batch 16", 0.9),
            ("MLP, batch 16", 0.9),
        )
    },
    **{(FIRST + name, "warm cache", None): ("ours", 0.3) for name in OPERATIONS},
    **{(FIRST + name, "cold cache", None): ("ours", 6.0) for name in OPERATIONS},
    **{(FIRST + name, "warm cache, backward", None): ("ours", None) for name in OPERATIONS},
    **{(FIRST + name, "cold cache, backward", None): ("ours", None) for name in OPERATIONS},
}
"""The figures to reach: (case, side, against) and (measure, target)."""


def measured_as(value):
    """Return what finds `value` for ours and 2.0 for everyone else."""

    def measure(settings, case=None):
        names = {goal.side for goal in case.goals} | {goal.against for goal in case.goals}
        return Measurement(
            {name: [value if name == "ours" else 2.0] * settings.rounds for name in names if name},
            executor="cpu",
        )

    return measure


AGAINST_EAGER = (Goal("eager"),)


def a_case(name="a case", goals=AGAINST_EAGER, measure=None, **options):
    case = Case(name, Section.TARGETS, tuple(goals), print, **options)
    measure = measure or measured_as(1.0)
    return dataclasses.replace(case, measure=lambda settings: measure(settings, case=case))


def instead(case, value=1.0):
    return dataclasses.replace(
        case, measure=lambda settings: measured_as(value)(settings, case=case)
    )


def run_quietly(cases, settings=SETTINGS):
    return run(cases, settings, lambda *_: None)


def test_the_record_has_every_row_of_the_table():
    result = run_quietly(map(instead, select((), quick=False)))
    record = json.loads(to_json(result))
    found = {
        (row["case"], row["side"], row["against"]): (row["measure"], row["target"])
        for row in record["rows"]
        if row["section"] == "figures to reach"
    }
    assert found == FIGURES_TO_REACH
    for row in record["rows"]:
        assert row["status"] == "measured"
        assert row["ours"] == (1.0 if row["side"] == "ours" else 2.0)
        assert (row["baseline"] is None) == (row["against"] is None) == (row["ratio"] is None)
        assert (row["reached"] is None) == (row["target"] is None)


def test_the_record_says_on_what_it_was_measured():
    record = json.loads(to_json(run_quietly([a_case()])))
    assert record["format"] == 1
    assert record["rounds"] == 5
    assert record["interrupted"] is False
    assert record["red"] is False
    assert record["date"][:2] == "20"
    assert set(record["machine"]["versions"]) == {
        "wolfsbane",
        "torch",
        "numba",
        "llvmlite",
        "triton",
        "python",
    }
    assert record["machine"]["num_threads"] == torch.get_num_threads()
    assert {"processor", "load_average", "num_cores"} < set(record["machine"])
    (row,) = record["rows"]
    assert set(row) == {
        *("section", "case", "output", "unit", "side", "against", "status", "problem", "ours"),
        *("baseline", "measure", "ratio", "ratio_low", "ratio_high", "wide_spread", "target"),
        *("reached", "copy_fraction", "saved_bytes", "executor", "num_samples"),
    }


def test_no_two_cases_have_one_name():
    names = [case.name for case in all_cases()]
    assert len(set(names)) == len(names)


def test_cases_that_are_timed_say_whether_their_output_is_fresh():
    for case in all_cases():
        if case.unit is Unit.SECONDS and "fresh process" not in case.name:
            expected = "reused" if "reused" in case.name else "fresh"
            assert case.output == expected or case.section is Section.START


def test_a_copy_s_fraction_counts_the_least_traffic():
    found = Measurement({"ours": [8.0], "eager": [80.0], "copy": [3.0]}, copies=2.0)
    (row,) = rows_of(a_case(), found)
    assert row.copy_fraction == 0.75


@pytest.mark.parametrize(
    ("measure", "target", "ours", "baseline", "reached"),
    [
        (Measure.SPEEDUP, 4.0, 1.0, 4.0, True),
        (Measure.SPEEDUP, 4.0, 1.0, 3.9, False),
        (Measure.SHARE, 2.5, 5.0, 2.0, True),
        (Measure.SHARE, 2.5, 5.1, 2.0, False),
        (Measure.ALONE, 0.3, 0.3, 1.0, True),
        (Measure.ALONE, 0.3, 0.31, 1.0, False),
        (Measure.SPEEDUP, None, 1.0, 4.0, None),
    ],
)
def test_a_target_is_reached_or_not(measure, target, ours, baseline, reached):
    against = None if measure is Measure.ALONE else "eager"
    case = a_case(goals=[Goal(against, measure, target)])
    (row,) = rows_of(case, Measurement({"ours": [ours] * 3, "eager": [baseline] * 3}))
    assert row.reached is reached


def red(settings, case=None):
    raise RedCheckError("the output is off by 3")


def broken(settings, case=None):
    raise ZeroDivisionError("a bug\nin ours")


@pytest.mark.parametrize(
    ("measure", "said"),
    [(red, "the output is off by 3"), (broken, "ZeroDivisionError: a bug in ours")],
)
def test_a_red_check_gives_no_figure_and_the_rest_goes_on(measure, said):
    goals = [Goal("eager", target=40.0), Goal("torch.compile")]
    result = run_quietly([a_case("one", goals, measure), a_case("two")])
    assert result.is_red
    assert not result.interrupted
    record = json.loads(to_json(result))
    assert record["red"] is True
    first, second, third = record["rows"]
    for row in (first, second):
        assert (row["status"], row["problem"]) == ("red check", said)
        assert {row[key] for key in ("ours", "baseline", "ratio", "reached")} == {None}
    assert third["status"] == "measured"


def test_an_absent_contender_has_a_reason_and_is_not_red():
    def measure(settings, case=None):
        return Measurement(
            {"ours": [1.0], "eager": [2.0]}, absent={"torch.compile": "no C++ compiler"}
        )

    goals = [Goal("eager"), Goal("torch.compile", target=20.0)]
    result = run_quietly([a_case(goals=goals, measure=measure)])
    eager, compiled = result.rows
    assert eager.ratio.median == 2.0
    assert (compiled.status, compiled.problem, compiled.reached) == (
        Status.ABSENT,
        "no C++ compiler",
        None,
    )
    assert not result.is_red


def interrupted(settings, case=None):
    raise KeyboardInterrupt


def test_ctrl_c_keeps_what_is_finished():
    result = run_quietly([a_case("one"), a_case("two", measure=interrupted), a_case("three")])
    assert result.interrupted
    assert [row.case.name for row in result.rows] == ["one"]
    assert json.loads(to_json(result))["interrupted"] is True


def test_ctrl_c_before_anything_is_finished_is_passed_on():
    with pytest.raises(KeyboardInterrupt):
        run_quietly([a_case("one", measure=interrupted)])


def a_result(machine, *rows):
    return Result(machine, SETTINGS, rows, 1, 1)


def a_machine(**options):
    return Machine("A", "x86_64", "Linux", 2, 2, **{"load_average": 0.1, "versions": {}, **options})


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"load_average": 1.01}, "load average 1.01 on 2 cores"),
        ({"preemptions_per_second": 160.0}, "160 times a second"),
        ({"load_average": 1.0}, None),
        ({"load_average": None, "preemptions_per_second": None}, None),
    ],
)
def test_a_busy_machine_is_told(options, said):
    warnings = words.warnings(a_result(a_machine(**options)))
    assert said in warnings[0] if said else warnings == []


def test_a_wide_spread_is_told():
    row = Row(a_case(), Goal("eager"), ours=1.0, baseline=2.0, ratio=Ratio(2.0, 1.0, 3.0))
    (said,) = words.warnings(a_result(a_machine(), row, dataclasses.replace(row, ratio=None)))
    assert "1 figures disagree" in said


def test_this_machine_is_described():
    machine = this_machine()
    assert machine.processor
    assert machine.num_cores >= 1
    assert machine.versions["torch"] == torch.__version__
