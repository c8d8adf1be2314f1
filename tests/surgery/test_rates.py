"""Rates are shown as a table, set by number, pattern and depth, and come back by undo."""

from types import SimpleNamespace

import pytest
import torch
import torch.nn.functional as F
from torch.nn import LSTM, Dropout, Identity, Linear, Module, ModuleList, Sequential

from wolfsbane import nn, surgery
from wolfsbane.anatomy.rates import drop_rates
from wolfsbane.errors import ArgumentError, ArgumentTypeError, ModelError


class DropPath(Module):
    """As timm's, whose rate may be None."""

    def __init__(self, drop_prob=None):
        super().__init__()
        self.drop_prob = drop_prob

    def forward(self, x):
        keep = torch.rand(len(x)) >= (self.drop_prob or 0.0) * self.training
        return x * keep.view(-1, *[1] * (x.dim() - 1))


class Block(Module):
    """As a transformer's block of timm: nn.Identity where the rate is 0, and an attribute."""

    def __init__(self, drop_path=0.0):
        super().__init__()
        self.drop = 0.0
        self.drop_path1 = DropPath(drop_path) if drop_path else Identity()

    def forward(self, x):
        return self.drop_path1(F.dropout(x, self.drop, self.training))


class Network(Module):
    def __init__(self, num_blocks=4, drop_path=0.1):
        super().__init__()
        self.blocks = ModuleList([Block(drop_path) for _ in range(num_blocks)])
        self.head = Sequential(Dropout(0.5), Linear(2, 2))


def values(model):
    return {(rate.path, rate.name): rate.value for rate in drop_rates(model)}


def of_blocks(model, name):
    return [rate.value for rate in drop_rates(model) if rate.name == name]


def test_table_lists_each_rate_with_what_uses_it():
    table = surgery.rates(Network(1))
    assert [(row.path, row.kind, row.attribute, row.rate) for row in table] == [
        ("blocks.0", "F.dropout", "drop", 0.0),
        ("blocks.0.drop_path1", "DropPath", "drop_prob", 0.1),
        ("head.0", "Dropout", "p", 0.5),
    ]
    assert len(table[1:]) == 2


def test_table_is_text():
    assert str(surgery.rates(Sequential(Dropout(1 / 3), LSTM(2, 2)))) == (
        "path  kind                  attribute  rate    note\n"
        "0     Dropout               p          0.3333\n"
        "1     LSTM, between layers  dropout    0       "
        "it has one layer, and drops only between layers"
    )
    assert str(surgery.rates(Linear(2, 2))) == "no drop rates"


class Written(Module):
    def forward(self, x):
        return F.dropout(x, 0.25, self.training)


LINE = Written.forward.__code__.co_firstlineno + 1


def test_number_in_the_source_is_shown_with_its_line():
    (row,) = surgery.rates(Written())
    assert row.note == f"written in the source, line {LINE} of test_rates.py"


def test_one_number_sets_every_rate():
    model = Network(2)
    undo = surgery.set_rates(model, 0.25).apply()
    assert set(values(model).values()) == {0.25}
    undo()
    assert values(model) == values(Network(2))


def test_set_rate_changes_the_fraction_that_is_dropped():
    model = Sequential(Block(0.1))
    surgery.set_rates(model, {"*.drop": 0.5, "*.drop_path1": 0.0}).apply()
    zeros = (model(torch.ones(100_000)) == 0).double().mean().item()
    assert zeros == pytest.approx(0.5, abs=0.01)  # 6 sigma: false alarm 2e-9
    surgery.set_rates(model, {"*.drop": 0.0, "*.drop_path1": 0.3}).apply()
    zeros = (model(torch.ones(100_000)) == 0).double().mean().item()
    assert zeros == pytest.approx(0.3, abs=0.01)  # 6.9 sigma: false alarm 6e-12


DROP, HEAD = "drop", ("head.0", "p")
PATH = "drop_prob"


@pytest.mark.parametrize(
    ("rates", "changed"),
    [
        ({"head": 0.2}, {HEAD: 0.2}),
        ({"blocks.0": 0.2}, {("blocks.0", DROP): 0.2, ("blocks.0.drop_path1", PATH): 0.2}),
        ({"*.drop": 0.2}, {("blocks.0", DROP): 0.2, ("blocks.1", DROP): 0.2}),
        ({"blocks.0.*": 0.2, "*.0.drop": 0.3, "*.0.drop_path1": 0.1}, {("blocks.0", DROP): 0.3}),
        (
            {"*": 0.2, "blocks": 0.1},
            {("blocks.0", DROP): 0.1, ("blocks.1", DROP): 0.1, HEAD: 0.2},
        ),
        (
            [{"blocks.1": 0.1}, {"head": 0.3}, {"*.0": 0.4, "blocks.0": 0.1}],
            {("blocks.0", DROP): 0.1, ("blocks.1", DROP): 0.1, HEAD: 0.4},
        ),
        (
            surgery.linear("blocks.*.drop", 0.2, 0.3),
            {("blocks.0", DROP): 0.2, ("blocks.1", DROP): 0.3},
        ),
    ],
)
def test_pattern_means_what_it_matches_and_all_below_and_the_last_wins(rates, changed):
    model = Network(2)
    before = values(model)
    surgery.set_rates(model, rates).apply()
    after = values(model)
    assert {key: after[key] for key in after if after[key] != before[key]} == changed


@pytest.mark.parametrize("num_blocks", [1, 2, 12])
def test_linear_grows_with_the_block_s_index(num_blocks):
    model = Network(num_blocks)
    surgery.set_rates(model, surgery.linear("blocks.*", 0, 0.3)).apply()
    expected = [0.3 * i / max(num_blocks - 1, 1) for i in range(num_blocks)]
    for name in ("drop", "drop_prob"):
        assert of_blocks(model, name) == pytest.approx(expected, abs=1e-12)
    assert of_blocks(model, "drop")[-1] == expected[-1]
    assert model.head[0].p == 0.5


def test_linear_counts_the_blocks_of_all_stages_in_one_row():
    stage = [ModuleList([Block(0.1), Block(0.1)]), ModuleList([Block(0.1)])]
    model = torch.nn.ModuleDict({"stages": ModuleList(stage)})
    surgery.set_rates(model, surgery.linear("stages.*.*", 0, 0.5)).apply()
    assert of_blocks(model, "drop_prob") == [0.0, 0.25, 0.5]


def test_linear_takes_a_star_within_a_name():
    model = torch.nn.ModuleDict({"layer1": Network(2), "stem": Block(0.1), "layer2": Network(1)})
    surgery.set_rates(model, surgery.linear("layer*", 0.2, 0.4)).apply()
    assert of_blocks(model, "drop_prob") == [0.2, 0.2, 0.1, 0.4]


def test_linear_counts_a_block_without_a_rate():
    model = Sequential(Linear(2, 2), Dropout(0.1), Dropout(0.1))
    surgery.set_rates(model, surgery.linear("*", 0.0, 0.4)).apply()
    assert of_blocks(model, "p") == [0.2, 0.4]


def test_linear_without_a_star_is_explained():
    with pytest.raises(ArgumentError, match=r"needs a pattern with a \*, .* got 'blocks'"):
        surgery.linear("blocks", 0, 0.3)


@pytest.mark.parametrize(
    "rates",
    [30, {"head": 30}, [{"blocks": 0.1}, {"head": 30}]],
)
def test_rate_that_is_no_probability_changes_nothing(rates):
    model = Network(2)
    before = values(model)
    with pytest.raises(ArgumentError, match=r"got 30. As a percentage that is p=0.3"):
        surgery.set_rates(model, rates)
    assert values(model) == before
    with pytest.raises(ArgumentError, match="got 30"):
        surgery.linear("blocks.*", 0, 30)


@pytest.mark.parametrize(
    ("rates", "message"),
    [("0.2", "rates are a number"), ({3: 0.2}, "named by patterns"), (True, "got True")],
)
def test_what_is_no_rate_is_explained(rates, message):
    with pytest.raises(ArgumentTypeError, match=message):
        surgery.set_rates(Network(1), rates)


@pytest.mark.parametrize("rates", [{"heads": 0.2}, surgery.linear("heads.*", 0, 1)])
def test_pattern_without_a_rate_is_an_error_that_names_what_is_near(rates):
    with pytest.raises(ArgumentError, match=r"no drop rate is in .* Did you mean 'head"):
        surgery.set_rates(Network(1), rates)


def test_pattern_on_a_model_without_rates_is_explained():
    with pytest.raises(ArgumentError, match="The model has no drop rates"):
        surgery.set_rates(Linear(2, 2), {"*": 0.2})
    assert str(surgery.set_rates(Linear(2, 2), 0.2)) == "set_rates (Linear): nothing to change"


def test_making_the_plan_changes_nothing_and_shows_it():
    model = Sequential(Dropout(0.1), DropPath(None))
    plan = surgery.set_rates(model, 0.2)
    assert str(plan) == (
        "set_rates (Sequential): 2 changes\n"
        "  0  Dropout, p=0.1            ->  p=0.2\n"
        "  1  DropPath, drop_prob=None  ->  drop_prob=0.2"
    )
    assert model[0].p == 0.1


def test_rate_that_is_so_already_is_no_change():
    model = Sequential(nn.Dropout(torch.tensor(0.1)), Dropout(0.1), DropPath(None))
    assert len(surgery.set_rates(model[:2], 0.1)) == 0
    assert len(surgery.set_rates(model[2:], 0)) == 0


@pytest.mark.parametrize("value", [None, 0, 1, 0.1])
def test_undo_restores_the_very_value(value):
    model = DropPath(value)
    undo = surgery.set_rates(model, 0.2).apply()
    assert model.drop_prob == 0.2
    undo()
    assert model.drop_prob is value


def test_rate_as_a_tensor_stays_the_same_tensor():
    layer = nn.Dropout(torch.tensor(0.1))
    p, old = layer.p, layer.p.item()
    undo = surgery.set_rates(layer, 0.2).apply()
    assert layer.p is p
    assert p.item() == torch.tensor(0.2).item()
    undo()
    assert layer.p is p
    assert p.item() == old


def test_identity_in_a_dropout_s_place_is_reported():
    model = Sequential(Block(0.0))
    text = str(surgery.set_rates(model, {"0.drop_path1": 0.2}))
    assert "nothing to change" in text
    assert "0.drop_path1  Identity" in text
    assert "built without a layer; insert_dropout adds one" in text
    assert "Identity" not in str(surgery.set_rates(model, {"*": 0.0}))


def test_recurrent_net_of_one_layer_is_kept_and_named():
    model = Sequential(LSTM(2, 2), LSTM(2, 2, 2))
    plan = surgery.set_rates(model, 0.2)
    assert "it has one layer, and drops only between layers" in str(plan)
    plan.apply()
    assert [layer.dropout for layer in model] == [0.0, 0.2]


def test_number_in_the_source_is_kept_and_named():
    plan = surgery.set_rates(Written(), 0.2)
    assert not plan
    assert f"written in the source, line {LINE} of test_rates.py" in str(plan)


class Configured(Module):
    def __init__(self, config):
        super().__init__()
        self.config = config

    def forward(self, x):
        return F.dropout(x, self.config.dropout, self.training)


def test_rate_that_modules_share_is_noted():
    config = SimpleNamespace(dropout=0.1)
    model = Sequential(Configured(config), Configured(config))
    plan = surgery.set_rates(model, {"0": 0.2})
    assert plan.notes == ("0 shares its rate with 1",)
    plan.apply()
    assert config.dropout == 0.2
    assert surgery.rates(model)[0].note == "shared with 1"


def test_rate_changed_meanwhile_makes_the_plan_invalid():
    model = Sequential(Dropout(0.1), Dropout(0.2))
    plan = surgery.set_rates(model, 0.3)
    model[1].p = 0.4
    with pytest.raises(ModelError, match=r"1: p was to be 0.2, but is 0.4; .* new plan"):
        plan.apply()
    assert model[0].p == 0.1


def test_module_replaced_meanwhile_makes_the_plan_invalid():
    model = Sequential(Dropout(0.1))
    plan = surgery.set_rates(model, 0.3)
    undo = surgery.convert(model).apply()
    with pytest.raises(ModelError, match="0 was to hold Dropout with a rate, but holds another"):
        plan.apply()
    undo()
    back = plan.apply()
    surgery.convert(model).apply()
    with pytest.raises(ModelError, match="undo the later change first"):
        back()


def test_optimizer_of_another_model_is_refused():
    optimizer = torch.optim.SGD(Linear(2, 2).parameters())
    with pytest.raises(ArgumentError, match="holds none of the model's parameters"):
        surgery.set_rates(Network(1), 0.2, optimizers=[optimizer])
