"""Inputs of every form, and what is refused."""

import pytest
import torch
from torch import nn
from torch.nn import functional as torch_functional
from torch.utils.data import DataLoader, TensorDataset

from uncertainty.mc_models import around
from wolfsbane.errors import (
    ArgumentError,
    ArgumentTypeError,
    DataError,
    ModelError,
    ShapeError,
    UnsupportedError,
)
from wolfsbane.uncertainty import mc_dropout


def seeded(seed=5):
    return torch.Generator().manual_seed(seed)


def test_batches_of_every_form_give_what_one_tensor_gives():
    class Sum(nn.Module):
        def __init__(self):
            super().__init__()
            self.drop = nn.Dropout(0.5)

        def forward(self, a, b=0.0):
            return self.drop(a) + b

    x, y = torch.randn(7, 3), torch.randn(7, 3)

    def kept(inputs, **options):
        return mc_dropout(
            Sum(), inputs, 6, generator=seeded(), keep_samples=True, consistent=True, **options
        ).samples

    plain = kept((x, y))
    torch.testing.assert_close(kept({"a": x, "b": y}), plain)
    torch.testing.assert_close(kept((x, y), batch_size=2), plain)
    torch.testing.assert_close(kept({"a": x, "b": y}, batch_size=3), plain)
    loader = DataLoader(TensorDataset(x, torch.zeros(7)), batch_size=4)
    torch.testing.assert_close(kept(loader), kept(x))
    torch.testing.assert_close(kept([x[:3], x[3:]]), kept(x))
    forward = kept(
        DataLoader(TensorDataset(x, y), batch_size=4), forward=lambda model, batch: model(*batch)
    )
    torch.testing.assert_close(forward, plain)


def test_input_is_not_written_into_and_samples_start_from_it():
    model = nn.Sequential(nn.Dropout(0.5, inplace=True))
    x = torch.ones(4, 50)
    prediction = mc_dropout(model, x, 8, keep_samples=True)
    assert torch.equal(x, torch.ones(4, 50))
    assert (prediction.samples[-1] != 0).float().mean() > 0.2  # 1 / 2^8 if masks piled up


@pytest.mark.parametrize(
    "model", [nn.Linear(6, 2), nn.Sequential(nn.Linear(6, 2), nn.Dropout(0.0))]
)
def test_model_in_which_nothing_drops_is_refused(model):
    with pytest.raises(ModelError, match="nothing drops in this model"):
        mc_dropout(model, torch.randn(4, 6))


def test_rates_of_zero_are_named():
    with pytest.raises(ModelError, match="Rates found: 1: 0"):
        mc_dropout(nn.Sequential(nn.Linear(6, 2), nn.Dropout(0.0)), torch.randn(4, 6))


def test_consistent_refuses_what_has_the_batch_elsewhere():
    class TimeFirst(nn.Module):
        def forward(self, x):
            return torch_functional.dropout(x.transpose(0, 1), 0.5).transpose(0, 1)

    with pytest.raises(UnsupportedError, match="batch as first dimension"):
        mc_dropout(TimeFirst(), torch.randn(4, 6, 3), consistent=True)
    net = nn.LSTM(6, 8, num_layers=2, dropout=0.5)
    with pytest.raises(UnsupportedError, match="batch_first=True"):
        mc_dropout(net, torch.randn(4, 6, 6), consistent=True, forward=lambda m, x: m(x)[0])


def test_consistent_refuses_a_model_that_draws_by_itself():
    class Noisy(nn.Module):
        def forward(self, x):
            return x + torch.rand_like(x)

    assert (mc_dropout(Noisy(), torch.randn(4, 6), 4).variance > 0).all()
    with pytest.raises(UnsupportedError, match="random numbers of its own"):
        mc_dropout(Noisy(), torch.randn(4, 6), consistent=True)


def test_statistics_of_classes_need_classes():
    model, x = around(nn.Dropout(0.5)), torch.randn(4, 6)
    with pytest.raises(ArgumentError, match="outputs='logits'"):
        _ = mc_dropout(model, x, 2).entropy
    with pytest.raises(ArgumentError, match="keep_samples=True"):
        _ = mc_dropout(model, x, 2).samples
    with pytest.raises(ArgumentError, match="sum to 1"):
        mc_dropout(model, x, 2, outputs="probabilities")
    with pytest.raises(ShapeError, match="C > 1 classes"):
        mc_dropout(nn.Sequential(model, nn.Linear(3, 1)), x, 2, outputs="logits")


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        ({"model": "model"}, ArgumentTypeError, "needs a torch.nn.Module"),
        ({"samples": 0}, ArgumentError, "positive integer"),
        ({"strategy": "fast"}, ArgumentError, "'auto', 'prefix', 'replicate', 'loop'"),
        ({"outputs": "scores"}, ArgumentError, "'values', 'logits', 'probabilities'"),
        ({"batch_size": 0}, ArgumentError, "positive integer or None"),
        ({"inputs": 3}, ArgumentTypeError, "inputs have to be a tensor"),
        ({"inputs": []}, DataError, "no batch"),
        ({"inputs": (torch.ones(2, 6), torch.ones(3))}, ShapeError, "sizes 2, 3"),
        ({"generator": 3}, ArgumentTypeError, "torch.Generator"),
        ({"seed": 3}, ArgumentTypeError, "did you mean generator"),
        ({"forward": lambda model, x: (model(x),)}, ModelError, "is tuple"),
    ],
)
def test_wrong_arguments_are_explained(change, error, words):
    given = {"model": around(nn.Dropout(0.5)), "inputs": torch.ones(2, 6), **change}
    with pytest.raises(error, match=words):
        mc_dropout(**given)


def test_model_on_the_meta_device_is_refused():
    model = around(nn.Dropout(0.5)).to("meta")
    with pytest.raises(ModelError, match=r"0\.weight of the model is on the meta device"):
        mc_dropout(model, torch.randn(4, 6))


@pytest.mark.parametrize("strategy", ["loop", "prefix", "replicate", "auto"])
@pytest.mark.parametrize("outputs", ["values", "logits"])
def test_no_rows_give_no_rows(strategy, outputs):
    found = mc_dropout(around(nn.Dropout(0.5)), torch.randn(0, 6), 20, strategy, outputs=outputs)
    assert found.mean.shape == found.variance.shape == (0, 3)


@pytest.mark.parametrize("strategy", ["loop", "prefix", "replicate", "auto"])
def test_one_sample_has_a_mean_and_no_variance(strategy):
    found = mc_dropout(around(nn.Dropout(0.5)), torch.randn(4, 6), 1, strategy)
    assert found.mean.isfinite().all()
    assert found.variance.isnan().all()
