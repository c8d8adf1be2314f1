"""What a model ends with, in training."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

import wolfsbane
from wolfsbane.audit import check_model
from wolfsbane.audit.registry import rule_of

SOFTMAX = [rule_of("WB401")]
X = (torch.randn(2, 4),)


class Ending(nn.Module):
    def __init__(self, end):
        super().__init__()
        self.fc = nn.Linear(4, 3)
        self.end = end

    def forward(self, x):
        return self.end(self.fc(x))


class Dropping(nn.Module):
    """Hands its mode to a function, and ends with softmax in both."""

    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(4, 3)

    def forward(self, x):
        return F.softmax(self.fc(F.dropout(x, 0.1, training=self.training)), dim=1)


class InEvaluationOnly(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(4, 3)

    def forward(self, x):
        x = self.fc(x)
        return x if self.training else F.softmax(x, dim=1)


def codes(model, example_inputs=None, loss=None):
    loss = loss or nn.CrossEntropyLoss()
    return check_model(model, example_inputs, loss, rules=SOFTMAX).codes


@pytest.mark.parametrize(
    "model",
    [
        nn.Sequential(nn.Linear(4, 3), nn.Softmax(dim=1)),
        nn.Sequential(nn.Linear(4, 3), nn.Sequential(nn.Softmax(dim=1), nn.Dropout())),
    ],
)
def test_the_end_of_a_sequential_is_known_without_inputs(model):
    assert codes(model) == ["WB401"]


@pytest.mark.parametrize(
    "end",
    [
        nn.Softmax(dim=1),
        lambda x: x.softmax(1),
        wolfsbane.nn.Sparsemax(dim=1),
        wolfsbane.nn.Softmax(dim=1),
        lambda x: F.softmax(x, dim=1).unsqueeze(2).squeeze(2),
        lambda x: F.dropout(F.softmax(x, dim=1), training=False),
    ],
)
def test_the_end_of_any_model_is_known_with_inputs(end):
    assert codes(Ending(end), X) == ["WB401"]


@pytest.mark.parametrize(
    "end",
    [
        nn.Identity(),
        nn.LogSoftmax(dim=1),
        lambda x: F.softmax(x, dim=1).log(),
        lambda x: (x, F.softmax(x, dim=1)),
    ],
)
def test_other_ends_are_left_alone(end):
    assert codes(Ending(end), X) == []


def test_a_model_that_ends_otherwise_in_training_is_left_alone():
    assert codes(InEvaluationOnly(), X) == []
    assert codes(nn.Sequential(InEvaluationOnly()), X) == []


def test_a_model_that_only_drops_by_its_mode_is_judged():
    assert codes(Dropping(), X) == ["WB401"]


def test_without_inputs_only_a_sequential_is_judged():
    assert codes(Ending(nn.Softmax(dim=1))) == []


def test_another_loss_is_fine():
    assert codes(nn.Sequential(nn.Linear(4, 3), nn.Softmax(dim=1)), X, nn.MSELoss()) == []


def test_the_message_names_the_layer_and_the_floor():
    model = nn.Sequential(nn.Linear(4, 10), nn.Softmax(dim=1))
    (finding,) = check_model(model, X, nn.CrossEntropyLoss(), rules=SOFTMAX)
    assert "Softmax '1'" in finding.message
    assert "ln(e + 9) - 1 = 1.461" in finding.message
