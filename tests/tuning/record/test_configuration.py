import functools
import json
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
import torch

from tuning.record.searches import Subject, opened, setting
from wolfsbane.errors import ArgumentError
from wolfsbane.experiment.data import pool_of_arrays
from wolfsbane.experiment.training import AdamW
from wolfsbane.tuning.dimensions import Choice, Rate
from wolfsbane.tuning.objective import Objective
from wolfsbane.tuning.record import configuration, digest
from wolfsbane.tuning.record.description import describe
from wolfsbane.tuning.space import make_space


def train(model, data, seed, report):
    """A training loop."""


def train_longer(model, data, seed, report):
    """Another training loop."""


def make_train(epochs):
    def train(model, data, seed, report):
        return epochs

    return train


@dataclass(frozen=True)
class Loop:
    epochs: int
    prepare: object = None

    def __call__(self, model, data, seed, report):
        pass


def pool(last=0.0):
    x = np.arange(40, dtype=np.float64).reshape(20, 2)
    x[-1, -1] = last
    return pool_of_arrays("mine", {"x": x, "y": np.arange(20) % 2})


RATES = make_space({"dropout": Rate(0, 0.9)})

CHANGES = {
    "pool": [pool(), pool(1.0), None],
    "data": [np.zeros(3), np.zeros(4), np.ones(3), np.zeros(3, np.float32), torch.ones(4), "path"],
    "space": [
        RATES,
        make_space({"dropout": Rate(0, 0.8)}),
        make_space({"dropout": Rate(0, 0.9, 0.1)}),
        make_space({"rate": Rate(0, 0.9)}),
        make_space({"dropout": Rate(0, 0.9), "norm": Choice(None, "batch")}),
        make_space({"dropout": Rate(0, 0.9), "norm": Choice("batch", None)}),
    ],
    "objective": [Objective(), Objective("accuracy", higher_is_better=True)],
    "train": [
        AdamW(3),
        AdamW(4),
        AdamW(3, learning_rate=0.1),
        train,
        train_longer,
        make_train(3),
        make_train(4),
        functools.partial(train, 3),
        functools.partial(train, 4),
        Loop(3),
        Loop(4),
        Loop(3, train),
        Loop(3).__call__,
    ],
    "train_size": [100, 99],
    "label_noise": [0.0, 0.3],
    "seed": [0, 1],
    "subject": [
        Subject(RATES),
        Subject(RATES, "mymodels:make"),
        Subject(RATES, fingerprint="weights before"),
    ],
}


@pytest.mark.parametrize("field", CHANGES)
def test_whatever_changes_a_training_changes_the_hash(field):
    hashes = {digest(configuration(setting(**{field: value}))) for value in CHANGES[field]}
    assert len(hashes) == len(CHANGES[field])


def test_the_hash_is_the_same_for_equal_settings_and_in_every_process():
    assert digest(configuration(setting())) == digest(configuration(setting()))
    same = [setting(train_size=100), setting(space=make_space({"dropout": Rate(0.0, 0.9)}))]
    assert {digest(configuration(one)) for one in same} == {digest(configuration(setting()))}
    expected = "5a510b773563"
    assert digest(configuration(setting()))[:12] == expected


def test_a_configuration_is_json_as_it_is_read_back():
    whole = configuration(setting(pool=pool(), train=Loop(3, Path("a")), data={"x": torch.ones(2)}))
    assert json.loads(json.dumps(whole, allow_nan=False)) == whole
    assert whole["train"] == {"type": "Loop", "epochs": 3, "prepare": "a"}
    assert whole["pool"] == {"name": "mine", "fingerprint": pool().fingerprint}


def test_a_function_whose_source_is_not_to_be_had_is_known_by_its_name():
    assert describe(len) == {"function": "builtins:len"}
    loop = {"__name__": "typed_in"}
    exec("def typed(): pass", loop)
    assert describe(loop["typed"]) == {"function": "typed_in:typed"}


@pytest.mark.parametrize(
    "value", [float("nan"), float("inf"), np.float32(0.5), np.int64(3), {1: 2}]
)
def test_odd_values_are_described_as_json(value):
    assert json.loads(json.dumps(describe(value), allow_nan=False)) == describe(value)


def test_a_bfloat16_tensor_and_an_array_of_objects_are_told_from_others():
    ones = torch.ones(2, dtype=torch.bfloat16)
    assert describe(ones) != describe(ones * 2)
    assert describe(np.array(["a", None])) != describe(np.array(["b", None]))


def test_a_folder_of_another_configuration_is_refused_with_every_difference(tmp_path):
    with opened(tmp_path):
        pass
    changed = setting(train=AdamW(5), seed=7, space=make_space({"rate": Rate(0, 0.5)}))
    with pytest.raises(ArgumentError) as caught, opened(tmp_path, asked=changed):
        pass
    said = str(caught.value)
    for change in (
        "train.epochs: 3 -> 5",
        "seed: 0 -> 7",
        "space.dropout.high: 0.9 -> nothing",
        "space.rate.high: nothing -> 0.5",
    ):
        assert change in said
    assert "train_size" not in said
    assert said.endswith("Give another folder (--out) or delete this one")
    assert "\n" not in said
    with opened(tmp_path):
        pass


def test_a_training_loop_that_was_edited_is_refused(tmp_path):
    with opened(tmp_path, asked=setting(train=train)):
        pass
    with (
        pytest.raises(
            ArgumentError,
            match=r"train\.function: .*train [0-9a-f]{16}.* -> .*train_longer [0-9a-f]{16}",
        ),
        opened(tmp_path, asked=replace(setting(), train=train_longer)),
    ):
        pass
