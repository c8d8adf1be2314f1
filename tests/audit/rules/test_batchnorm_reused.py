import pytest
import torch
from torch import nn
from torch.utils.checkpoint import checkpoint

from wolfsbane.audit import check_model, watch
from wolfsbane.audit.registry import rule_of

RULES = [rule_of("WB306")]


class Shared(nn.Module):
    """One norm behind each of two layers, which may be the same."""

    def __init__(self, *layers, between=None):
        super().__init__()
        self.layers = nn.ModuleList(layers)
        self.between = nn.Identity() if between is None else between
        self.norm = nn.BatchNorm2d(4)

    def forward(self, x):
        for layer in self.layers:
            x = self.norm(self.between(layer(x)))
        return x


def conv():
    return nn.Conv2d(4, 4, 3, padding=1)


SAME = conv()
PICTURE = torch.randn(2, 4, 8, 8)


def test_the_message_names_the_layers():
    (finding,) = check_model(Shared(conv(), conv()), PICTURE, rules=RULES)
    assert finding.place.module == "norm"
    assert "runs 2 times in one forward pass" in finding.message
    assert "'layers.0', 'layers.1'" in finding.message


@pytest.mark.parametrize(
    ("model", "is_found"),
    [
        (Shared(conv()), False),
        (Shared(SAME, SAME), False),
        (Shared(conv(), conv(), between=nn.ReLU()), True),
        (Shared(conv(), conv(), between=nn.MaxPool2d(1)), True),
        (Shared(conv(), nn.ReLU()), False),
    ],
    ids=["once", "a recurrence", "activation between", "pool between", "no weights before"],
)
def test_only_different_layers_are_different_inputs(model, is_found):
    assert check_model(model, PICTURE, rules=RULES).codes == ["WB306"] * is_found


def test_without_example_inputs_nothing_is_known():
    assert check_model(Shared(conv(), conv()), rules=RULES).codes == []


class Pair(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.Tanh())

    def forward(self, left, right):
        return self.encoder(left) - self.encoder(right)


def train(model, *shifts, size=16, steps=6):
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    with watch(model, rules=RULES) as findings:
        for _ in range(steps):
            optimizer.zero_grad()
            model(*(torch.randn(size, 4) + shift for shift in shifts)).square().mean().backward()
            optimizer.step()
    return findings


@pytest.mark.parametrize("size", [2, 4, 32])
@pytest.mark.parametrize("seed", range(5))
def test_a_siamese_network_is_silent_however_few_the_samples(size, seed):
    torch.manual_seed(seed)
    assert train(Pair(), 0, 0, size=size).codes == []


def test_the_distance_of_means_is_measured():
    torch.manual_seed(0)
    model = Pair()
    nn.init.eye_(model.encoder[0].weight[:4].data)
    nn.init.eye_(model.encoder[0].weight[4:].data)
    (finding,) = train(model, 0, 5, size=256)
    assert "runs 2 times in one forward pass" in finding.message
    assert finding.place.module == "encoder.1"
    distance = float(finding.message.split("means lie ")[1].split()[0])
    assert distance == pytest.approx(5, rel=0.1)


def test_evaluation_is_not_measured():
    model = Pair()
    model.encoder[1].eval()
    assert train(model, 0, 5).codes == []


class Checkpointed(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.Tanh())

    def forward(self, x):
        return checkpoint(self.encoder, x, use_reentrant=False)


def test_what_is_computed_again_for_gradients_is_no_second_call():
    assert train(Checkpointed(), 3).codes == []
