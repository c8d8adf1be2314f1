"""Frozen batch norms stay frozen, and come back as they were."""

import copy
import io

import pytest
import torch
from torch.nn import BatchNorm1d, Conv2d, Dropout, Linear, PReLU, Sequential

from wolfsbane import nn, stats, surgery
from wolfsbane.errors import ArgumentError, ArgumentTypeError, ModelError


def network():
    return Sequential(Linear(2, 2), BatchNorm1d(2), Dropout(), nn.BatchNorm1d(2))


def modes(model):
    return [layer.training for layer in model]


def requirements(layer):
    return [parameter.requires_grad for parameter in layer.parameters()]


def assert_fixed(model, *layers):
    """Assert that layers are in evaluation mode, and that a step in training leaves them so."""
    before = [{name: t.clone() for name, t in layer.named_buffers()} for layer in layers]
    model(torch.randn(8, 2) * 3 + 5)
    for layer, state in zip(layers, before, strict=True):
        assert not layer.training
        assert all(torch.equal(tensor, state[name]) for name, tensor in layer.named_buffers())


def test_frozen_layers_survive_train():
    model = network()
    assert stats.freeze(model) == ["1", "3"]
    for _ in range(2):
        model.eval()
        model.train()
        assert modes(model) == [True, False, True, False]
        assert_fixed(model, model[1], model[3])


def test_frozen_layer_returns_itself_from_train_and_eval():
    bn = BatchNorm1d(2)
    stats.freeze(bn)
    assert bn.train() is bn
    assert bn.eval() is bn
    assert bn.train().training is False


def test_output_is_that_of_evaluation():
    model = network()
    model(torch.randn(8, 2) + 3)
    x = torch.randn(8, 2)
    expected = copy.deepcopy(model[1]).eval()(x)
    stats.freeze(model)
    model.train()
    assert torch.equal(model[1](x), expected)


def test_flag_set_by_hand_lasts_until_the_next_train():
    model = network()
    stats.freeze(model)
    model[1].training = True
    model.train()
    assert not model[1].training


@pytest.mark.parametrize("affine", [True, False])
def test_gamma_and_beta_are_frozen_or_not_as_asked(affine):
    model = network()
    stats.freeze(model, affine)
    assert requirements(model[1]) == requirements(model[3]) == [not affine] * 2
    assert requirements(model[0]) == [True, True]


def test_parameters_of_other_layers_inside_are_trained_on():
    block = nn.BatchNormAct1d(2, "relu", p=0.5)
    block.activation = PReLU()
    block.inner = Dropout()
    stats.freeze(block)
    assert requirements(block.activation) == [True]
    assert not block.eval().inner.training
    assert block.train().inner.training
    assert not block.training


@pytest.mark.parametrize("options", [{"bias": False}, {"affine": False}])
def test_layer_without_bias_or_without_either_can_be_frozen(options):
    model = Sequential(Conv2d(1, 2, 1), nn.BatchNorm2d(2, **options))
    assert stats.freeze(model) == ["1"]
    assert not any(requirements(model[1]))
    assert stats.unfreeze(model) == ["1"]
    assert all(requirements(model[1]))


@pytest.mark.parametrize("optimizer", [torch.optim.SGD, torch.optim.AdamW])
def test_optimizer_does_not_move_frozen_parameters_by_momentum_or_decay(optimizer):
    model = network()
    options = {"momentum": 0.9} if optimizer is torch.optim.SGD else {}
    updates = optimizer(model.parameters(), lr=0.1, weight_decay=0.1, **options)
    model(torch.randn(8, 2)).pow(3).sum().backward()
    updates.step()
    stats.freeze(model)
    before = model[1].weight.clone()
    model(torch.randn(8, 2)).pow(3).sum().backward()
    updates.step()
    updates.zero_grad(set_to_none=False)
    updates.step()
    assert torch.equal(model[1].weight, before)


def test_unfreeze_gives_back_modes_and_requirements_as_they_were():
    model = network()
    model[3].eval()
    model[1].bias.requires_grad_(False)
    stats.freeze(model)
    assert stats.unfreeze(model) == ["1", "3"]
    assert modes(model) == [True, True, True, False]
    assert requirements(model[1]) == [True, False]
    assert requirements(model[3]) == [True, True]
    assert not {"train", "extra_repr"} & set(vars(model[1]))


@pytest.mark.parametrize("mode", [True, False])
def test_layer_let_go_is_in_the_mode_that_its_model_was_put_in_meanwhile(mode):
    model = network().train(not mode)
    stats.freeze(model)
    model.train(mode)
    stats.unfreeze(model)
    assert modes(model) == [mode] * 4
    model.train(not mode)
    assert modes(model) == [not mode] * 4


def test_freezing_twice_is_harmless():
    model = network()
    stats.freeze(model)
    model.eval()
    stats.freeze(model)
    model.train()
    assert_fixed(model, model[1], model[3])
    stats.unfreeze(model)
    assert modes(model) == [True] * 4
    assert requirements(model[1]) == [True, True]


def test_freezing_again_may_change_affine():
    model = network()
    stats.freeze(model, affine=False)
    stats.freeze(model, affine=True)
    assert requirements(model[1]) == [False, False]
    stats.freeze(model, affine=False)
    assert requirements(model[1]) == [True, True]


def test_unfreeze_without_freeze_says_that_nothing_was_frozen():
    model = network().eval()
    assert stats.unfreeze(model) == []
    assert modes(model) == [False] * 4


def test_parameter_shared_by_two_frozen_layers_is_trained_again():
    model = network()
    model[3].weight = model[1].weight
    stats.freeze(model)
    stats.unfreeze(model)
    assert model[1].weight.requires_grad


def test_alias_is_frozen_once():
    bn = BatchNorm1d(2)
    model = Sequential(bn, Sequential(bn))
    assert stats.freeze(model) == ["0"]
    assert_fixed(model.train(), bn)
    stats.unfreeze(model)
    assert bn.training


def copied(model):
    return copy.deepcopy(model)


def saved_and_loaded(model):
    file = io.BytesIO()
    torch.save(model, file)
    file.seek(0)
    return torch.load(file, weights_only=False)


@pytest.mark.parametrize("other", [copied, saved_and_loaded])
def test_copy_is_frozen_on_its_own(other):
    model = network()
    stats.freeze(model)
    twin = other(model).train()
    assert twin[1].train() is twin[1]
    assert_fixed(twin, twin[1], twin[3])
    stats.unfreeze(model)
    assert modes(twin.train()) == [True, False, True, False]
    stats.unfreeze(twin)
    assert modes(twin) == [True] * 4
    assert requirements(twin[1]) == [True, True]
    assert model[1].training


def test_classes_and_state_dict_stay():
    model = network()
    before = list(model.state_dict())
    stats.freeze(model)
    assert type(model[1]) is BatchNorm1d
    assert list(model.state_dict()) == before
    model.load_state_dict(network().state_dict())
    model.double().float().to("cpu")
    assert_fixed(model.train(), model[1], model[3])


def test_loaded_parameters_are_let_go_too():
    model = network()
    stats.freeze(model)
    model.load_state_dict(network().state_dict(), assign=True)
    stats.unfreeze(model)
    assert requirements(model[1]) == [True, True]


def test_print_says_which_layers_are_frozen():
    model = network()
    plain = str(model)
    stats.freeze(model, which="3")
    lines = str(model).splitlines()
    assert [line for line in lines if "frozen" in line] == [lines[4]]
    assert lines[4].endswith("track_running_stats=True, frozen)")
    stats.unfreeze(model)
    assert str(model) == plain


class Backbone(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.backbone = Sequential(Linear(2, 2), Sequential(BatchNorm1d(2), BatchNorm1d(2)))
        self.head = Sequential(BatchNorm1d(2), nn.BatchNormAct1d(2))

    def forward(self, x):
        return self.head(self.backbone(x))


@pytest.mark.parametrize(
    ("which", "paths"),
    [
        ("backbone", ["backbone.1.0", "backbone.1.1"]),
        ("backbone.*", ["backbone.1.0", "backbone.1.1"]),
        ("*.1.0", ["backbone.1.0"]),
        (nn.BatchNormAct1d, ["head.1"]),
        (["head.0", "*.1.1"], ["backbone.1.1", "head.0"]),
        (lambda path, _: not path.startswith("backbone"), ["head.0", "head.1"]),
    ],
)
def test_which_chooses(which, paths):
    model = Backbone()
    assert stats.freeze(model, which=which) == paths
    frozen = [name for name, module in model.train().named_modules() if not module.training]
    assert frozen == paths
    assert stats.unfreeze(model) == paths


def test_some_layers_can_be_let_go_before_others():
    model = Backbone()
    stats.freeze(model)
    assert stats.unfreeze(model, which="head") == ["head.0", "head.1"]
    assert stats.unfreeze(model) == ["backbone.1.0", "backbone.1.1"]


def test_choice_without_a_batch_norm_is_refused():
    with pytest.raises(ArgumentError, match=r"chooses no batch norm. The batch norms are: 1, 3"):
        stats.freeze(network(), which="0")
    with pytest.raises(ArgumentError, match=r"no module's path matches 'bakbone'.*backbone"):
        stats.freeze(Backbone(), which="bakbone")


def test_choice_in_the_place_of_affine_is_explained():
    with pytest.raises(ArgumentTypeError, match=r"affine has to be.*which='backbone\.\*'"):
        stats.freeze(Backbone(), "backbone.*")


def test_what_is_no_module_is_refused():
    for verb in (stats.freeze, stats.unfreeze):
        with pytest.raises(ArgumentTypeError, match=r"model has to be a torch\.nn\.Module"):
            verb([network()])


def test_layer_without_statistics_is_refused_before_anything_changes():
    for last, why in (
        (BatchNorm1d(2, track_running_stats=False), "1 .* keeps no running statistics"),
        (nn.LazyBatchNorm1d(), "1 .* has not seen its first batch"),
    ):
        model = Sequential(BatchNorm1d(2), last)
        with pytest.raises(ModelError, match=why):
            stats.freeze(model)
        assert modes(model) == [True, True]
        assert requirements(model[0]) == [True, True]


def test_model_without_batch_norms_has_nothing_to_freeze():
    assert stats.freeze(Sequential(Linear(2, 2))) == []


def test_frozen_layer_stays_frozen_when_converted_and_can_be_let_go():
    model = network()
    stats.freeze(model)
    surgery.convert(model).apply()
    assert type(model[1]) is nn.BatchNorm1d
    assert_fixed(model.train(), model[1], model[3])
    stats.unfreeze(model)
    assert modes(model) == [True] * 4
    assert requirements(model[1]) == [True, True]
