"""The drop rates of a model that exists."""

import pytest
from torch import nn

import wolfsbane
from wolfsbane.audit.model.layers import layers_of
from wolfsbane.audit.model.rates import rate_of, rate_of_layer
from wolfsbane.audit.operation import Operation
from wolfsbane.audit.traits.dependence import dependent_on_mode


@pytest.mark.parametrize(
    ("layer", "rate"),
    [
        (nn.Dropout(0.3), 0.3),
        (nn.AlphaDropout(1), 1.0),
        (nn.Dropout(p=True), 1.0),
        (wolfsbane.nn.DropPath(0.2), 0.2),
        (nn.LSTM(2, 2, 2, dropout=0.4), 0.4),
        (nn.GRU(2, 2, 1), 0.0),
        (nn.MultiheadAttention(2, 1, dropout=0.1), 0.1),
        (nn.Linear(2, 2), None),
    ],
)
def test_a_layer_has_the_rate_it_drops_with(layer, rate):
    assert rate_of_layer(layers_of(layer)[0]) == rate


class Scheduled(nn.Dropout):
    """A dropout whose rate is not known yet."""

    def __init__(self):
        nn.Module.__init__(self)

    @property
    def p(self):
        raise RuntimeError("the schedule has not begun")


def test_a_rate_that_raises_is_none():
    layer = layers_of(Scheduled())[0]
    assert rate_of_layer(layer) is None
    assert dependent_on_mode(layer) is None


def test_one_level_has_no_rate_whatever_it_was_given():
    with pytest.warns(UserWarning, match="num_layers"):
        layer = nn.LSTM(2, 2, dropout=0.5)
    assert rate_of_layer(layers_of(layer)[0]) == 0.0


def test_an_operation_has_its_arguments_rate():
    assert rate_of(Operation("attention", "attention", arguments={"dropout_p": 0.5})) == 0.5
    assert rate_of(Operation("relu", "relu")) is None
