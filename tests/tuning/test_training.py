"""One training: what is measured, what is shared between rates, and what it leaves behind."""

import itertools
import pickle
from dataclasses import replace

import pytest
import torch
from torch import nn

import wolfsbane.nn
from tuning.trainings import SIZE, a_request, a_setting, of_torch, state_of, trained, two_layers
from wolfsbane.errors import ModelError
from wolfsbane.experiment.data import add_label_noise, load, split
from wolfsbane.experiment.prediction import predict
from wolfsbane.experiment.training import AdamW, train_variant
from wolfsbane.experiment.variants import make_variants
from wolfsbane.tuning.engines import make_engine
from wolfsbane.tuning.training import perform

RATES = [0.05, 0.3, 0.55, 0.9]
KINDS = pytest.mark.parametrize("dropout", [nn.Dropout, wolfsbane.nn.Dropout])


def of_wolfsbane(**rates):
    return two_layers(wolfsbane.nn.Dropout, **rates)


def masks_of(dropout, rates, seed=0):
    """Return what each call of a dropout kept in a training, in order."""
    seen = []

    class Watched(dropout):
        def forward(self, input):
            kept = super().forward(torch.ones_like(input))
            if self.training:
                seen.append(kept != 0)
            return input * kept

    outcome = trained(lambda **rates: two_layers(Watched, **rates), rates, seed=seed)
    return seen, outcome


def test_curves_are_those_of_compare():
    data = split(load("digits"), SIZE, 3)
    (variant,) = make_variants({"a": lambda: of_wolfsbane(first=0.5)})
    run = train_variant(variant, data, 3, AdamW(2), lambda: None)
    outcome = trained(of_wolfsbane, seed=3)
    parts = {"train": "train", "validation": "validation", "test": "test"}
    for name, part in parts.items():
        for metric in ("nll", "accuracy"):
            expected = tuple(getattr(getattr(one, part), metric) for one in run.curve)
            assert outcome.curves[f"{name}_{metric}"] == expected
    assert outcome.curves["test_ece"] == tuple(one.calibration_error for one in run.curve)
    assert outcome.reliability == run.reliability
    assert outcome.initial_weights == run.initial_weights
    assert outcome.num_parameters == run.num_parameters
    assert outcome.seconds > 0


def test_the_same_request_gives_the_same_outcome():
    first, second = trained(), trained()
    assert replace(first, seconds=0) == replace(second, seconds=0)


@KINDS
def test_masks_of_a_seed_are_nested_across_rates(dropout):
    by_rate = [masks_of(dropout, {"first": rate})[0] for rate in RATES]
    assert {len(seen) for seen in by_rate} == {2 * 2 * 2}  # layers, epochs, batches
    for less, more in itertools.pairwise(by_rate):
        for kept, kept_of_those in zip(less, more, strict=True):
            assert not (kept_of_those & ~kept).any()
            assert kept_of_those.sum() < kept.sum()


@KINDS
def test_a_layers_masks_are_the_same_whatever_the_rate_of_another(dropout):
    low, _ = masks_of(dropout, {"first": 0.1, "second": 0.5})
    high, _ = masks_of(dropout, {"first": 0.8, "second": 0.5})
    pairs = list(zip(low[1::2], high[1::2], strict=True))
    assert all(torch.equal(one, other) for one, other in pairs)


@KINDS
def test_a_rate_of_0_draws_nothing_so_that_later_layers_have_other_masks(dropout):
    none, _ = masks_of(dropout, {"first": 0.0, "second": 0.5})
    some, _ = masks_of(dropout, {"first": 0.1, "second": 0.5})
    assert all(kept.all() for kept in none[0::2])
    assert not torch.equal(none[1], some[1])


@KINDS
def test_another_seed_has_other_masks(dropout):
    (one, _), (other, _) = (masks_of(dropout, {"first": 0.5}, seed) for seed in (0, 1))
    assert not any(torch.equal(*pair) for pair in zip(one, other, strict=True))


def test_weights_and_batch_order_are_equal_at_every_rate():
    seen = []

    class First(nn.Linear):
        def forward(self, input):
            if self.training:
                seen.append(input)
            return super().forward(input)

    def make(first):
        network = of_torch(first=first)
        network[0] = First(64, 256)
        return network

    found = []
    for rate in (0.0, *RATES):
        seen.clear()
        found.append((trained(make, {"first": rate}).initial_weights, torch.cat(seen)))
    weights, batches = zip(*found, strict=True)
    assert len(set(weights)) == 1
    assert all(torch.equal(batches[0], other) for other in batches[1:])


def test_torchs_own_dropout_draws_wolfsbanes_masks_where_they_are_large():
    of_both = [masks_of(kind, {"first": 0.5})[0][0] for kind in (nn.Dropout, wolfsbane.nn.Dropout)]
    assert of_both[0].numel() == 50 * 256
    assert torch.equal(*of_both)


def test_torchs_own_dropout_is_torchs_again_afterwards():
    def drawn():
        torch.manual_seed(0)
        return nn.functional.dropout(torch.ones(64, 1024))

    before = drawn()
    trained()
    assert torch.equal(drawn(), before)
    with wolfsbane.accelerate():
        assert not torch.equal(drawn(), before)


def test_the_callers_random_state_is_left_alone():
    before = torch.get_rng_state()
    trained()
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("kind", ["table", "pictures"])
def test_tables_are_trained_on_one_thread_and_pictures_on_those_there_are(kind):
    numbers, before = [], torch.get_num_threads()

    def loop(model, data, seed, report):
        numbers.append(torch.get_num_threads())
        report()

    pool = replace(load("digits"), kind=kind)
    torch.set_num_threads(2)
    try:
        trained(train=loop, pool=pool)
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)
    assert numbers == [1 if kind == "table" else 2]


def test_worker_processes_give_what_this_process_gives():
    setting = a_setting()
    requests = [replace(a_request({"first": rate}), number=n) for n, rate in enumerate((0.0, 0.5))]
    there = dict(make_engine("local", 2).run(setting, requests))
    here = {request: perform(setting, request) for request in requests}
    assert len(there) == 2
    for request, outcome in there.items():
        assert replace(outcome, seconds=0) == replace(here[request], seconds=0)


def test_a_request_may_ask_for_another_training_size():
    sizes = []

    def loop(model, data, seed, report):
        sizes.append(len(data.train))
        report()

    trained(train=loop)
    trained(train=loop, request={"train_size": 50})
    assert sizes == [SIZE, 50]


@pytest.mark.parametrize(("of_search", "asked"), [(0.3, None), (0.0, 0.3), (0.1, 0.3)])
def test_labels_are_wrong_as_asked_for_else_as_in_the_search(of_search, asked):
    labels = []

    def loop(model, data, seed, report):
        labels.append(data.train.y)
        report()

    trained(train=loop, seed=2, label_noise=of_search, request={"label_noise": asked})
    expected = add_label_noise(split(load("digits"), SIZE, 2), 0.3, 2).train.y
    assert torch.equal(labels[0], expected)


def test_what_is_memorised_is_the_share_of_wrong_labels_given_back():
    outcome = trained(
        rates={"first": 0.0},
        train=AdamW(15),
        request={"label_noise": 0.2, "keep_weights": True},
    )
    clean = split(load("digits"), SIZE, 0)
    noisy = add_label_noise(clean, 0.2, 0)
    wrong = noisy.train.y != clean.train.y
    model = of_torch(first=0.0)
    model.load_state_dict(state_of(outcome))
    given = predict(model.eval(), noisy.train).argmax(1)
    assert wrong.sum() == 20
    assert outcome.memorised == (given == noisy.train.y)[wrong].double().mean()
    assert 0 < outcome.memorised < 1


def test_all_sizes_of_a_learning_curve_are_measured_on_the_same_examples():
    sizes = (SIZE // 2, SIZE)
    counts = [sum(trained(request={"train_size": size}).reliability.count) for size in sizes]
    assert counts == [len(split(load("digits"), SIZE, 0).test)] * 2


def test_nothing_is_memorised_where_no_label_is_wrong():
    assert trained().memorised is None
    assert trained(label_noise=0.3, request={"label_noise": 0.0}).memorised is None


def test_weights_come_back_where_asked_for():
    model = of_torch(first=0.5)
    outcome = trained(request={"keep_weights": True})
    model.load_state_dict(state_of(outcome))
    data = split(load("digits"), SIZE, 0)
    accuracy = (predict(model.eval(), data.test).argmax(1) == data.test.y).double().mean()
    assert accuracy == pytest.approx(outcome.curves["test_accuracy"][-1], abs=1e-12)
    assert trained().weights is None


@pytest.mark.parametrize(
    ("make", "train", "said"),
    [
        (lambda first: nn.Linear(64, 3), None, r"logits of shape \(2, 10\).* returned \(2, 3\)"),
        (of_torch, AdamW(3, learning_rate=1e30), "training diverged in epoch"),
        (lambda first: FailsInTraining(64, 10), None, "failed with ArithmeticError: no luck"),
    ],
)
def test_what_goes_wrong_is_said_with_the_configuration_and_survives_pickling(make, train, said):
    with pytest.raises(ModelError, match=f"training with first=0.3, seed 4: .*{said}") as caught:
        trained(make, {"first": 0.3}, train, seed=4)
    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)


class FailsInTraining(nn.Linear):
    def forward(self, input):
        if self.training:
            raise ArithmeticError("no luck")
        return super().forward(input)
