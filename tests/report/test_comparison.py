"""`wolfsbane.compare` and what it returns."""

import json

import numpy as np
import pytest
import torch

import wolfsbane
from wolfsbane.errors import ArgumentError, ArgumentTypeError, DataError

SMALL = {"data": "digits", "train_size": 100, "epochs": 2, "seeds": 2}


@pytest.fixture(scope="module")
def result():
    return wolfsbane.compare("dropout=0.2,batchnorm", **SMALL)


def test_a_record_for_every_variant_epoch_and_measure(result):
    assert len(result.table) == 3 * (4 + 1 + 4)
    assert {row["epoch"] for row in result.table} == {"last", "best validation"}
    first = [row for row in result.table if row["variant"] == "plain"]
    assert all(row["difference"] is None and row["verdict"] is None for row in first)


def test_means_are_those_of_the_curves(result):
    (row,) = (
        row
        for row in result.table
        if (row["variant"], row["measure"], row["epoch"]) == ("batchnorm", "nll", "last")
    )
    losses = [run.curve[-1].test.nll for run in result.runs if run.variant == "batchnorm"]
    base = [run.curve[-1].test.nll for run in result.runs if run.variant == "plain"]
    assert row["mean"] == pytest.approx(np.mean(losses))
    assert row["difference"] == pytest.approx(np.mean(np.subtract(losses, base)))


def test_records_become_a_frame(result):
    frame = result.to_frame()
    assert list(frame.columns) == list(result.table[0])
    assert len(frame) == len(result.table)


def test_the_verdict_names_every_variant_and_measure(result):
    for words in ("dropout=0.2", "batchnorm", "test accuracy", "test NLL", "calibration error"):
        assert words in result.verdict
    assert str(result) == result.verdict


def test_the_same_seeds_give_the_same_file(result, tmp_path):
    again = wolfsbane.compare("dropout=0.2,batchnorm", **SMALL)
    assert again.to_json() == result.to_json()
    first, second = result.save(tmp_path / "a"), again.save(tmp_path / "b")
    assert (first / "results.json").read_bytes() == (second / "results.json").read_bytes()
    assert (first / "report.html").read_bytes() == (second / "report.html").read_bytes()


def test_results_are_strict_json_with_configuration_and_versions(result):
    data = json.loads(result.to_json())
    assert data["configuration"]["training"]["epochs"] == 2
    assert data["versions"]["torch"] == torch.__version__
    assert data["table"] == result.table
    assert len(data["runs"]) == 6
    assert len(data["runs"][0]["curve"]["test_nll"]) == 2


def test_one_seed_is_shown_and_not_judged(tmp_path):
    alone = wolfsbane.compare("dropout", **(SMALL | {"seeds": [7]}))
    assert "One seed has no interval" in alone.verdict
    assert json.loads(alone.to_json())["table"][0]["low"] is None
    assert alone.save(tmp_path / "one").is_dir()


def test_nothing_else_is_left_in_the_folder(result, tmp_path):
    folder = result.save(tmp_path / "new" / "folder")
    assert sorted(path.name for path in folder.iterdir()) == ["report.html", "results.json"]


def test_saving_over_a_file_is_refused(result, tmp_path):
    (tmp_path / "taken").write_text("mine")
    with pytest.raises(ArgumentError, match="is a file, not a folder"):
        result.save(tmp_path / "taken" / "deeper")
    assert (tmp_path / "taken").read_text() == "mine"


def test_factories_and_a_loop_of_ones_own_can_be_compared():
    def train(model, data, seed, report):
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        for _ in range(2):
            loss = torch.nn.functional.cross_entropy(model(data.train.x), data.train.y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            report()

    found = wolfsbane.compare(
        {"linear": lambda: torch.nn.Linear(64, 10), "mlp": {"hidden": 16}},
        **(SMALL | {"epochs": None}),
        train=train,
    )
    assert [len(run.curve) for run in found.runs] == [2] * 4
    assert "mlp starts from other weights than linear" in found.verdict


def test_arrays_can_be_given_as_they_are():
    x = np.random.default_rng(0).normal(size=(60, 3))
    found = wolfsbane.compare("dropout", (x, (x[:, 0] > 0).astype(int)), seeds=1, epochs=1)
    assert found.plan.pool.classes == ("0", "1")


def test_labels_may_be_words():
    x = np.random.default_rng(0).normal(size=(60, 3))
    words = ["yes" if value > 0 else "no" for value in x[:, 0]]
    found = wolfsbane.compare("dropout", (torch.tensor(x).bfloat16(), words), seeds=1, epochs=1)
    assert found.plan.pool.classes == ("no", "yes")


def test_a_target_without_columns_is_refused():
    with pytest.raises(ArgumentError, match="target names a column of a CSV file"):
        wolfsbane.compare("dropout", (np.zeros((9, 2)), np.zeros(9)), target="y")


@pytest.mark.parametrize("data", [3, None, ("a",)])
def test_data_of_another_kind_is_refused(data):
    with pytest.raises(DataError, match="data has to be"):
        wolfsbane.compare("dropout", data)


def test_variants_of_another_kind_are_refused():
    with pytest.raises(ArgumentTypeError, match="a dictionary of names and options"):
        wolfsbane.compare(["dropout"], "digits")


def test_ctrl_c_keeps_what_is_finished():
    def interrupt(progress):
        if progress.training == 3:
            raise KeyboardInterrupt

    part = wolfsbane.compare("dropout", **SMALL, on_progress=interrupt)
    assert part.interrupted
    assert len(part.runs) == 3
    assert "Interrupted: 3 of 4 trainings are finished" in part.verdict


def test_ctrl_c_before_anything_is_finished_goes_on():
    def interrupt(progress):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        wolfsbane.compare("dropout", **SMALL, on_progress=interrupt)
