"""`wolfsbane.tune`: one call, and what it gives back."""

import json

import numpy as np
import pytest
import torch

import wolfsbane
from skips import require_packages
from wolfsbane import Choice, Rate
from wolfsbane.errors import ArgumentError, ArgumentTypeError, DataError, ModelError

SMALL = {"data": "digits", "train_size": 100, "epochs": 3, "jobs": 1}


def network(dropout=0.5, activation="relu"):
    act = {"relu": torch.nn.ReLU, "tanh": torch.nn.Tanh}[activation]
    return torch.nn.Sequential(
        torch.nn.Linear(64, 32), act(), torch.nn.Dropout(dropout), torch.nn.Linear(32, 10)
    )


@pytest.fixture(scope="module")
def result():
    return wolfsbane.tune(network, budget=12, **SMALL)


@pytest.fixture(scope="module")
def overfitted():
    """A search that has something to prove: wrong labels, which the network has time to learn."""
    return wolfsbane.tune(
        data="digits", train_size=150, label_noise=0.4, epochs=30, budget=18, jobs=1
    )


def test_no_more_is_trained_than_the_budget(result):
    assert 4 <= len(result.to_frame()) <= 12
    assert sum(result.answer.num_trainings.values()) == len(result.to_frame())


def test_the_frame_has_a_row_for_each_training(result):
    frame = result.to_frame()
    assert frame["number"].is_monotonic_increasing
    assert {"purpose", "dropout", "seed", "validation_nll", "test_nll", "seconds"} <= {*frame}
    assert frame["validation_nll"].notna().all()


def test_the_same_call_gives_the_same_bytes(result):
    again = wolfsbane.tune(network, budget=12, **SMALL)
    assert again.to_json() == result.to_json()
    assert again.best_params == result.best_params


def test_a_rate_is_found_and_its_gain_proved_on_memorised_labels(overfitted):
    assert overfitted.best_params["dropout"] > 0
    assert overfitted.answer.verdict == "gain"
    nll = next(one for one in overfitted.answer.findings if one.difference is not None)
    assert nll.difference.num_seeds >= 3
    assert "gain in" in overfitted.verdict


def test_proof_and_search_share_no_seed(overfitted):
    frame = overfitted.to_frame()
    seeds = {name: set(group["seed"]) for name, group in frame.groupby("purpose")}
    assert not seeds["search"] & seeds["proof"]


def test_the_kept_weights_are_those_that_were_measured(overfitted):
    kept = [one for one in overfitted.view.trials if one.outcome.weights is not None]
    assert [one.request.purpose for one in kept] == ["proof"]
    model = overfitted.best_model()
    assert not model.training
    pool, seed = overfitted.view.setting.pool, kept[0].request.seed
    data = wolfsbane.experiment.data.split(pool, 150, seed)
    with torch.no_grad():
        nll = torch.nn.functional.cross_entropy(model(data.test.x).double(), data.test.y).item()
    assert nll == pytest.approx(kept[0].outcome.curves["test_nll"][-1], rel=1e-5)


def test_a_model_without_kept_weights_is_trained_again(result):
    state = torch.get_rng_state()
    model = result.best_model()
    assert torch.equal(torch.get_rng_state(), state)
    rates = [row.rate for row in wolfsbane.surgery.rates(model)]
    assert rates == [pytest.approx(result.best_params["dropout"])]


def test_the_choice_goes_into_a_model_and_out_again(overfitted):
    mine = network(0.1)
    undo = overfitted.apply(mine)
    assert mine[2].p == overfitted.best_params["dropout"]
    undo()
    assert mine[2].p == 0.1


def test_a_model_is_tuned_as_it_is():
    model = network()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    result = wolfsbane.tune(model, budget=5, **SMALL)
    assert set(result.best_params) == {"p"}
    assert model[2].p == 0.5
    assert model.training
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())
    weights = {one.outcome.initial_weights for one in result.view.trials}
    assert len(weights) == 1  # of all seeds: those that it has


def test_options_are_tuned_beside_the_rate():
    space = {"dropout": Rate(0, 0.8), "activation": Choice("relu", "tanh")}
    result = wolfsbane.tune(network, space=space, budget=9, **SMALL)
    assert result.best_params["activation"] in {"relu", "tanh"}
    assert 0 <= result.best_params["dropout"] <= 0.8


def test_a_space_may_be_a_text():
    result = wolfsbane.tune(network, space="dropout=0..0.6:0.2", budget=5, **SMALL)
    assert result.best_params["dropout"] in {0.0, 0.2, 0.4, 0.6}


def test_accuracy_may_select():
    result = wolfsbane.tune(network, objective="accuracy", budget=6, **SMALL)
    assert "accuracy" in result.verdict


def test_arrays_are_data():
    rng = np.random.default_rng(0)
    x = rng.standard_normal((120, 8))
    y = (x[:, 0] > 0).astype(int)
    result = wolfsbane.tune(data=(x, y), epochs=2, budget=5, jobs=1)
    assert len(result.view.trials) <= 5


def test_a_loop_of_the_users_gets_what_it_was_given():
    """Data that wolfsbane does not know goes to the loop as it is; the loop measures."""
    seen = []

    def train(model, data, seed, report):
        seen.append(data)
        p = model[2].p
        report(validation_nll=(p - 0.3) ** 2 + seed % 7 / 50, test_nll=(p - 0.3) ** 2)

    given = {"mine": 1}
    result = wolfsbane.tune(network, given, train=train, budget=20, jobs=1)
    assert all(data is given for data in seen)
    assert result.best_params["dropout"] == pytest.approx(0.3, abs=0.1)


@pytest.mark.parametrize("budget", [1, 2, 3, 5])
def test_a_budget_too_small_for_a_verdict_says_so(budget):
    result = wolfsbane.tune(network, budget=budget, **SMALL)
    assert len(result.view.trials) <= budget
    assert result.answer.verdict is None
    assert "cannot support a verdict" in result.verdict


def test_a_result_is_saved(result, tmp_path):
    folder = result.save(tmp_path / "deep" / "folder")
    assert json.loads((folder / "results.json").read_text()) == json.loads(result.to_json())
    assert "<svg" in (folder / "report.html").read_text()


def test_a_folder_goes_on_where_it_was(tmp_path):
    first = wolfsbane.tune(network, budget=5, out=tmp_path / "run", **SMALL)
    assert first.num_resumed == 0
    more = wolfsbane.tune(network, budget=12, out=tmp_path / "run", **SMALL)
    assert more.num_resumed == len(first.view.trials)
    assert more.view.trials[: len(first.view.trials)] == first.view.trials


def test_a_choice_without_a_proof_is_made_again_with_more_budget(tmp_path):
    first = wolfsbane.tune(network, budget=4, out=tmp_path / "run", **SMALL)
    assert first.answer.verdict is None
    more = wolfsbane.tune(network, budget=20, out=tmp_path / "run", **SMALL)
    straight = wolfsbane.tune(network, budget=20, **SMALL)
    assert more.to_json() == straight.to_json()


def test_another_configuration_is_refused(tmp_path):
    wolfsbane.tune(network, budget=2, out=tmp_path / "run", **SMALL)
    with pytest.raises(ArgumentError, match=r"train_size.*100.*120"):
        wolfsbane.tune(network, budget=2, out=tmp_path / "run", **SMALL | {"train_size": 120})


def test_scalars_are_written_as_trainings_end(tmp_path):
    require_packages("tensorboard")
    wolfsbane.tune(network, budget=2, out=tmp_path, tensorboard=True, **SMALL)
    assert len(list((tmp_path / "tensorboard").glob("*/events*"))) == 2


def test_progress_is_told():
    seen = []
    wolfsbane.tune(network, budget=4, on_progress=seen.append, **SMALL)
    assert seen[-1].finished == 4
    assert seen[-1].budget == 4
    assert [one.trial.request.number for one in seen if one.trial] == [0, 1, 2, 3]


@pytest.mark.parametrize(
    ("arguments", "error", "said"),
    [
        ({"budget": 0}, ArgumentError, "budget has to be a positive integer, but got 0"),
        ({"budget": "many"}, ArgumentTypeError, "budget has to be a positive integer"),
        ({"objective": "acuracy"}, ArgumentError, "accuracy"),
        ({"space": {"dropuot": Rate()}}, ArgumentError, "did you mean 'dropout'"),
        ({"space": {}}, ArgumentError, "Rate"),
        ({"space": "dropout=0..90"}, ArgumentError, "as a percentage"),
        ({"label_noise": 30}, ArgumentError, "As a percentage that is 0.3"),
        ({"data": "nothing.csv"}, DataError, "no such data"),
        ({"data": 3}, DataError, "data has to be"),
        ({"engine": "spark"}, ArgumentError, "local, ray"),
        ({"jobs": 0}, ArgumentError, "jobs has to be"),
        ({"epoch": "first"}, ArgumentError, "last"),
        ({"train": 3}, ArgumentTypeError, "train has to be a function"),
        ({"precision": -1.0}, ArgumentError, "precision has to be"),
        ({"complexity": True, "budget": 8}, ArgumentError, "budget of at least"),
        ({"tensorboard": True}, ArgumentError, "give one"),
        ({"seed": -1}, ArgumentError, "seed has to be an integer from 0"),
        ({"seed": 2**32}, ArgumentError, "seed has to be an integer from 0"),
        ({"seed": 1.5}, ArgumentTypeError, "seed has to be an integer from 0"),
        ({"out": 5}, ArgumentTypeError, "out has to be the path of a folder"),
        ({"storage": "nonsense"}, ArgumentError, "nonsense"),
        ({"storage": 5}, ArgumentTypeError, "storage has to be a URL"),
        ({"jobs": 2.5}, ArgumentTypeError, "jobs has to be a positive integer"),
    ],
)
def test_a_mistake_is_told_before_anything_is_trained(arguments, error, said):
    trained = []

    def counted(dropout=0.5):
        trained.append(dropout)
        return network(dropout)

    with pytest.raises(error, match=f"(?i){said}"):
        wolfsbane.tune(counted, **SMALL | arguments)
    assert len(trained) <= 9  # built to be checked


def test_a_model_that_does_not_fit_is_told_first():
    with pytest.raises(ModelError, match=r"\(2, 10\)"):
        wolfsbane.tune(
            lambda dropout=0.1: torch.nn.Sequential(torch.nn.Linear(64, 3)), budget=4, **SMALL
        )


def test_own_epochs_and_a_loop_of_ones_own_exclude_each_other():
    with pytest.raises(ArgumentError, match="epochs is for the default"):
        wolfsbane.tune(network, "digits", train=print, epochs=3)


def test_what_splits_data_is_refused_where_a_loop_of_ones_own_gets_it_whole():
    with pytest.raises(ArgumentError, match="yours goes to train as it is"):
        wolfsbane.tune(network, {"mine": 1}, train=print, train_size=50)
