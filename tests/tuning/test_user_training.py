"""A training loop of the user's: what it is given, what it may report, and what is refused."""

import io
import pickle
import re
import traceback
import warnings
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader

from skips import require_packages
from tuning.trainings import SIZE, of_torch, trained
from wolfsbane.errors import ArgumentError, ModelError
from wolfsbane.experiment.data import Data
from wolfsbane.experiment.training import AdamW
from wolfsbane.tuning.engines.failure import failure_of, unwrap
from wolfsbane.tuning.objective import Objective


def reporting(*epochs, returned=None):
    """Return a loop that reports these epochs: dictionaries, or None for wolfsbane to measure."""

    def loop(model, data, seed, report):
        for metrics in epochs:
            report() if metrics is None else report(**metrics)
        return returned

    return loop


def own(*epochs, returned=None, **setting):
    """Train on data that only the loop knows."""
    return trained(
        train=reporting(*epochs, returned=returned), pool=None, data="mine", train_size=0, **setting
    )


def curves(outcome):
    return dict(outcome.curves)


def test_a_loop_is_given_the_split_data_or_data_as_it_is():
    seen = []

    def loop(model, data, seed, report):
        seen.append((data, seed))
        report(validation_nll=1)

    mine = {"any": "thing"}
    trained(train=loop, seed=5)
    trained(train=loop, seed=6, pool=None, data=mine)
    assert isinstance(seen[0][0], Data)
    assert seen[1][0] is mine
    assert [seed for _, seed in seen] == [5, 6]


def test_a_loop_that_reports_after_each_epoch_is_measured_as_the_default_one_is():
    def loop(model, data, seed, report):
        AdamW(2)(model, data, seed, report)

    own_loop, default = trained(train=loop), trained()
    assert own_loop.curves == default.curves
    assert own_loop.reliability == default.reliability


def test_own_metrics_make_the_curves_and_nothing_else_is_measured():
    first = {"validation_nll": 0.9, "test_nll": 1.0, "train_f1": 0.1}
    outcome = own(first, {"validation_nll": 0.8, "test_nll": 1, "train_f1": 0.2})
    assert curves(outcome) == {
        "validation_nll": (0.9, 0.8),
        "test_nll": (1.0, 1.0),
        "train_f1": (0.1, 0.2),
    }
    assert outcome.reliability is None
    assert outcome.memorised is None


def test_metrics_may_come_as_a_dictionary_and_as_values_without_dimensions():
    def loop(model, data, seed, report):
        report({"validation_nll": torch.tensor(0.5, requires_grad=True)}, test_nll=np.float32(0.25))

    assert curves(trained(train=loop)) == {"validation_nll": (0.5,), "test_nll": (0.25,)}


def test_what_a_loop_returns_is_its_only_epoch_where_it_reports_none():
    assert curves(own(returned={"validation_nll": 0.5})) == {"validation_nll": (0.5,)}


def test_what_a_loop_returns_after_reports_may_repeat_the_last():
    metrics = {"validation_nll": 0.5, "test_nll": 0.6}
    assert curves(own(metrics, returned=metrics))["test_nll"] == (0.6,)
    assert curves(own(metrics, returned={"test_nll": 0.6}))["test_nll"] == (0.6,)


@pytest.mark.parametrize(
    ("returned", "said"),
    [
        ({"validation_nll": 0.4}, r"validation_nll=0.4 was not reported last, which was .*0.5"),
        ({"test_nll": 0.4}, r"test_nll=0.4 was not reported last"),
        ({"loss": 0.4}, r"a metric's name is train_, validation_ or test_"),
        (0.4, r"has to return nothing, or a dictionary of metrics .* but returned float"),
    ],
)
def test_another_return_than_what_was_reported_last_is_refused(returned, said):
    with pytest.raises(ModelError, match=said):
        own({"validation_nll": 0.5}, returned=returned)


def test_the_objective_may_be_any_metric_that_is_reported():
    outcome = own({"validation_f1": 0.5}, objective=Objective("f1", higher_is_better=True))
    assert curves(outcome) == {"validation_f1": (0.5,)}


@pytest.mark.parametrize(
    ("epochs", "said"),
    [
        ([], r"never called report\(\): call it after each epoch, or return .*'validation_nll'"),
        ([{"test_nll": 1.0}], r"epoch 1: .*'validation_nll' is missing.* Given: test_nll"),
        (
            [{"validation_nl": 1.0}],
            r"'validation_nll' is missing: did you mean 'validation_nl'\? Given: validation_nl",
        ),
        ([{"val_nll": 1.0}], r"but got 'val_nll': did you mean 'validation_nll'\?"),
        ([{"validation_": 1.0}], r"a metric's name is train_, validation_ or test_ and the metric"),
        ([{"validation_nll": "low"}], r"validation_nll has to be a number, but got 'low'"),
        ([{"validation_nll": True}], r"validation_nll has to be a number, but got True"),
        ([{"validation_nll": torch.ones(1)}], r"has to be a number, but got tensor\(\[1.\]\)"),
        (
            [{"validation_nll": 1.0}, {"validation_nll": float("nan")}],
            r"epoch 2: training diverged: validation_nll is nan",
        ),
        ([{"validation_nll": torch.tensor(-torch.inf)}], r"epoch 1: .* validation_nll is -inf"),
        (
            [{"validation_nll": 1.0}, {"validation_nll": 1.0, "test_nll": 1.0}],
            (
                r"epoch 2: metrics have to be the same in every epoch, but got "
                r"validation_nll, test_nll, and before that validation_nll"
            ),
        ),
        ([None], r"data is handed over as it is. Give metrics: report\(validation_nll=..., test_"),
    ],
)
def test_metrics_that_cannot_be_used_are_refused_and_the_error_survives_pickling(epochs, said):
    with pytest.raises(ModelError, match=f"training with first=0.5, seed 0.*{said}") as caught:
        own(*epochs)
    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)


def test_metrics_without_names_are_refused():
    with pytest.raises(ModelError, match=r"takes metrics by name, .* but got 0.5"):
        trained(train=lambda model, data, seed, report: report(0.5))


def test_wolfsbane_measures_no_other_objective_than_its_own():
    with pytest.raises(ModelError, match=r"'validation_f1' is missing.*Given: train_nll, "):
        trained(train=reporting(None), objective=Objective("f1", higher_is_better=True))


def test_measured_epochs_and_own_metrics_do_not_mix():
    with pytest.raises(ModelError, match="epoch 2: metrics have to be the same in every epoch"):
        trained(train=reporting(None, {"validation_nll": 0.4}))


class TwoOutputs(nn.Linear):
    def forward(self, input):
        return super().forward(input), input


def test_a_model_of_another_kind_can_be_trained_by_a_loop_that_measures_itself():
    make = lambda first: TwoOutputs(64, 10)  # noqa: E731
    outcome = trained(make, train=reporting({"validation_nll": 0.5}), label_noise=0.3)
    assert outcome.memorised is None
    assert outcome.num_parameters == 650


def test_a_model_of_another_kind_cannot_be_measured():
    with pytest.raises(ModelError, match="has to return logits, a tensor of shape"):
        trained(lambda first: TwoOutputs(64, 10), train=reporting(None))


def test_a_lazy_model_may_get_its_shapes_from_the_loop():
    def loop(model, data, seed, report):
        model(torch.ones(2, 7))
        report(validation_nll=1.0)

    outcome = trained(lambda first: nn.LazyLinear(3), train=loop, pool=None)
    assert outcome.num_parameters == 24


def test_what_is_memorised_is_read_off_a_loop_of_the_users_too():
    def loop(model, data, seed, report):
        AdamW(2)(model, data, seed, report)

    both = [trained(train=train, label_noise=0.2).memorised for train in (loop, None)]
    assert both[0] == both[1] > 0


def test_weights_of_a_loop_that_measures_itself_come_back():
    outcome = trained(
        train=reporting({"validation_nll": 1.0}), pool=None, request={"keep_weights": True}
    )
    state = torch.load(io.BytesIO(outcome.weights), weights_only=True)
    assert state.keys() == of_torch(first=0.5).state_dict().keys()


def raises(error):
    def loop(model, data, seed, report):
        raise error

    return loop


def test_errors_of_a_loop_go_on_with_their_traceback():
    error = KeyError("column")
    with pytest.raises(KeyError) as caught:
        trained(train=raises(error), seed=3)
    assert caught.value is error
    assert caught.value.__notes__ == ["raised in the training with first=0.5, seed 3"]
    assert traceback.extract_tb(caught.tb)[-1].name == "loop"


def test_errors_of_wolfsbane_in_a_loop_go_on_as_they_are():
    error = ArgumentError("p is 30")
    with pytest.raises(ArgumentError) as caught:
        trained(train=raises(error))
    assert caught.value is error


def test_errors_of_a_loop_come_back_from_a_worker_with_the_note():
    with pytest.raises(KeyError) as caught:
        trained(train=raises(KeyError("column")))
    with pytest.raises(KeyError, match="column") as sent:
        unwrap(failure_of(caught.value))
    assert sent.value.__notes__ == caught.value.__notes__


@pytest.fixture(scope="module")
def documented():
    """Return what docs/tune-own-training.md defines, without its searches."""
    require_packages("lightning", "transformers", "accelerate")
    page = Path(__file__).parents[2] / "docs" / "tune-own-training.md"
    blocks = re.findall(
        r"^```python\n(.*?)^```", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL
    )
    names = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the two libraries
        for block in blocks:
            if "wolfsbane.tune(" not in block:
                exec(compile(block, page.name, "exec"), names)
    return names


def batches_of(make, rate, **how):
    """Return the outcome at a rate, and what the model was trained on, in order."""
    seen = []

    def keep(model, positional, named):
        if model.training:
            seen.append(positional[0] if positional else named["input_ids"])

    def watched(dropout):
        model = make(dropout)
        model.register_forward_pre_hook(keep, with_kwargs=True)
        return model

    return trained(watched, {"dropout": rate}, **how), torch.cat(seen)


@pytest.mark.filterwarnings("ignore")  # Lightning's own, on small runs
def test_lightning_trains_and_wolfsbane_measures(documented):
    how = {"train": documented["train_with_lightning"], "seed": 3}
    found = [batches_of(documented["make_net"], rate, **how) for rate in (0.0, 0.3, 0.6)]
    outcomes, batches = zip(*found, strict=True)
    assert [len(outcome.curves["validation_nll"]) for outcome in outcomes] == [2, 2, 2]
    assert len({outcome.curves["test_ece"] for outcome in outcomes}) == 3
    assert len({outcome.initial_weights for outcome in outcomes}) == 1
    assert all(torch.equal(batches[0], other) for other in batches)
    assert outcomes[0].curves["train_nll"][1] < outcomes[0].curves["train_nll"][0]


@pytest.mark.filterwarnings("ignore")  # transformers' own, on small runs
def test_transformers_trains_and_measures(documented):
    how = {"train": documented["train_with_transformers"], "data": documented["data"], "pool": None}
    found = [batches_of(documented["make_bert"], rate, **how) for rate in (0.0, 0.2, 0.4)]
    again, other_order = batches_of(documented["make_bert"], 0.4, seed=1, **how)
    outcomes, batches = zip(*found, strict=True)
    assert set(outcomes[0].curves) == {
        f"{part}_{metric}"
        for part in ("train", "validation", "test")
        for metric in ("nll", "accuracy")
    }
    assert len({outcome.curves["validation_nll"] for outcome in (*outcomes, again)}) == 4
    assert len({outcome.initial_weights for outcome in outcomes}) == 1
    assert all(torch.equal(batches[0], other) for other in batches)
    assert not torch.equal(batches[0], other_order)


@pytest.mark.filterwarnings("ignore")  # transformers' own, on small runs
def test_the_same_seed_gives_the_same_outcome_in_transformers(documented):
    how = {"train": documented["train_with_transformers"], "data": documented["data"], "pool": None}
    both = [trained(documented["make_bert"], {"dropout": 0.3}, **how) for _ in range(2)]
    assert both[0].curves == both[1].curves


@pytest.mark.parametrize("has_own", [True, False])
def test_a_shuffle_needs_a_generator_of_its_own_to_be_the_same_at_every_rate(has_own):
    def loop(model, data, seed, report):
        order = torch.Generator().manual_seed(seed) if has_own else None
        loader = DataLoader(data.train.x, 50, shuffle=True, generator=order)
        for _ in range(2):
            for batch in loader:
                model(batch)
            report()

    _, without = batches_of(lambda dropout: of_torch(first=dropout), 0.0, train=loop)
    _, dropped = batches_of(lambda dropout: of_torch(first=dropout), 0.5, train=loop)
    assert torch.equal(without[:SIZE], dropped[:SIZE])
    assert torch.equal(without[SIZE:], dropped[SIZE:]) is has_own
