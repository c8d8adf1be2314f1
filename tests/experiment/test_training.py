"""One training: what is shared between variants, what is measured, what is left behind."""

import pytest
import torch

import wolfsbane.nn
from wolfsbane.errors import ModelError
from wolfsbane.experiment.data import load, split
from wolfsbane.experiment.prediction import evaluation_mode, predict
from wolfsbane.experiment.training import AdamW, train_variant
from wolfsbane.experiment.variants import make_variants
from wolfsbane.functional import masking


@pytest.fixture(scope="module")
def data():
    return split(load("digits"), 100, seed=0)


def trained(options, data, seed=0, train=None):
    (variant,) = make_variants({"a": options})
    return train_variant(variant, data, seed, train or AdamW(2), lambda: None)


def test_the_same_variant_and_seed_give_the_same_run(data):
    assert trained({"dropout": 0.5}, data) == trained({"dropout": 0.5}, data)


def test_another_seed_gives_another_run(data):
    first, second = trained({}, data, seed=0), trained({}, data, seed=1)
    assert first.initial_weights != second.initial_weights
    assert first.curve != second.curve


@pytest.mark.parametrize("options", [{"dropout": 0.5}, {"batchnorm": True}, {"activation": "tanh"}])
def test_variants_of_a_seed_start_from_the_same_weights(options, data):
    assert trained(options, data).initial_weights == trained({}, data).initial_weights


def test_variants_of_a_seed_share_batches_and_mask_keys(data, monkeypatch):
    draw, keys = masking.draw, []
    monkeypatch.setattr(masking, "draw", lambda *how: keys.append(draw(*how)) or keys[-1])
    trained({"dropout": 0.5}, data)
    alone, keys[:] = list(keys), []
    trained({"dropout": 0.2, "batchnorm": True}, data)
    assert keys == alone
    assert len(set(keys)) == len(keys) == 2 * 2 * 2  # layers, epochs, batches of 50


def test_training_leaves_the_callers_random_state_alone(data):
    before = torch.get_rng_state()
    trained({"dropout": 0.5}, data)
    assert torch.equal(torch.get_rng_state(), before)


def test_curves_are_measured_in_evaluation_mode(data):
    run = trained({"dropout": 0.5, "batchnorm": True}, data)
    model = None

    def keep(built, data, seed, report):
        nonlocal model
        model = built
        AdamW(2)(built, data, seed, report)

    trained({"dropout": 0.5, "batchnorm": True}, data, train=keep)
    model.eval()
    with torch.no_grad():
        accuracy = (predict(model, data.train).argmax(1) == data.train.y).double().mean()
    assert run.curve[-1].train.accuracy == pytest.approx(accuracy.item(), abs=1e-12)


def test_training_learns(data):
    run = trained({}, data, train=AdamW(20))
    assert run.curve[-1].train.accuracy > 0.95
    assert run.curve[-1].test.accuracy > 0.7
    assert 0 <= run.best_epoch < 20


def test_no_batch_has_a_single_example():
    sizes = []

    class Spy(torch.nn.Linear):
        def forward(self, input):
            if self.training:
                sizes.append(len(input))
            return super().forward(input)

    data = split(load("digits"), 129, seed=0)
    trained(lambda: Spy(64, 10), data, train=AdamW(1))
    assert sizes == [43, 43, 43]


def test_each_submodules_mode_is_restored_after_measuring():
    model = torch.nn.Sequential(wolfsbane.nn.BatchNorm1d(3), wolfsbane.nn.Dropout())
    model[0].eval()
    with evaluation_mode(model):
        assert not any(module.training for module in model.modules())
    assert [module.training for module in model] == [False, True]


def test_a_lazy_model_is_given_its_shapes(data):
    factory = lambda: torch.nn.Sequential(  # noqa: E731
        torch.nn.LazyLinear(8), wolfsbane.nn.LazyBatchNorm1d(), torch.nn.LazyLinear(10)
    )
    assert len(trained(factory, data).curve) == 2


@pytest.mark.parametrize(
    ("factory", "said"),
    [
        (lambda: torch.nn.Linear(64, 3), r"logits of shape \(2, 10\).* but returned \(2, 3\)"),
        (lambda: torch.nn.Linear(5, 10), r"failed on an input of shape \(2, 64\): RuntimeError"),
        (lambda: torch.nn.LSTM(64, 10), r"but returned tuple"),
    ],
)
def test_a_model_that_does_not_fit_is_refused(factory, said, data):
    with pytest.raises(ModelError, match=said):
        trained(factory, data)


def test_a_loop_that_reports_nothing_is_refused(data):
    with pytest.raises(ModelError, match=r"never called report\(\)"):
        trained({}, data, train=lambda *_: None)


def test_divergence_is_named(data):
    with pytest.raises(ModelError, match="training diverged in epoch"):
        trained({}, data, train=AdamW(3, learning_rate=1e30))
