"""revert: ours become torch's again, or stay and are named."""

import copy

import pytest
import torch
from torch.nn import Identity, Sequential

from lookalikes import TimmDropPath
from wolfsbane import nn, surgery
from wolfsbane.functional.activation import MAKERS
from wolfsbane.surgery.conversion import OURS
from wolfsbane.surgery.reversion import TORCHS
from wolfsbane.surgery.unfusing import NORMS

X = torch.randn(4, 3, dtype=torch.float64) * 2 + 1


def network():
    return Sequential(
        torch.nn.Linear(3, 3),
        torch.nn.BatchNorm1d(3, momentum=None),
        torch.nn.ReLU(inplace=True),
        torch.nn.Dropout(0.3, inplace=True),
        Sequential(torch.nn.SyncBatchNorm(3), torch.nn.AlphaDropout(0.2)),
        torch.nn.LazyBatchNorm1d(),
    )


def test_convert_and_revert_give_the_same_classes_tensors_and_outputs():
    model = network()
    original = copy.deepcopy(model[:5])
    before = {name: id(value) for name, value in model.state_dict(keep_vars=True).items()}
    classes = [type(module) for module in model.modules()]
    surgery.convert(model).apply()
    surgery.revert(model).apply()
    assert [type(module) for module in model.modules()] == classes
    after = {name: id(value) for name, value in model.state_dict(keep_vars=True).items()}
    assert after == before
    x = torch.randn(4, 3)
    torch.manual_seed(0)
    trained = model[:5](x)
    torch.manual_seed(0)
    assert torch.equal(trained, original(x))
    assert torch.equal(model[:5].eval()(x), original.eval()(x))
    model.train()(x)
    assert type(model[5]) is torch.nn.BatchNorm1d


@pytest.mark.parametrize("cls", list(OURS.values()))
def test_layer_of_ours_becomes_torch_s_and_nothing_else(cls):
    arguments = () if "Lazy" in cls.__name__ or "Drop" in cls.__name__ else (3,)
    model = Sequential(cls(*arguments))
    surgery.revert(model).apply()
    theirs = getattr(torch.nn, cls.__name__)
    assert type(model[0]) is theirs
    assert set(vars(model[0])) <= set(vars(theirs(*arguments)))


@pytest.mark.parametrize("name", sorted(MAKERS))
@pytest.mark.parametrize("p", [0.0, 0.4])
def test_block_becomes_a_sequential_of_what_it_computes_with_its_names_mapped(name, p):
    model = Sequential(nn.BatchNormAct1d(3, name, p)).double()
    torch.nn.init.normal_(model[0].weight)
    activation, before = model[0].activation, list(model.state_dict())
    plan = surgery.revert(model)
    plan.apply()
    assert not any(type(module).__module__.startswith("wolfsbane") for module in model.modules())
    assert [plan.keys.get(key, key) for key in before] == list(model.state_dict())
    drops = [layer for layer in model.modules() if isinstance(layer, torch.nn.Dropout)]
    assert [layer.p for layer in drops] == ([p] if p else [])
    state = list(model.state_dict().values())
    weight, bias, mean, var = state[:4]
    expected = activation(torch.nn.functional.batch_norm(X, mean, var, weight, bias))
    torch.testing.assert_close(model.eval()(X), expected, rtol=1e-12, atol=1e-12)


def test_reverted_block_has_the_block_s_outputs_and_statistics():
    model = Sequential(nn.BatchNormAct1d(3))
    block = copy.deepcopy(model)
    surgery.revert(model).apply()
    torch.testing.assert_close(model(X.float()), block(X.float()))
    torch.testing.assert_close(list(model.buffers()), list(block.buffers()))
    torch.testing.assert_close(model.eval()(X.float()), block.eval()(X.float()))


def test_activation_keeps_its_parameter():
    model = Sequential(nn.BatchNormAct1d(3, torch.nn.LeakyReLU(0.3)))
    surgery.revert(model).apply()
    assert model[0][1].negative_slope == 0.3


def test_block_that_only_normalises_becomes_a_batch_norm():
    model = Sequential(nn.BatchNormAct1d(3, "identity"))
    plan = surgery.revert(model)
    plan.apply()
    assert type(model[0]) is torch.nn.BatchNorm1d
    assert plan.keys == {}


def fused():
    return Sequential(nn.BatchNormAct1d(3, "relu", 0.25), Identity(), Identity(), Identity())


def test_places_that_fuse_left_are_filled_again_and_no_name_changes():
    model = fused()
    names = list(model.state_dict())
    calls = []
    model[1].register_forward_hook(lambda module, *_: calls.append(type(module)))
    plan = surgery.revert(model)
    undo = plan.apply()
    wanted = [torch.nn.BatchNorm1d, torch.nn.ReLU, torch.nn.Dropout, Identity]
    assert [type(layer) for layer in model] == wanted
    assert (model[2].p, plan.keys, list(model.state_dict())) == (0.25, {}, names)
    model(torch.randn(4, 3))
    undo()
    model(torch.randn(4, 3))
    assert calls == [torch.nn.ReLU, Identity]
    assert model[0].num_batches_tracked == 2


def test_dropout_takes_the_mode_of_the_block_it_comes_from():
    model = fused()
    model[0].eval()
    surgery.revert(model).apply()
    assert [layer.training for layer in model] == [False, False, False, True]


class Twice(Sequential):
    def forward(self, input):
        return super().forward(super().forward(input))


def shared_placeholder():
    layer = Identity()
    return Sequential(nn.BatchNormAct1d(3), layer, torch.nn.Linear(3, 3), layer)


def shared_block():
    block = nn.BatchNormAct1d(3)
    return Sequential(block, Identity(), block, Identity())


NOT_PLACES = [
    lambda: Sequential(nn.BatchNormAct1d(3), torch.nn.Linear(3, 3)),
    lambda: Sequential(nn.BatchNormAct1d(3, p=0.1), Identity()),
    lambda: Twice(nn.BatchNormAct1d(3), Identity()),
    lambda: torch.nn.ModuleList([nn.BatchNormAct1d(3), Identity()]),
    shared_placeholder,
    shared_block,
]


@pytest.mark.parametrize("make", NOT_PLACES)
def test_block_without_places_for_all_its_parts_becomes_a_sequential(make):
    model = make()
    surgery.revert(model).apply()
    assert type(model[0]) is Sequential
    assert type(model[0][0]) is torch.nn.BatchNorm1d


def test_hooks_of_a_block_are_called_for_the_whole():
    model = Sequential(nn.BatchNormAct1d(3))
    seen = []
    handle = model[0].register_forward_hook(lambda module, _, output: seen.append(output))
    surgery.revert(model).apply()
    output = model(torch.randn(4, 3))
    handle.remove()
    model(torch.randn(4, 3))
    assert len(seen) == 1
    assert seen[0] is output


def test_root_that_is_a_block_is_given_back_by_undo():
    block = nn.BatchNormAct1d(3, p=0.1)
    undo = surgery.revert(block).apply()
    assert len(undo.model) == 3
    undo.model.eval()
    assert undo() is block
    assert not block.training


def test_rate_that_is_a_tensor_and_a_generator_are_lost_with_a_note():
    generator = torch.Generator()
    model = Sequential(
        nn.Dropout(torch.tensor(0.25), generator=generator),
        nn.BatchNormAct1d(3, p=torch.tensor(0.5)),
    )
    plan = surgery.revert(model)
    assert [note.split(":")[0] for note in plan.notes] == ["0", "0", "1"]
    assert "its generator is lost" in plan.notes[1]
    undo = plan.apply()
    assert (model[0].p, model[1][2].p) == (0.25, 0.5)
    assert list(model[0].buffers()) == []
    assert "p" not in dict(model[1][0].named_buffers())
    undo()
    assert isinstance(model[0].p, torch.Tensor)
    assert model[0].generator is generator


def stacked():
    layer = nn.Dropout(torch.tensor(0.1))
    layer._buffers["p"] = torch.tensor([0.1, 0.2])
    return layer


class Mine(nn.Dropout):
    pass


KEPT = [
    (nn.DropPath, "torch.nn has no such layer"),
    (nn.DropoutAdd, "torch.nn has no such layer"),
    (lambda: nn.BiasActDropout(3), "torch.nn has no such layer"),
    (Mine, "Mine is a class of its own"),
    (stacked, "its rate is not one number"),
    (lambda: torch.compile(nn.Dropout(), backend="eager"), "torch.compile holds"),
]


@pytest.mark.parametrize(("make", "why"), KEPT)
def test_layer_that_torch_does_not_have_stays_and_is_named(make, why):
    plan = surgery.revert(Sequential(make()))
    assert not plan
    assert why in plan.kept[0].why


OWN = [
    name
    for name in nn.__all__
    if getattr(nn, name).__module__.startswith("wolfsbane.nn.")
    and getattr(nn, name) not in {*TORCHS, *NORMS}
]


@pytest.mark.parametrize("name", OWN)
def test_every_layer_without_a_counterpart_stays_in_either_direction(name):
    layer = getattr(nn, name).__new__(getattr(nn, name))
    torch.nn.Module.__init__(layer)
    model = Sequential(layer)
    assert [kept.why for kept in surgery.revert(model).kept] == ["torch.nn has no such layer"]
    assert str(surgery.convert(model)) == "convert (Sequential): nothing to change"


def test_drop_path_that_was_converted_stays_ours():
    model = Sequential(TimmDropPath(0.1))
    surgery.convert(model).apply()
    assert len(surgery.revert(model).kept) == 1


def test_torch_s_own_layers_are_no_concern():
    assert str(surgery.revert(network())) == "revert (Sequential): nothing to change"


def test_block_with_a_layer_attached_behind_it_is_left_and_named():
    model = torch.nn.Sequential(nn.BatchNormAct1d(4, "relu"))
    surgery.insert_dropout(model, after="0").apply()
    plan = surgery.revert(model)
    assert "a layer was attached behind it" in str(plan)
    plan.apply()
    model(torch.randn(5, 4))
