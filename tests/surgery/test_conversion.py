"""convert: torch's layers become ours, with the same tensors, outputs and statistics."""

import copy
import warnings

import pytest
import torch
from torch.nn import BatchNorm1d, Dropout, Linear, ReLU, Sequential

from wolfsbane import nn, surgery
from wolfsbane.surgery.conversion import OURS

LAZY = [cls for cls in OURS if "Lazy" in cls.__name__]
DROPOUTS = [cls for cls in OURS if "Dropout" in cls.__name__]
EAGER_NORMS = [cls for cls in OURS if "Norm" in cls.__name__ and cls not in LAZY]
DIMS = {"1d": 3, "2d": 4, "3d": 5}


def batch_for(cls, dtype=torch.float32):
    return torch.randn(4, 3, 5, 5, 5, dtype=dtype)[(...,) + (0,) * (5 - dims_of(cls))]


def dims_of(cls):
    return DIMS.get(cls.__name__[-2:], 4)


def test_every_dropout_and_batch_norm_of_torch_has_a_successor():
    names = {name for name in dir(torch.nn) if "Dropout" in name or "BatchNorm" in name}
    assert names == {cls.__name__ for cls in OURS}


@pytest.mark.parametrize("cls", DROPOUTS)
def test_dropout_keeps_its_rate_and_drops_by_the_mask_contract(cls):
    x = batch_for(cls)
    model = Sequential(cls(0.25, inplace=True))
    surgery.convert(model).apply()
    assert type(model[0]) is OURS[cls]
    assert (model[0].p, model[0].inplace) == (0.25, True)
    torch.manual_seed(1)
    converted = model(x.clone())
    torch.manual_seed(1)
    assert torch.equal(converted, OURS[cls](0.25)(x))
    assert torch.equal(model.eval()(x), x)


@pytest.mark.parametrize("options", [{}, {"affine": False}, {"momentum": None}], ids=str)
@pytest.mark.parametrize("cls", EAGER_NORMS)
def test_batch_norm_has_the_same_outputs_gradients_and_statistics(cls, options):
    original, model = (Sequential(cls(3, **options)).double() for _ in range(2))
    surgery.convert(model).apply()
    assert type(model[0]) is OURS[cls]
    x = batch_for(cls, torch.float64) * 3 + 1
    ours, theirs = (x.clone().requires_grad_() for _ in range(2))
    trained, expected = model(ours), original(theirs)
    torch.testing.assert_close(trained, expected, rtol=1e-12, atol=1e-12)
    trained.pow(3).sum().backward()
    expected.pow(3).sum().backward()
    torch.testing.assert_close(ours.grad, theirs.grad, rtol=1e-9, atol=1e-9)
    after, wanted = model.state_dict(), original.state_dict()
    torch.testing.assert_close(after, wanted, rtol=1e-12, atol=1e-12)
    evaluated = original.eval()(x)
    torch.testing.assert_close(model.eval()(x), evaluated, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("cls", LAZY)
def test_lazy_batch_norm_becomes_ours_and_takes_its_features_from_the_first_batch(cls):
    model = Sequential(cls())
    surgery.convert(model).apply()
    assert type(model[0]) is OURS[cls]
    model(batch_for(cls))
    assert type(model[0]) is OURS[getattr(torch.nn, cls.__name__.removeprefix("Lazy"))]
    assert model[0].num_features == 3


@pytest.mark.parametrize("cls", LAZY)
def test_lazy_batch_norm_that_had_its_batch_is_no_longer_lazy_after_undo(cls):
    model = Sequential(cls())
    layer = model[0]
    undo = surgery.convert(model).apply()
    model(batch_for(cls))
    undo()
    assert model[0] is layer
    assert type(layer) is cls.cls_to_become
    assert layer.num_features == 3
    assert not layer._forward_pre_hooks
    model(batch_for(cls))
    assert model[0].num_batches_tracked == 2


def test_lazy_batch_norm_that_has_its_batch_between_plan_and_apply_is_not_lazy_after():
    model = Sequential(torch.nn.LazyBatchNorm1d())
    plan = surgery.convert(model)
    model(torch.randn(4, 3))
    plan.apply()
    assert type(model[0]) is nn.BatchNorm1d
    assert model[0].num_features == 3


class Plain(Dropout):
    pass


class Doubling(BatchNorm1d):
    def forward(self, input):
        return 2 * super().forward(input)


def parametrized():
    layer = BatchNorm1d(3)
    torch.nn.utils.parametrize.register_parametrization(layer, "weight", torch.nn.Softplus())
    return layer


def compiled_alone():
    layer = Dropout()
    layer.compile(backend="eager")
    return layer


def prepared():
    layer = BatchNorm1d(3)
    layer.qconfig = object()
    return layer


LEFT = [
    (Plain, "Plain is a class of its own"),
    (lambda: Doubling(3), "Doubling is a class of its own"),
    (parametrized, "its tensors are parametrized"),
    (compiled_alone, "it was compiled by itself"),
    (prepared, "prepared for quantisation"),
    (lambda: torch.compile(Dropout(), backend="eager"), "torch.compile holds this very object"),
    (
        lambda: torch.ao.nn.intrinsic.LinearBn1d(Linear(3, 3), BatchNorm1d(3)),
        "part of torch.ao's LinearBn1d",
    ),
]


@pytest.mark.parametrize(("make", "why"), LEFT)
def test_layer_that_does_more_than_its_class_is_left_and_named(make, why):
    model = Sequential(make())
    before = list(model.modules())
    plan = surgery.convert(model)
    assert not plan
    assert why in str(plan)
    plan.apply()
    assert all(a is b for a, b in zip(before, model.modules(), strict=True))


def test_scripted_part_is_left_and_named_once():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        scripted = torch.jit.script(Sequential(Sequential(Dropout()), Dropout()))
        plain = torch.jit.script(Sequential(ReLU()))
    model = Sequential(scripted, Dropout(), plain)
    plan = surgery.convert(model)
    assert len(plan) == 1
    assert [(kept.path, kept.why[:21]) for kept in plan.kept] == [("0", "compiled by torch.jit")]


def test_ours_and_those_that_derive_from_ours_are_no_concern():
    class Mine(nn.Dropout):
        pass

    plan = surgery.convert(Sequential(nn.Dropout(), nn.BatchNormAct1d(3), Mine()))
    assert str(plan) == "convert (Sequential): nothing to change"


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_compiled_model_is_compiled_again_with_ours():
    model = Sequential(Linear(4, 64), BatchNorm1d(64), Dropout(0.5))
    compiled = torch.compile(model, backend="eager")
    x = torch.randn(8, 4)
    compiled(x)
    undo = surgery.convert(compiled).apply()
    assert undo.model is compiled
    assert list(undo.plan.keys) == []
    torch.manual_seed(5)
    masked = compiled(x)
    torch.manual_seed(5)
    assert torch.equal(masked, model(x))
    assert type(model[2]) is nn.Dropout


def test_tied_weights_stay_tied():
    first, second = BatchNorm1d(3), BatchNorm1d(3)
    second.weight = first.weight
    model = Sequential(first, second)
    surgery.convert(model).apply()
    assert model[0].weight is model[1].weight
    assert len(list(model.parameters())) == 3


def test_optimizer_trains_the_converted_model():
    model = Sequential(Linear(4, 3), BatchNorm1d(3))
    optimizer = torch.optim.Adam(model.parameters(), lr=0.1)
    held = list(optimizer.param_groups[0]["params"])
    surgery.convert(model, optimizers=[optimizer]).apply()
    before = model[1].bias.detach().clone()
    model(torch.randn(8, 4)).sum().backward()
    optimizer.step()
    assert all(a is b for a, b in zip(held, optimizer.param_groups[0]["params"], strict=True))
    assert not torch.equal(model[1].bias, before)


def test_dtype_device_and_frozen_parameters_stay():
    model = Sequential(BatchNorm1d(3).to("meta", torch.bfloat16))
    model[0].weight.requires_grad_(False)
    surgery.convert(model).apply()
    weight, bias = model.parameters()
    assert (weight.dtype, weight.device.type) == (torch.bfloat16, "meta")
    assert (weight.requires_grad, bias.requires_grad) == (False, True)


def test_converted_model_is_copied_with_ours():
    model = Sequential(BatchNorm1d(3), Dropout(0.5))
    surgery.convert(model).apply()
    double = copy.deepcopy(model)
    assert [type(layer) for layer in double] == [nn.BatchNorm1d, nn.Dropout]
    double(torch.randn(4, 3))
    assert model[0].num_batches_tracked == 0
