import json

import pytest

from learn.playground.runs import QUICK, codes_of, trained
from wolfsbane.learn import blocks
from wolfsbane.learn.block_json import to_json
from wolfsbane.learn.playground.mistakes import find_mistake
from wolfsbane.learn.playground.program import program_of
from wolfsbane.learn.playground.setup import read_setup, setup_of
from wolfsbane.learn.playground.training import train


def test_the_program_comes_first_and_is_the_one_that_runs():
    run = train(**read_setup(QUICK))
    first = next(run)
    run.close()
    assert first.key == "program"
    assert first.program == program_of(setup_of(QUICK))


def test_the_curves_grow_epoch_by_epoch():
    lengths = [
        len(block.series[0].x) for block in train(**read_setup(QUICK)) if block_is(block, "loss")
    ]
    assert lengths == [1, 2, 3, 4]


def test_of_a_long_training_the_curves_are_sent_forty_times_at_most_and_end_complete():
    shown = [
        block
        for block in train(**read_setup({**QUICK, "num_examples": 32, "epochs": 90}))
        if block_is(block, "accuracy")
    ]
    assert len(shown) <= 40
    assert shown[-1].series[0].x == tuple(range(1, 91))


def block_is(block, key):
    return getattr(block, "key", "") == key


def test_every_epoch_is_told_as_progress():
    told = [block for block in train(**read_setup(QUICK)) if isinstance(block, blocks.Progress)]
    assert [(each.done, each.total) for each in told] == [(n, 4) for n in range(1, 5)]


def test_the_default_setup_has_no_findings():
    shown = trained()
    assert codes_of(shown) == set()
    assert "The auditor found nothing" in shown["summary"].text


def test_the_default_setup_learns_the_spirals():
    test = next(each for each in trained()["accuracy"].series if each.name == "test")
    # Guessing is 0.5; 0.93 was seen, and 500 test examples have a standard deviation of 0.02.
    assert test.y[-1] > 0.8


def test_what_is_sent_stays_below_what_a_run_may_send():
    # 2 million characters is the limit of all of a run's blocks.
    longest = {
        "epochs": 200,
        "num_examples": 1000,
        "batch_size": 256,
        "mistake": "dropout-on-logits",
    }
    sent = [json.dumps(to_json(block)) for block in train(**read_setup(longest))]
    assert sum(map(len, sent)) < 1_500_000


def test_a_training_is_the_same_each_time():
    assert trained(**QUICK)["loss"] == trained(**QUICK)["loss"]


def test_the_sound_curve_beside_a_broken_one_is_that_of_the_setup_alone():
    alone = trained(**QUICK)["loss"].series
    beside = trained(mistake="dropout-always-on", **QUICK)["loss"].series
    assert [each.y for each in alone] == [each.y for each in beside[:2]]
    assert [each.name for each in beside] == [
        "training, sound",
        "test, sound",
        "training, broken",
        "test, broken",
    ]


def test_what_a_mistake_changes_in_the_setup_is_said():
    shown = trained(mistake="dropout-discarded", **{**QUICK, "p": 0.0})
    assert "Dropout probability p: 0.3" in shown["mistake"].text
    assert find_mistake("dropout-discarded").watch in shown["mistake"].text


def test_dead_units_and_running_statistics_are_counted():
    rows = {row[0].text: row for row in trained(mistake="dead-relu", epochs=10)["states"].rows}
    dead = rows["Hidden layer 1, ReLU"][1]
    assert dead == blocks.Cell("32 of 32 dead", blocks.Mark.DEAD)
    norm = {row[0].text: row for row in trained(**QUICK)["states"].rows}
    assert " to " in norm["Hidden layer 1, batch norm"][2].text


@pytest.mark.parametrize(("data", "has_plane"), [("moons", True), ("digits", False)])
def test_answers_are_drawn_where_the_data_lie_in_a_plane(data, has_plane):
    shown = trained(**{**QUICK, "data": data})
    assert ("regions" in shown) == has_plane
    if has_plane:
        regions = shown["regions"]
        right = sum(int(row[2].text) for row in regions.table.rows)
        accuracy = shown["accuracy"].series[0].y[-1]
        assert right / 64 == pytest.approx(accuracy, abs=1e-4)


def test_a_batch_of_one_is_shown_as_torchs_error_and_named():
    shown = trained(batch_size=1, num_examples=32, epochs=1)
    assert "Expected more than 1 value per channel" in shown["error"].error
    assert "WB303" in codes_of(shown)
    assert "raised an error before the first epoch had ended" in shown["summary"].text
