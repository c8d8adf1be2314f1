"""Batch norms of all processes, and back: nothing is lost that torch's own function loses."""

import copy
import io

import pytest
import torch
from torch.nn import ModuleDict, Sequential

from wolfsbane import nn, surgery
from wolfsbane.errors import ArgumentError

PLAIN = [
    torch.nn.BatchNorm1d,
    torch.nn.BatchNorm2d,
    torch.nn.BatchNorm3d,
    nn.BatchNorm1d,
    nn.BatchNorm2d,
    nn.BatchNorm3d,
]


@pytest.mark.parametrize("cls", PLAIN)
def test_batch_norm_is_synchronised_and_becomes_what_it_was(cls):
    model = Sequential(cls(3))
    before = {name: id(value) for name, value in model.state_dict(keep_vars=True).items()}
    surgery.convert_sync_batchnorm(model, "a group").apply()
    assert type(model[0]) is nn.SyncBatchNorm
    assert model[0].process_group == "a group"
    surgery.revert_sync_batchnorm(model).apply()
    assert type(model[0]) is cls
    assert set(vars(model[0])) == set(vars(cls(3)))
    after = {name: id(value) for name, value in model.state_dict(keep_vars=True).items()}
    assert after == before


def test_alias_in_one_parent_stays_one_layer_where_torch_leaves_it():
    def aliased():
        shared = torch.nn.BatchNorm1d(3)
        return ModuleDict({"a": shared, "b": shared})

    theirs = torch.nn.SyncBatchNorm.convert_sync_batchnorm(aliased())
    assert type(theirs["b"]) is torch.nn.BatchNorm1d
    ours = aliased()
    surgery.convert_sync_batchnorm(ours).apply()
    assert type(ours["a"]) is nn.SyncBatchNorm
    assert ours["a"] is ours["b"]


def test_hooks_go_on_where_torch_drops_them():
    def hooked(calls):
        layer = torch.nn.BatchNorm1d(3)
        layer.register_forward_hook(lambda *_: calls.append(1))
        return Sequential(layer)

    theirs, ours = [], []
    torch.nn.SyncBatchNorm.convert_sync_batchnorm(hooked(theirs)).eval()(torch.randn(4, 3))
    model = hooked(ours)
    surgery.convert_sync_batchnorm(model).apply()
    model.eval()(torch.randn(4, 3))
    assert (theirs, ours) == ([], [1])


class NormThenReLU(torch.nn.BatchNorm2d):
    def forward(self, input):
        return super().forward(input).relu()


LEFT = [
    (lambda: NormThenReLU(3), "NormThenReLU is a class of its own"),
    (lambda: nn.BatchNormAct2d(3), "it also applies an activation: surgery.revert"),
    (torch.nn.LazyBatchNorm2d, "without its first batch"),
]


@pytest.mark.parametrize(("make", "why"), LEFT)
def test_layer_that_would_lose_something_is_left_and_named(make, why):
    model = Sequential(make(), torch.nn.BatchNorm2d(3))
    layer = model[0]
    plan = surgery.convert_sync_batchnorm(model)
    assert why in plan.kept[0].why
    plan.apply()
    assert model[0] is layer
    assert type(model[1]) is nn.SyncBatchNorm


def test_subclass_s_behaviour_is_named_where_torch_throws_it_away():
    x = -torch.ones(2, 3, 4, 4)
    theirs = torch.nn.SyncBatchNorm.convert_sync_batchnorm(Sequential(NormThenReLU(3)))
    assert theirs.eval()(x).min() < 0
    ours = Sequential(NormThenReLU(3))
    surgery.convert_sync_batchnorm(ours).apply()
    assert ours.eval()(x).min() == 0


def test_alone_outputs_and_statistics_stay_the_same():
    original = Sequential(nn.BatchNorm2d(3))
    model = copy.deepcopy(original)
    surgery.convert_sync_batchnorm(model).apply()
    x = torch.randn(4, 3, 5, 5) * 3 + 2
    assert torch.equal(model(x), original(x))
    assert torch.equal(model[0].running_var, original[0].running_var)
    assert torch.equal(model.eval()(x), original.eval()(x))


def test_torch_s_layer_keeps_its_group_unless_another_is_given():
    def theirs():
        return Sequential(torch.nn.SyncBatchNorm(3, process_group="theirs"))

    kept, given = theirs(), theirs()
    surgery.convert_sync_batchnorm(kept).apply()
    surgery.convert_sync_batchnorm(given, "given").apply()
    assert type(kept[0]) is nn.SyncBatchNorm
    assert (kept[0].process_group, given[0].process_group) == ("theirs", "given")


def pickled(model):
    file = io.BytesIO()
    torch.save(model, file)
    return torch.load(io.BytesIO(file.getvalue()), weights_only=False)


@pytest.mark.parametrize("copied", [copy.deepcopy, pickled])
@pytest.mark.parametrize(
    "convert",
    [
        lambda model: surgery.convert_sync_batchnorm(model).apply().model,
        nn.SyncBatchNorm.convert_sync_batchnorm,
    ],
    ids=["surgery", "classmethod"],
)
def test_layer_remembers_what_it_was_when_it_is_copied(copied, convert):
    model = copied(convert(Sequential(torch.nn.BatchNorm3d(3))))
    surgery.revert_sync_batchnorm(model).apply()
    assert type(model[0]) is torch.nn.BatchNorm3d


@pytest.mark.parametrize("cls", [nn.SyncBatchNorm, torch.nn.SyncBatchNorm])
def test_layer_that_never_was_another_needs_dims(cls):
    model = Sequential(cls(3))
    plan = surgery.revert_sync_batchnorm(model)
    assert not plan
    assert "say which, dims=2" in plan.kept[0].why
    surgery.revert_sync_batchnorm(model, dims=3).apply()
    package = torch.nn if cls is torch.nn.SyncBatchNorm else nn
    assert type(model[0]) is package.BatchNorm3d


def test_torch_s_layer_converted_to_ours_does_not_become_torch_s_again():
    model = Sequential(torch.nn.SyncBatchNorm(3))
    surgery.convert_sync_batchnorm(model).apply()
    surgery.revert_sync_batchnorm(model, dims=1).apply()
    assert type(model[0]) is nn.BatchNorm1d


def test_synchronised_layer_that_became_torch_s_still_remembers():
    model = Sequential(nn.BatchNorm2d(3))
    surgery.convert_sync_batchnorm(model).apply()
    surgery.revert(model).apply()
    assert type(model[0]) is torch.nn.SyncBatchNorm
    surgery.revert_sync_batchnorm(model).apply()
    assert type(model[0]) is nn.BatchNorm2d


def test_subclass_of_a_synchronised_layer_is_left_and_named():
    class Mine(nn.SyncBatchNorm):
        pass

    model = Sequential(Mine(3))
    assert "class of its own" in surgery.revert_sync_batchnorm(model, dims=2).kept[0].why
    assert "class of its own" in surgery.convert_sync_batchnorm(model).kept[0].why


@pytest.mark.parametrize("dims", [0, 4, "2d"])
def test_dims_that_no_batch_norm_has_are_explained(dims):
    with pytest.raises(ArgumentError, match=r"dims has to be 1, 2 or 3, .*, but got"):
        surgery.revert_sync_batchnorm(Sequential(), dims=dims)
