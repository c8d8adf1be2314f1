"""The comparison: pairing, verdicts, and what is refused before anything is trained."""

import pytest
import torch

from wolfsbane.errors import ArgumentError, ArgumentTypeError, DataError, ModelError
from wolfsbane.experiment.comparison import find, make_plan, run
from wolfsbane.experiment.data import load
from wolfsbane.experiment.intervals import Verdict
from wolfsbane.experiment.measures import Epoch
from wolfsbane.experiment.variants import make_variants

SMALL = {"train_size": 100, "epochs": 3}


@pytest.fixture(scope="module")
def digits():
    return load("digits")


def finished(pool, variants, **settings):
    settings = SMALL | settings
    if "train" in settings:
        del settings["epochs"]
    plan = make_plan(pool, make_variants(variants), **settings)
    return plan, list(run(plan, lambda _: None))


def test_equal_variants_do_not_differ_at_all(digits):
    plan, runs = finished(digits, {"a": {"dropout": 0.5}, "b": {"dropout": 0.5}}, seeds=2)
    judged = [finding for finding in find(plan, runs) if finding.difference is not None]
    assert {finding.variant for finding in judged} == {"b"}
    assert all(finding.difference.mean == 0 for finding in judged)
    assert {finding.verdict for finding in judged} == {Verdict.NOTHING}


def test_a_network_that_cannot_learn_does_harm(digits):
    class Constant(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.weight = torch.nn.Parameter(torch.zeros(10))

        def forward(self, x):
            return self.weight.expand(len(x), 10)

    plan, runs = finished(digits, {"plain": {}, "constant": Constant}, seeds=3)
    verdicts = {
        finding.measure.name: finding.verdict
        for finding in find(plan, runs)
        if finding.variant == "constant" and finding.epoch is Epoch.LAST
    }
    assert verdicts["accuracy"] is Verdict.HARM
    assert verdicts["nll"] is Verdict.HARM
    assert verdicts["gap"] is Verdict.GAIN


def test_a_target_that_a_seed_misses_is_not_averaged(digits):
    plan, runs = finished(digits, {"a": {}, "b": {}}, seeds=2, target_accuracy=1.0)
    missed = [f for f in find(plan, runs) if f.measure.name == "epochs_to_target"]
    assert [finding.num_missing for finding in missed] == [2, 2]
    assert [finding.estimate for finding in missed] == [None, None]
    assert [finding.difference for finding in missed] == [None, None]
    assert [finding.verdict for finding in missed] == [None, None]


def test_the_default_target_is_fixed_by_the_classes_alone(digits):
    plan = make_plan(load("spam"), make_variants({"a": {}}), seeds=1)
    assert plan.target_accuracy == 0.9  # 0.606 + 0.75 * (1 - 0.606)


def test_an_unfinished_variant_is_compared_on_the_seeds_it_has(digits):
    plan, runs = finished(digits, {"a": {}, "b": {"batchnorm": True}}, seeds=3)
    part = [one for one in runs if not (one.variant == "b" and one.seed == 2)]
    (accuracy,) = (
        finding
        for finding in find(plan, part)
        if (finding.variant, finding.measure.name, finding.epoch) == ("b", "accuracy", Epoch.LAST)
    )
    assert accuracy.difference.num_seeds == 2
    assert find(plan, []) == ()


def test_progress_counts_every_epoch(digits):
    plan = make_plan(digits, make_variants({"a": {}, "b": {}}), seeds=2, **SMALL)
    states = []
    list(run(plan, states.append))
    assert [(state.training, state.epoch) for state in states] == [
        (training, epoch) for training in range(4) for epoch in range(4)
    ]
    assert {(state.num_trainings, state.num_epochs) for state in states} == {(4, 3)}


def test_all_variants_of_a_seed_see_the_same_examples(digits):
    seen = []

    def train(model, data, seed, report):
        seen.append((seed, data.train.x.sum().item(), data.test.x.sum().item()))
        report()

    finished(digits, {"a": {}, "b": {}}, seeds=2, train=train)
    assert seen[0] == seen[1]
    assert seen[2] == seen[3]
    assert seen[0] != seen[2]


@pytest.mark.parametrize(
    ("settings", "error", "said"),
    [
        ({"seeds": 0}, ArgumentError, "seeds has to be a positive integer, but got 0"),
        ({"seeds": [1, 1]}, ArgumentError, "a list of different seeds"),
        ({"seeds": []}, ArgumentError, "a list of different seeds"),
        ({"seeds": [-1]}, ArgumentError, "integers from 0 to"),
        ({"seeds": 2.0}, ArgumentError, "seeds has to be a count or a list"),
        ({"train": 3}, ArgumentTypeError, r"train has to be a function"),
        ({"train": print, "epochs": 3}, ArgumentError, "your own train has its own"),
        ({"epochs": 0}, ArgumentError, "epochs has to be a positive integer"),
        ({"epochs": 2.5}, ArgumentTypeError, "epochs has to be a positive integer, but got 2.5"),
        ({"train_size": -1}, ArgumentError, "train size has to be a positive integer"),
        ({"train_size": 10_000}, DataError, "train size has to be between 10"),
        ({"label_noise": 30}, ArgumentError, r"between 0 and 1, but got 30. .* that is 0\.3"),
        ({"label_noise": "0.3"}, ArgumentTypeError, "label noise has to be a number"),
        ({"target_accuracy": -1.0}, ArgumentError, "target accuracy has to be between 0 and 1"),
    ],
)
def test_impossible_settings_are_refused_before_training(settings, error, said, digits):
    with pytest.raises(error, match=said):
        make_plan(digits, make_variants({"a": {}}), **settings)


def test_a_module_that_is_returned_twice_is_refused(digits):
    module = torch.nn.Linear(64, 10)
    for variants in ({"a": lambda: module}, {"a": lambda: torch.nn.Sequential(module)}):
        with pytest.raises(ModelError, match="Build a new one at each call"):
            make_plan(digits, make_variants(variants))


class TakesTen(torch.nn.Module):
    def forward(self, x):
        return x[:, :10]


def test_a_model_without_parameters_is_refused(digits):
    with pytest.raises(ModelError, match="no parameters to train"):
        make_plan(digits, make_variants({"a": TakesTen}), seeds=1)


def test_a_model_that_does_not_fit_is_refused_before_training(digits):
    with pytest.raises(ModelError, match="'b': the model has to return"):
        make_plan(digits, make_variants({"a": {}, "b": lambda: torch.nn.Linear(64, 2)}))
