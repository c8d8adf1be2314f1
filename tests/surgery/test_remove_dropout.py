"""Dropout of every kind goes: afterwards training gives what evaluation gives."""

import pytest
import torch
import torch.nn.functional as F
from torch.nn import Identity, Linear, Sequential

from wolfsbane import nn, surgery
from wolfsbane.errors import ArgumentError


class Functional(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.rate = 0.5

    def forward(self, input):
        return F.dropout(input, self.rate, self.training)


class Constant(torch.nn.Module):
    def forward(self, input):
        return F.dropout(input, 0.5, self.training)


class Attention(torch.nn.Module):
    """Reads its layer's rate, as timm's and transformers' attention do."""

    def __init__(self):
        super().__init__()
        self.attn_drop = torch.nn.Dropout(0.4)

    def forward(self, input):
        p = self.attn_drop.p if self.training else 0.0
        return F.scaled_dot_product_attention(input, input, input, dropout_p=p)


class DropPath(torch.nn.Module):
    """As timm's: a class of its own library, here of these tests."""

    def __init__(self, drop_prob=None):
        super().__init__()
        self.drop_prob = drop_prob

    def forward(self, input):
        return F.dropout(input, self.drop_prob or 0.0, self.training)


SEQUENCE = (3, 5, 8)

CASES = {
    "Dropout": (torch.nn.Dropout(), SEQUENCE),
    "Dropout1d": (torch.nn.Dropout1d(), SEQUENCE),
    "Dropout2d": (torch.nn.Dropout2d(), (2, 3, 4, 4)),
    "Dropout3d": (torch.nn.Dropout3d(), (2, 3, 4, 4, 4)),
    "AlphaDropout": (torch.nn.AlphaDropout(), SEQUENCE),
    "FeatureAlphaDropout": (torch.nn.FeatureAlphaDropout(), SEQUENCE),
    "ours": (nn.Dropout(), SEQUENCE),
    "our DropPath": (nn.DropPath(), SEQUENCE),
    "another DropPath": (DropPath(0.3), SEQUENCE),
    "BiasActDropout": (nn.BiasActDropout(8), SEQUENCE),
    "LSTM": (torch.nn.LSTM(8, 8, 2, dropout=0.5), SEQUENCE),
    "functional": (Functional(), SEQUENCE),
    "attention that reads a rate": (Attention(), SEQUENCE),
    "TransformerEncoderLayer": (torch.nn.TransformerEncoderLayer(8, 2, 16, 0.5), SEQUENCE),
}


def run(model, x):
    output = model(x)
    return output[0] if isinstance(output, tuple) else output


@pytest.mark.parametrize("case", CASES)
def test_training_then_gives_what_evaluation_gives(case):
    layer, shape = CASES[case]
    model = Sequential(layer)
    model.train()
    x = torch.randn(shape)
    undo = surgery.remove_dropout(model).apply()
    trained = run(model, x)
    torch.testing.assert_close(trained, run(model.eval(), x))
    undo()
    model.train()
    assert not torch.equal(run(model, x), run(model, x))


def test_layer_becomes_identity_and_comes_back():
    model = Sequential(Linear(2, 2), torch.nn.Dropout(0.3), nn.Dropout(0.2))
    before = list(model.modules())
    undo = surgery.remove_dropout(model).apply()
    assert [type(layer) for layer in model] == [Linear, Identity, Identity]
    undo()
    assert all(a is b for a, b in zip(before, model.modules(), strict=True))


def test_layer_whose_rate_is_read_elsewhere_stays_with_a_rate_of_zero():
    model = Attention()
    surgery.remove_dropout(model).apply()
    assert model.attn_drop.p == 0.0


def test_rate_in_multihead_attention_and_blocks_becomes_zero():
    model = torch.nn.ModuleDict(
        {"mha": torch.nn.MultiheadAttention(4, 2, dropout=0.1), "bn": nn.BatchNormAct1d(4, p=0.2)}
    )
    undo = surgery.remove_dropout(model).apply()
    assert (model["mha"].dropout, model["bn"].p) == (0.0, 0.0)
    undo()
    assert (model["mha"].dropout, model["bn"].p) == (0.1, 0.2)


def test_layer_with_weights_keeps_them():
    class DroppedLinear(torch.nn.modules.dropout._DropoutNd):
        def __init__(self):
            super().__init__(0.5)
            self.linear = Linear(2, 2)

        def forward(self, input):
            return F.dropout(self.linear(input), self.p, self.training)

    DroppedLinear.__module__ = "wolfsbane.nn.dropped"
    model = Sequential(DroppedLinear())
    surgery.remove_dropout(model).apply()
    assert model[0].p == 0.0
    assert model[0].linear.weight.shape == (2, 2)


def test_number_in_the_source_is_named_as_left():
    plan = surgery.remove_dropout(Constant())
    assert not plan
    assert "written in the source" in str(plan)


def test_only_what_is_chosen_goes():
    model = torch.nn.ModuleDict(
        {"encoder": Sequential(torch.nn.Dropout()), "head": Sequential(torch.nn.Dropout())}
    )
    surgery.remove_dropout(model, which="encoder").apply()
    assert [type(layer[0]) for layer in model.values()] == [Identity, torch.nn.Dropout]
    with pytest.raises(ArgumentError, match="Did you mean"):
        surgery.remove_dropout(model, which="encodr")


def test_hooks_of_a_dropout_go_on():
    model = Sequential(torch.nn.Dropout())
    calls = []
    handle = model[0].register_forward_hook(lambda *_: calls.append(1))
    surgery.remove_dropout(model).apply()
    model(torch.randn(2))
    handle.remove()
    model(torch.randn(2))
    assert calls == [1]


def test_inserted_dropout_is_removed_too():
    model = Sequential(Linear(4, 4))
    surgery.insert_dropout(model, p=1.0, after=Linear).apply()
    surgery.remove_dropout(model).apply()
    assert model(torch.randn(3, 4)).ne(0).all()
