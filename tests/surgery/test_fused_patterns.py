"""Batch norms that other libraries fused with an activation become BatchNormAct."""

import pytest
import torch
from torch.ao.nn.intrinsic import BNReLU2d, BNReLU3d
from torch.nn import BatchNorm2d, BatchNorm3d, Identity, ReLU, Sequential

from lookalikes import TimmBatchNormAct2d
from wolfsbane import nn, surgery


def pair():
    norm = BatchNorm2d(3)
    torch.nn.init.normal_(norm.weight)
    return BNReLU2d(norm, ReLU())


PATTERNS = [
    (pair, nn.BatchNormAct2d, (4, 3, 5, 5)),
    (lambda: BNReLU3d(BatchNorm3d(3), ReLU()), nn.BatchNormAct3d, (2, 3, 4, 5, 5)),
    (lambda: TimmBatchNormAct2d(3), nn.BatchNormAct2d, (4, 3, 5, 5)),
    (lambda: TimmBatchNormAct2d(3, torch.nn.SiLU()), nn.BatchNormAct2d, (4, 3, 5, 5)),
    (lambda: TimmBatchNormAct2d(3, Identity()), nn.BatchNormAct2d, (4, 3, 5, 5)),
]


@pytest.mark.parametrize(("make", "cls", "shape"), PATTERNS)
def test_pattern_becomes_one_layer_with_the_same_outputs_and_statistics(make, cls, shape):
    original, model = make(), Sequential(make())
    model[0].load_state_dict(original.state_dict())
    surgery.convert(model).apply()
    assert type(model[0]) is cls
    assert not list(model[0].children())
    x = torch.randn(shape) * 3 + 1
    torch.testing.assert_close(model(x), original(x.clone()))
    torch.testing.assert_close(list(model.buffers()), list(original.buffers()))
    evaluated = original.eval()(x.clone())
    torch.testing.assert_close(model.eval()(x), evaluated)


def test_pair_s_names_in_the_state_dict_are_mapped_at_every_path():
    shared = pair()
    model = torch.nn.ModuleDict({"a": shared, "b": Sequential(shared)})
    before = list(model.state_dict())
    plan = surgery.convert(model)
    plan.apply()
    assert [plan.keys[name] for name in before] == list(model.state_dict())
    assert plan.keys["b.0.0.weight"] == "b.0.weight"


def test_timm_s_names_in_the_state_dict_stay():
    model = Sequential(TimmBatchNormAct2d(3))
    before = {name: id(value) for name, value in model.state_dict(keep_vars=True).items()}
    plan = surgery.convert(model)
    plan.apply()
    assert plan.keys == {}
    after = {name: id(value) for name, value in model.state_dict(keep_vars=True).items()}
    assert after == before


def test_pair_s_own_hooks_go_on():
    model = Sequential(pair())
    calls = []
    handle = model[0].register_forward_hook(lambda module, *_: calls.append(type(module)))
    surgery.convert(model).apply()
    model(torch.randn(2, 3, 4, 4))
    handle.remove()
    model(torch.randn(2, 3, 4, 4))
    assert calls == [nn.BatchNormAct2d]


def test_frozen_norm_of_a_pair_stays_frozen_and_undo_gives_every_part_its_mode():
    model = Sequential(pair())
    model[0][0].eval()
    undo = surgery.convert(model).apply()
    assert not model[0].training
    undo()
    assert [module.training for module in model.modules()] == [True, True, False, True]


def hooked(part):
    layer = pair()
    layer[part].register_forward_hook(lambda *_: None)
    return Sequential(layer)


def twice():
    layer = pair()
    return torch.nn.ModuleList([layer, layer[0]])


def prepared():
    layer = pair()
    layer.qconfig = object()
    return Sequential(layer)


def own_forward():
    layer = pair()
    layer[1].forward = torch.tanh
    return Sequential(layer)


def hooked_act():
    layer = TimmBatchNormAct2d(3)
    layer.act.register_forward_hook(lambda *_: None)
    return Sequential(layer)


def with_part():
    layer = TimmBatchNormAct2d(3)
    layer.aa = Identity()
    return Sequential(layer)


LEFT = [
    (lambda: hooked(0), "a hook on one of its layers"),
    (lambda: hooked(1), "a hook on one of its layers"),
    (twice, "its batch norm stands in another place"),
    (prepared, "prepared for quantisation"),
    (own_forward, "its ReLU: its forward was replaced"),
    (hooked_act, "a hook on one of its parts"),
    (with_part, "its parts are not timm's drop and act"),
    (
        lambda: Sequential(TimmBatchNormAct2d(3, torch.nn.Softplus())),
        "there is no fused Softplus",
    ),
    (
        lambda: Sequential(TimmBatchNormAct2d(3, drop=torch.nn.Dropout2d())),
        "between batch norm and activation it drops by Dropout2d",
    ),
]


@pytest.mark.parametrize(("make", "why"), LEFT)
def test_pattern_that_would_lose_something_is_left_and_named(make, why):
    model = make()
    plan = surgery.convert(model)
    assert any(why in kept.why for kept in plan.kept)
    assert not any(isinstance(c.new, nn.BatchNormAct2d) for c in plan.changes)
    plan.apply()
    layer = model[0]
    assert isinstance(layer, (BNReLU2d, TimmBatchNormAct2d))


def test_chain_in_a_sequential_is_left_to_fuse_with_a_note():
    norm = BatchNorm2d(3)
    model = Sequential(norm, ReLU(), torch.nn.Dropout(), BatchNorm2d(3), torch.nn.GELU())
    assert surgery.convert(model).notes == (
        "surgery.fuse(model) makes 2 chains of batch norm and activation one layer each",
    )
    assert surgery.convert(Sequential(norm, ReLU())).notes == (
        "surgery.fuse(model) makes 1 chain of batch norm and activation one layer",
    )


@pytest.mark.parametrize(
    "model",
    [
        Sequential(BatchNorm2d(3), Identity()),
        Sequential(BatchNorm2d(3), torch.nn.Softplus()),
        Sequential(pair()),
        torch.nn.ModuleList([BatchNorm2d(3), ReLU()]),
    ],
)
def test_what_is_no_chain_gets_no_note(model):
    assert surgery.convert(model).notes == ()


def test_pair_with_a_third_layer_is_left_and_named():
    model = torch.nn.Sequential(BNReLU2d(torch.nn.BatchNorm2d(3), torch.nn.ReLU()))
    surgery.insert_dropout(model, after="0").apply()
    assert "it holds more than a batch norm and a ReLU" in str(surgery.convert(model))
