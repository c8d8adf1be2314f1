"""Every drop rate is found where it lives, is read when asked, and can be set there."""

import random
from types import SimpleNamespace

import pytest
import torch
import torch.nn.functional
import torch.nn.functional as F
from torch.nn import LSTM, Dropout, Dropout2d, Linear, Module, MultiheadAttention, Sequential

from wolfsbane import nn
from wolfsbane.anatomy.rates import drop_rates
from wolfsbane.errors import ArgumentError, UnsupportedError


def found(model):
    return [(rate.path, rate.kind, rate.name, rate.value) for rate in drop_rates(model)]


def dropped(output):
    """Return the fraction of zeros."""
    return (output == 0).double().mean().item()


class DropPath(Module):
    """As timm's and transformers': a name, and a rate that may be None."""

    def __init__(self, drop_prob=None):
        super().__init__()
        self.drop_prob = drop_prob

    def forward(self, input):
        return input


class StochasticDepth(Module):
    """As torchvision's."""

    def __init__(self, p):
        super().__init__()
        self.p = p


class BeitDropPath(DropPath):
    pass


class PatchDropoutWithIndices(Module):
    """As timm's."""

    def __init__(self, prob):
        super().__init__()
        self.prob = prob


class DropBlock2d(DropPath):
    pass


class Inherits(Dropout):
    pass


@pytest.mark.parametrize(
    ("layer", "kind", "name", "value", "is_module"),
    [
        (Dropout(0.1), "Dropout", "p", 0.1, True),
        (Dropout2d(0.1), "Dropout2d", "p", 0.1, True),
        (torch.nn.FeatureAlphaDropout(1), "FeatureAlphaDropout", "p", 1.0, True),
        (Inherits(0.2), "Inherits", "p", 0.2, True),
        (nn.Dropout3d(0.1), "Dropout3d", "p", 0.1, True),
        (nn.DropPath(0), "DropPath", "p", 0.0, True),
        (nn.Dropout(torch.tensor(0.25)), "Dropout", "p", 0.25, True),
        (nn.DropoutAdd(0.1), "DropoutAdd", "p", 0.1, False),
        (nn.BiasActDropout(4, p=0.1), "BiasActDropout", "p", 0.1, False),
        (nn.BatchNormAct1d(4, p=0.1), "BatchNormAct1d", "p", 0.1, False),
        (MultiheadAttention(4, 2, dropout=0.1), "MultiheadAttention", "dropout", 0.1, False),
        (LSTM(2, 2, 2, dropout=0.1), "LSTM, between layers", "dropout", 0.1, False),
        (torch.nn.GRU(2, 2, 2, dropout=0), "GRU, between layers", "dropout", 0.0, False),
        (DropPath(), "DropPath", "drop_prob", 0.0, True),
        (DropPath(0.1), "DropPath", "drop_prob", 0.1, True),
        (BeitDropPath(0.1), "BeitDropPath", "drop_prob", 0.1, True),
        (DropBlock2d(0.1), "DropBlock2d", "drop_prob", 0.1, True),
        (StochasticDepth(0.1), "StochasticDepth", "p", 0.1, True),
        (PatchDropoutWithIndices(0.1), "PatchDropoutWithIndices", "prob", 0.1, False),
    ],
)
def test_layer_s_rate_is_found_read_and_set(layer, kind, name, value, is_module):
    (rate,) = drop_rates(Sequential(Linear(2, 2), layer))
    assert (rate.path, rate.kind, rate.name, rate.value) == ("1", kind, name, value)
    assert rate.owner is layer
    assert rate.is_module is is_module
    assert rate.is_settable
    assert rate.is_effective
    rate.set(0.75)
    assert getattr(layer, name) == 0.75 == rate.value
    rate.hold(value)
    assert rate.value == value


@pytest.mark.parametrize(
    "model",
    [
        Linear(2, 2),
        nn.BatchNorm1d(2),
        torch.nn.Identity(),
    ],
)
def test_model_that_drops_nothing_has_no_rates(model):
    assert drop_rates(model) == []


def test_rate_as_a_tensor_stays_the_same_tensor():
    layer = nn.Dropout(torch.tensor(0.25))
    p = layer.p
    (rate,) = drop_rates(layer)
    rate.set(0.5)
    assert layer.p is p
    assert p.item() == 0.5
    assert dropped(layer(torch.ones(100_000))) == pytest.approx(0.5, abs=0.01)  # 6 sigma: 2e-9


def test_rate_of_a_recurrent_net_of_one_layer_has_no_effect():
    model = torch.nn.ModuleList([torch.nn.GRU(2, 2), torch.nn.GRU(2, 2, 2)])
    assert [rate.is_effective for rate in drop_rates(model)] == [False, True]


def test_transformer_layer_holds_modules_and_attention():
    model = torch.nn.TransformerEncoderLayer(4, 2, 8, dropout=0.1)
    assert [(rate.path, rate.kind) for rate in drop_rates(model)] == [
        ("self_attn", "MultiheadAttention"),
        ("dropout", "Dropout"),
        ("dropout1", "Dropout"),
        ("dropout2", "Dropout"),
    ]


def test_module_in_two_places_has_one_rate_and_two_paths():
    shared = Dropout(0.1)
    (rate,) = drop_rates(torch.nn.ModuleDict({"a": shared, "b": shared}))
    assert rate.paths == ("a", "b")


def attention_interface(module, query, dropout, **kwargs):
    return F.dropout(query, p=dropout, training=module.training)


def bias_dropout_add(x, bias, residual, prob, training):
    return F.dropout(x + bias, prob, training) + residual


class Functional(Module):
    def __init__(self, rate=0.1):
        super().__init__()
        self.drop = rate

    def forward(self, x):
        return F.dropout(x, self.drop, self.training)


class Keyword(Functional):
    def forward(self, x):
        return torch.nn.functional.dropout2d(x, training=self.training, p=self.drop)


class FromTorch(Functional):
    def forward(self, x):
        return torch.dropout(x, self.drop, self.training)


class Alias(Functional):
    def forward(self, x):
        p = float(self.drop if self.training else 0)
        return F.alpha_dropout(x, p, True)


class Multiplied(Functional):
    def forward(self, x):
        return F.dropout(x, p=self.drop * self.training)


class Attention(Functional):
    def forward(self, x):
        return F.scaled_dot_product_attention(
            x, x, x, dropout_p=self.drop if self.training else 0.0
        )


class Interface(Functional):
    def forward(self, x):
        return attention_interface(self, x, dropout=0.0 if not self.training else self.drop)


class InMethod(Functional):
    def forward(self, x):
        return torch.utils.checkpoint.checkpoint(self._inner, x, use_reentrant=False)

    def _inner(self, x):
        return F.dropout(x, self.drop, self.training)


class Super(InMethod):
    def forward(self, x):
        return 2 * super().forward(x)


class OtherFunction(Functional):
    def forward(self, x):
        return bias_dropout_add(x, 1, x, self.drop, self.training)


class LayerDrop(Module):
    def __init__(self, rate=0.1):
        super().__init__()
        self.layerdrop = rate

    def forward(self, x):
        return x if self.training and random.random() < self.layerdrop else 2 * x


@pytest.mark.parametrize(
    ("cls", "kind"),
    [
        (Functional, "F.dropout"),
        (Keyword, "F.dropout2d"),
        (FromTorch, "torch.dropout"),
        (Alias, "F.alpha_dropout"),
        (Multiplied, "F.dropout"),
        (Attention, "scaled_dot_product_attention"),
        (Interface, "attention_interface"),
        (InMethod, "F.dropout"),
        (Super, "F.dropout"),
        (OtherFunction, "bias_dropout_add"),
        (LayerDrop, "LayerDrop"),
    ],
)
def test_attribute_that_the_source_reads_is_found(cls, kind):
    model = Sequential(Linear(2, 2), cls())
    (rate,) = drop_rates(model)
    assert (rate.path, rate.kind, rate.value) == ("1", kind, 0.1)
    assert rate.line.endswith("of test_rates.py")
    assert not rate.is_module
    rate.set(0.3)
    assert getattr(model[1], rate.name) == 0.3


def test_setting_an_attribute_changes_what_is_dropped():
    model = Functional(0.1)
    drop_rates(model)[0].set(0.5)
    fraction = dropped(model(torch.ones(100_000)))
    assert fraction == pytest.approx(0.5, abs=0.01)  # 6 sigma: false alarm 2e-9


class Configured(Module):
    def __init__(self, config):
        super().__init__()
        self.config = config

    def forward(self, x):
        return F.dropout(x, self.config.attention_dropout, self.training)


def test_rate_in_a_shared_configuration_is_one_rate():
    config = SimpleNamespace(attention_dropout=0.1)
    model = Sequential(Configured(config), Configured(config))
    (rate,) = drop_rates(model)
    assert rate.name == "config.attention_dropout"
    assert rate.paths == ("0", "1")
    rate.set(0.2)
    assert config.attention_dropout == 0.2


class ReadsAModule(Module):
    """As timm's attention: the layer runs only where the fused kernel does not."""

    def __init__(self):
        super().__init__()
        self.attn_drop = Dropout(0.1)

    def forward(self, x):
        p = self.attn_drop.p if self.training else 0.0
        return F.scaled_dot_product_attention(x, x, x, dropout_p=p)


def test_module_s_rate_that_another_reads_is_listed_once_with_its_reader():
    (rate,) = drop_rates(Sequential(ReadsAModule()))
    assert (rate.path, rate.kind, rate.name) == ("0.attn_drop", "Dropout", "p")
    assert rate.readers == ("0",)


class TwoUses(Functional):
    def forward(self, x):
        x = F.scaled_dot_product_attention(x, x, x, None, self.drop)
        return F.dropout(F.dropout(x, self.drop), self.drop)


def test_rate_that_is_used_twice_is_listed_once_with_both_uses():
    (rate,) = drop_rates(TwoUses())
    assert rate.kind == "scaled_dot_product_attention, F.dropout"


class Written(Module):
    def forward(self, x):
        x = F.dropout(x, 0.25, self.training)
        x = F.dropout(x, training=self.training)
        return F.dropout(x, 0.0)


def test_number_in_the_source_is_listed_and_cannot_be_set():
    first, second = drop_rates(Written())
    line = Written.forward.__code__.co_firstlineno + 1
    assert (first.value, first.name, first.kind) == (0.25, "", "F.dropout")
    assert first.obstacle == f"written in the source, line {line} of test_rates.py"
    assert second.value == 0.5
    assert not second.is_settable
    with pytest.raises(
        UnsupportedError, match=f"cannot be set: written in the source, line {line}"
    ):
        first.set(0.1)


class Unrelated(Module):
    def __init__(self):
        super().__init__()
        self.drop = torch.nn.Dropout(0.1)
        self.use_dropout = True
        self.keep_prob = 0.9
        self.scale = 0.3

    def forward(self, x):
        x = attention_interface(self, x, dropout=self.use_dropout)
        x = F.dropout(x, 1 - self.keep_prob)
        for drop in self.children():
            x = drop(x)
        return self.drop(F.gelu(x) * self.scale)


def test_what_is_no_rate_is_not_listed():
    assert [rate.path for rate in drop_rates(Unrelated())] == ["drop"]


class Computed(Module):
    @property
    def drop(self):
        return 0.25

    def forward(self, x):
        return F.dropout(x, self.drop, self.training)


def test_computed_rate_cannot_be_set():
    (rate,) = drop_rates(Computed())
    assert (rate.value, rate.obstacle) == (0.25, "computed by its owner")


def test_class_without_source_is_passed_over():
    namespace = {"Module": Module, "F": F}
    exec("class Typed(Module):\n    def forward(self, x): return F.dropout(x, 0.5)", namespace)
    assert drop_rates(Sequential(namespace["Typed"](), Dropout(0.1)))[0].path == "1"


def test_none_is_a_rate_of_zero_and_comes_back_as_none():
    model = DropPath(None)
    (rate,) = drop_rates(model)
    held = rate.held
    rate.set(0.5)
    rate.hold(held)
    assert model.drop_prob is None


def test_rate_that_is_no_probability_is_refused():
    model = Dropout(0.1)
    with pytest.raises(ArgumentError, match="between 0 and 1, but got 30"):
        drop_rates(model)[0].set(30)
    assert model.p == 0.1


def test_compiled_and_parallel_models_are_looked_through():
    model = Sequential(Functional(0.1))
    assert found(torch.compile(model, backend="eager")) == [
        ("_orig_mod.0", "F.dropout", "drop", 0.1)
    ]
    assert found(torch.nn.DataParallel(model)) == [("module.0", "F.dropout", "drop", 0.1)]
