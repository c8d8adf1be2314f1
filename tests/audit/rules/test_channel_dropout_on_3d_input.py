"""WB113: which inputs have too few dimensions."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

import wolfsbane
from wolfsbane.audit import check_model
from wolfsbane.audit.rules.channel_dropout_on_3d_input import ChannelDropoutOn3dInput
from wolfsbane.audit.run.watching import watch

pytestmark = pytest.mark.filterwarnings("ignore:dropout.d. Received:UserWarning")

CASES = [
    (nn.Dropout1d(0.1), (2, 4, 5), False),
    (nn.Dropout1d(0.1), (2, 4), True),
    (nn.Dropout2d(0.1), (2, 4, 5, 4), False),
    (nn.Dropout2d(0.1), (2, 5, 4), True),
    (nn.Dropout2d(0.1), (2, 4), True),
    (nn.Dropout3d(0.1), (2, 4, 3, 3, 4), False),
    (nn.Dropout3d(0.1), (2, 3, 4, 4), True),
    (nn.Dropout3d(0.1), (2, 4, 4), True),
    (wolfsbane.nn.Dropout2d(0.1), (2, 5, 4), True),
    (nn.Dropout(0.1), (2, 5, 4), False),
]


@pytest.mark.parametrize(("drop", "shape", "is_found"), CASES)
def test_a_model_shows_it_by_the_shapes_of_its_inputs(drop, shape, is_found):
    model = nn.Sequential(nn.Tanh(), drop)
    found = check_model(model, torch.ones(shape), rules=[ChannelDropoutOn3dInput])
    assert [finding.place.module for finding in found] == ["1"] * is_found


def found_in_run(model, shape):
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    with watch(model, rules=[ChannelDropoutOn3dInput]) as findings:
        for _ in range(3):
            model(torch.randn(shape)).square().mean().backward()
            optimizer.step()
    return list(findings)


@pytest.mark.parametrize(("drop", "shape", "is_found"), CASES)
def test_a_run_shows_it_by_what_comes_in(drop, shape, is_found):
    found = found_in_run(nn.Sequential(nn.PReLU(), drop), shape)
    assert len(found) == is_found
    for finding in found:
        assert str(shape) in finding.message
        assert "in 3 of 3 sampled calls" in finding.message


class Function(nn.Module):
    def __init__(self, function):
        super().__init__()
        self.function, self.linear = function, nn.Linear(4, 4)

    def forward(self, x):
        return self.function(self.linear(x), 0.1, self.training)


def test_functions_count_as_layers_do():
    (finding,) = found_in_run(Function(F.dropout2d), (2, 5, 4))
    assert finding.message.startswith("the function dropout2d got an input of shape (2, 5, 4)")
    assert finding.place.file == __file__
    assert found_in_run(Function(F.dropout1d), (2, 5, 4)) == []
    model = Function(F.dropout2d)
    assert check_model(model, torch.ones(2, 5, 4), rules=[ChannelDropoutOn3dInput]).codes == [
        "WB113"
    ]


@pytest.mark.parametrize(
    ("layers", "shape"),
    [
        ((nn.Conv1d(2, 4, 3), nn.Dropout1d(0.1)), (2, 9)),
        ((nn.Conv3d(1, 4, 2), nn.Dropout3d(0.1)), (1, 5, 5, 5)),
    ],
)
def test_a_model_that_runs_without_a_batch_is_silent(layers, shape):
    model = nn.Sequential(*layers)
    rules = [ChannelDropoutOn3dInput]
    assert list(check_model(model, torch.ones(shape), rules=rules)) == []
    assert found_in_run(model, shape) == []
