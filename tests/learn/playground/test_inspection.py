import itertools

import pytest
import torch

from learn.playground.runs import cells, codes_of, inspected
from wolfsbane.learn.blocks import Mark
from wolfsbane.learn.playground.building import build, train_steps
from wolfsbane.learn.playground.looking import look
from wolfsbane.learn.playground.program import sound_program_of
from wolfsbane.learn.playground.setup import LAYERS, Setup

SMALL = {"width": 6, "num_examples": 64, "batch_size": 16}


def tables(shown, mode):
    return {
        shown[key].caption.partition(f", {mode}")[0]: cells(shown[key])
        for key in shown
        if str(key).startswith("layer-") and str(key).endswith(mode)
    }


@pytest.mark.parametrize("order", list(itertools.permutations(LAYERS)))
def test_both_columns_have_the_layers_in_the_order_that_was_set(order):
    shown = inspected(order=list(order), num_hidden=1, **SMALL)
    names = {"linear": "linear", "norm": "batch norm", "activation": "ReLU", "dropout": "dropout"}
    wanted = [*(f"Hidden layer 1, {names[layer]}" for layer in order), "Output layer, linear"]
    for mode in ("train", "eval"):
        assert list(tables(shown, mode)) == wanted


def test_the_mask_has_the_numbers_that_dropout_multiplies_by():
    shown = inspected(p=0.5, **SMALL)
    dropped, before = (
        tables(shown, "train")[f"Hidden layer 1, {layer}"] for layer in ("dropout", "ReLU")
    )
    seen = set()
    for (row, unit), mask in dropped.items():
        if row.startswith("mask, "):
            example = row.removeprefix("mask, ")
            seen.add((mask.text, mask.mark))
            product = float(mask.text) * float(before[example, unit].text)
            # Three digits are shown of each.
            shown_value = float(dropped[example, unit].text)
            assert shown_value == pytest.approx(product, rel=0.02, abs=1e-4)
    assert seen == {("0", Mark.DROPPED), ("2", Mark.KEPT)}


def test_in_evaluation_dropout_keeps_everything_as_it_is():
    shown = tables(inspected(p=0.5, **SMALL), "eval")
    dropout, before = shown["Hidden layer 1, dropout"], shown["Hidden layer 1, ReLU"]
    for (row, unit), cell in dropout.items():
        if row.startswith("mask"):
            assert (cell.text, cell.mark) == ("1", Mark.KEPT)
        if row.startswith("example"):
            assert cell == before[row, unit]


def test_batch_norm_returns_mean_0_and_variance_1_of_the_batch_in_training_alone():
    shown = inspected(**{**SMALL, "steps": 5})
    train, evaluation = (
        tables(shown, mode)["Hidden layer 1, batch norm"] for mode in ("train", "eval")
    )
    assert train["running mean", "unit 1"].mark == Mark.CHANGED
    assert evaluation["running mean", "unit 1"].mark == Mark.NONE
    assert train["running mean", "unit 1"] != evaluation["running mean", "unit 1"]


def test_without_steps_the_batch_is_normalised_exactly():
    setup = Setup(**SMALL)
    built = build(sound_program_of(setup), setup)
    norm = look(built.model, built.train_data[0], training=True, seed=0).layers[1]
    # eps and float32: mean 0 and variance 1 - eps / variance.
    assert torch.allclose(norm.returned.mean(0), torch.zeros(6), atol=1e-5)
    assert torch.allclose(norm.returned.var(0, correction=0), torch.ones(6), atol=1e-2)


def test_looking_changes_neither_the_network_nor_any_random_number():
    setup = Setup(**SMALL)
    built = build(sound_program_of(setup), setup)
    before = {name: tensor.clone() for name, tensor in built.model.state_dict().items()}
    numbers = torch.get_rng_state()
    for training in (True, False):
        look(built.model, built.train_data[0], training=training, seed=3)
    assert torch.equal(torch.get_rng_state(), numbers)
    assert built.model.training
    for name, tensor in built.model.state_dict().items():
        assert torch.equal(tensor, before[name]), name


def test_what_is_seen_is_what_the_network_returns():
    setup = Setup(**SMALL, p=0.5)
    built = build(sound_program_of(setup), setup)
    x, _ = built.train_data
    for training in (True, False):
        seen = look(built.model, x, training=training, seed=7)
        torch.manual_seed(7)
        assert torch.equal(seen.logits, built.model.train(training)(x))
        built.model.load_state_dict(build(sound_program_of(setup), setup).model.state_dict())


def test_a_mask_times_what_came_in_is_what_came_out():
    setup = Setup(**SMALL, p=0.3)
    built = build(sound_program_of(setup), setup)
    seen = look(built.model, built.train_data[0], training=True, seed=1)
    dropouts = [layer for layer in seen.layers if layer.kind == "dropout"]
    assert len(dropouts) == 2
    for layer in dropouts:
        assert torch.allclose(layer.mask * layer.given, layer.returned)


@pytest.mark.parametrize("steps", [0, 1, 7])
def test_the_network_is_trained_by_as_many_steps_as_are_set(steps):
    setup = Setup(**SMALL)
    built = build(sound_program_of(setup), setup)
    train_steps(built, steps)
    assert int(built.model.state_dict()["hidden.0.norm.num_batches_tracked"]) == steps
    after = "as it was made" if steps == 0 else f"after {steps} training steps"
    assert after in inspected(**SMALL, steps=steps)["answers"].caption


def test_more_steps_than_the_training_has_end_with_it():
    setup = Setup(**SMALL, epochs=2)
    built = build(sound_program_of(setup), setup)
    train_steps(built, 500)
    assert int(built.model.state_dict()["hidden.0.norm.num_batches_tracked"]) == 8


def test_dead_units_are_marked_in_words_and_counted():
    shown = inspected(mistake="dead-relu")
    relu = tables(shown, "eval")["Hidden layer 1, ReLU"]
    assert relu["the unit is", "unit 1"].text == "dead"
    assert relu["the unit is", "unit 1"].mark == Mark.DEAD
    inactive = {row[0].text: row[-1].text for row in shown["overview"].rows}
    assert inactive["2. Hidden layer 1, ReLU"] == "32 of 32 dead"


def test_saturated_units_are_marked_and_counted():
    shown = inspected(mistake="saturated-activation")
    inactive = {row[0].text: row[-1] for row in shown["overview"].rows}
    assert inactive["5. Hidden layer 2, tanh"].mark == Mark.SATURATED


def test_dropout_as_a_function_that_is_always_on_is_seen_in_the_eval_column():
    shown = tables(inspected(mistake="dropout-always-on", **SMALL, p=0.5), "eval")
    masks = {
        cell.text
        for (row, _), cell in shown["Hidden layer 1, dropout"].items()
        if row.startswith("mask")
    }
    assert masks == {"0", "2"}


def test_layers_in_a_list_stay_in_training_mode_in_both_columns():
    shown = inspected(mistake="layers-in-a-list", **SMALL, p=0.5)
    for mode in ("train", "eval"):
        masks = {
            cell.text
            for (row, _), cell in tables(shown, mode)["Hidden layer 1, dropout"].items()
            if row.startswith("mask")
        }
        assert masks == {"0", "2"}
    assert "WB205" in codes_of(shown)


def test_a_batch_of_one_is_torchs_error():
    error = inspected(batch_size=1, num_examples=32)["error"].error
    assert error.startswith("In train mode:")
    assert "Expected more than 1 value per channel when training" in error


def test_a_program_that_raises_shows_its_error_and_who_names_it():
    shown = inspected(mistake="dropout-rate-as-percentage")
    assert "dropout probability has to be between 0 and 1, but got 20" in shown["error"].error
    assert codes_of(shown) == {"WB106"}
    assert "overview" not in shown
