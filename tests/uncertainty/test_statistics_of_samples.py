"""Mean, variance, entropy and mutual information of samples."""

import math

import pytest
import torch
from torch import nn
from torch.nn import functional as torch_functional

from significance import FALSE_ALARM
from uncertainty.mc_models import around
from wolfsbane.uncertainty import mc_dropout


def seeded(seed=5):
    return torch.Generator().manual_seed(seed)


class Doubling(nn.Module):
    """y = sum of dropped ones: its mean and variance are known."""

    def __init__(self, p, width=200):
        super().__init__()
        self.drop, self.width = nn.Dropout(p), width

    def forward(self, x):
        return self.drop(x.expand(-1, self.width)).sum(1, keepdim=True)


@pytest.mark.parametrize("strategy", ["loop", "prefix", "replicate", "auto"])
def test_mean_and_variance_are_those_of_the_binomial(strategy):
    rows, width, count = 64, 200, 40
    prediction = mc_dropout(Doubling(0.25, width), torch.ones(rows, 1), count, strategy)
    # A sum has mean n and variance n p / (1 - p). The mean of all rows and samples is normal.
    variance = width * 0.25 / 0.75
    limit = math.sqrt(-2 * math.log(FALSE_ALARM / 2))  # P(|z| > t) <= 2 exp(-t^2 / 2)
    error = prediction.mean.double().mean().item() - width
    assert abs(error) < limit * math.sqrt(variance / (rows * count))
    # The sample variance of nearly normal values has standard deviation sqrt(2 / (n - 1)) of it.
    spread = math.sqrt(2 / (rows * (count - 1)))
    ratio = prediction.variance.double().mean().item() / variance
    assert abs(ratio - 1) < 1.1 * limit * spread


@pytest.mark.parametrize("strategy", ["loop", "prefix", "replicate"])
def test_samples_of_a_row_are_independent_of_one_another_and_of_other_rows(strategy):
    kept = mc_dropout(
        nn.Sequential(nn.Dropout(0.5)), torch.ones(40, 30), 50, strategy, keep_samples=True
    ).samples
    signs = kept - 1.0
    for other in (signs.roll(1, 0), signs.roll(1, 1)):
        agreement = (signs * other).sum().item()
        # Hoeffding for 60,000 signs: P(|sum| > t) <= 2 exp(-t^2 / 2n).
        assert abs(agreement) < math.sqrt(2 * kept.numel() * math.log(2 / FALSE_ALARM))


def test_statistics_are_those_of_the_samples_in_float64():
    model, x = around(nn.Dropout(0.4)), torch.randn(9, 6) + 1e3
    found = mc_dropout(model, x, 12, keep_samples=True)
    truth = found.samples.double()
    torch.testing.assert_close(found.mean, truth.mean(0).float())
    torch.testing.assert_close(found.variance, truth.var(0).float())
    torch.testing.assert_close(found.std, truth.std(0).float())
    assert found.num_samples == 12


@pytest.mark.parametrize("dense", [False, True])
def test_entropy_and_mutual_information_follow_their_definition(dense):
    model = nn.Conv2d(4, 3, 1) if dense else nn.Linear(4, 3)
    x = torch.randn((5, 4, 2, 2) if dense else (5, 4)) * 20
    model = nn.Sequential(nn.Dropout(0.5), model)
    logits = mc_dropout(model, x, 10, generator=seeded(), keep_samples=True).samples.double()
    found = mc_dropout(model, x, 10, generator=seeded(), outputs="logits")
    p = torch.softmax(logits, 2)
    mean = p.mean(0)
    entropy = -torch.xlogy(mean, mean).sum(1)
    expected = -torch.xlogy(p, p).sum(2).mean(0)
    torch.testing.assert_close(found.mean, mean.float(), atol=1e-6, rtol=1e-5)
    torch.testing.assert_close(found.variance, p.var(0).float(), atol=1e-6, rtol=1e-5)
    torch.testing.assert_close(found.entropy, entropy.float(), atol=1e-6, rtol=1e-5)
    information = (entropy - expected).float()
    torch.testing.assert_close(found.mutual_information, information, atol=1e-6, rtol=1e-5)


def test_probabilities_give_what_their_logits_give():
    model, x = around(nn.Dropout(0.5)), torch.randn(5, 6)
    logits = mc_dropout(model, x, 8, generator=seeded(), outputs="logits")
    soft = nn.Sequential(model, nn.Softmax(1))
    probabilities = mc_dropout(soft, x, 8, generator=seeded(), outputs="probabilities")
    torch.testing.assert_close(probabilities.mean, logits.mean)
    torch.testing.assert_close(
        probabilities.mutual_information, logits.mutual_information, atol=1e-5, rtol=1e-4
    )


def test_certain_and_impossible_classes_give_zero_and_not_nan():
    class Certain(nn.Module):
        def forward(self, x):
            torch_functional.dropout(x, 0.5)
            return torch.tensor([[1e30, -1e30, -math.inf]]).expand(x.size(0), 3)

    found = mc_dropout(Certain(), torch.ones(4, 2), 5, outputs="logits")
    assert torch.equal(found.entropy, torch.zeros(4))
    assert torch.equal(found.mutual_information, torch.zeros(4))


def test_seed_decides_the_prediction():
    model, x = around(nn.Dropout(0.4)), torch.randn(4, 6)

    def mean(generator=None):
        return mc_dropout(model, x, 5, "loop", generator=generator).mean

    first = mean(seeded())
    assert torch.equal(first, mean(seeded()))
    assert not torch.equal(first, mean(seeded(6)))
    torch.testing.assert_close(mc_dropout(model, x, 5, generator=seeded()).mean, first)
    torch.manual_seed(7)
    default = mean()
    assert not torch.equal(default, mean())
    torch.manual_seed(7)
    assert torch.equal(default, mean())


@pytest.mark.parametrize("size", [1e4, math.inf])
def test_samples_that_are_sure_of_other_classes_disagree_by_all_their_entropy(size):
    class Sure(nn.Module):
        def forward(self, x):
            first = torch_functional.dropout(x, 0.5) > 0
            return torch.where(first, torch.tensor([0.0, -size]), torch.tensor([-size, 0.0]))

    found = mc_dropout(Sure(), torch.ones(3, 1), 400, outputs="logits")
    torch.testing.assert_close(found.mutual_information, found.entropy)
    # A share of 0.5 in 400 samples misses by less than 0.17 but once in 10^9 (Hoeffding).
    assert (found.entropy > -0.33 * math.log(0.33) - 0.67 * math.log(0.67)).all()


def test_samples_that_are_equally_unsure_have_entropy_and_no_information():
    class Unsure(nn.Module):
        def forward(self, x):
            return torch_functional.dropout(x, 0.5) * torch.ones(4)

    found = mc_dropout(Unsure(), torch.ones(3, 1), 50, outputs="logits")
    torch.testing.assert_close(found.entropy, torch.full((3,), math.log(4)))
    assert (found.mutual_information < 1e-7).all()
