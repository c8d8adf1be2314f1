"""convert_sync_batchnorm keeps tensors, hooks, modes and aliases; alone it is a plain layer."""

import pytest
import torch

from wolfsbane import nn
from wolfsbane.nn import SyncBatchNorm

convert = SyncBatchNorm.convert_sync_batchnorm

SOURCES = pytest.mark.parametrize(
    "cls",
    [
        torch.nn.BatchNorm1d,
        torch.nn.BatchNorm2d,
        torch.nn.BatchNorm3d,
        torch.nn.SyncBatchNorm,
        nn.BatchNorm1d,
        nn.BatchNorm2d,
        nn.BatchNorm3d,
    ],
)


@SOURCES
@pytest.mark.parametrize(
    "options", [{}, {"affine": False}, {"track_running_stats": False}], ids=str
)
def test_batch_norm_of_every_kind_is_converted_with_its_tensors_and_options(cls, options):
    bn = cls(3, eps=0.1, momentum=None, **options)
    model = convert(torch.nn.Sequential(torch.nn.Identity(), bn))
    converted = model[1]
    assert type(converted) is SyncBatchNorm
    assert (converted.eps, converted.momentum, converted.num_features) == (0.1, None, 3)
    assert converted.weight is bn.weight
    assert converted.bias is bn.bias
    assert converted.running_mean is bn.running_mean
    assert converted.num_batches_tracked is bn.num_batches_tracked
    assert list(converted.state_dict()) == list(bn.state_dict())


def test_module_that_is_a_batch_norm_is_returned_converted():
    bn = torch.nn.BatchNorm2d(3)
    converted = convert(bn)
    assert type(converted) is SyncBatchNorm
    assert converted.weight is bn.weight


def test_layer_in_several_places_stays_one_layer():
    bn = torch.nn.BatchNorm1d(3)
    model = torch.nn.ModuleDict({"a": bn, "b": bn, "c": torch.nn.Sequential(bn)})
    convert(model)
    assert type(model["a"]) is SyncBatchNorm
    assert model["a"] is model["b"] is model["c"][0]


def test_hooks_training_flags_and_process_group_are_kept():
    calls = []
    bn = torch.nn.BatchNorm1d(3).eval()
    bn.weight.requires_grad_(False)
    bn.register_forward_hook(lambda *_: calls.append("forward"))
    bn.register_forward_pre_hook(lambda *_: calls.append("before"))
    converted = convert(torch.nn.Sequential(bn), process_group="a group")[0]
    converted(torch.randn(4, 3))
    assert calls == ["before", "forward"]
    assert not converted.training
    assert not converted.weight.requires_grad
    assert converted.process_group == "a group"


def test_optimiser_made_before_goes_on_working():
    model = torch.nn.Sequential(torch.nn.Linear(4, 3), torch.nn.BatchNorm1d(3))
    optimiser = torch.optim.SGD(model.parameters(), lr=1.0)
    before = model[1].bias.detach().clone()
    convert(model)(torch.randn(5, 4)).sum().backward()
    optimiser.step()
    assert not torch.equal(model[1].bias, before)


def test_converted_layer_is_left_alone():
    model = torch.nn.Sequential(SyncBatchNorm(3))
    layer = model[0]
    assert convert(model)[0] is layer


def test_model_without_batch_norm_is_left_alone():
    model = torch.nn.Sequential(torch.nn.Linear(3, 3), torch.nn.InstanceNorm1d(3))
    layers = list(model)
    assert list(convert(model)) == layers
    model.register_module("nothing", None)
    assert convert(model) is model


def test_original_layer_is_not_changed():
    bn = torch.nn.BatchNorm1d(3)
    convert(torch.nn.Sequential(bn))
    assert type(bn) is torch.nn.BatchNorm1d
    assert "process_group" not in vars(bn)


@pytest.mark.parametrize("cls", [torch.nn.LazyBatchNorm1d, nn.LazyBatchNorm1d])
def test_lazy_layer_is_refused_until_it_has_seen_its_first_batch(cls):
    model = torch.nn.Sequential(torch.nn.BatchNorm1d(3), cls())
    layers = list(model)
    with pytest.raises(ValueError, match="first batch"):
        convert(model)
    assert list(model) == layers
    model(torch.randn(5, 3))
    assert all(type(layer) is SyncBatchNorm for layer in convert(model))


def test_alone_it_is_a_plain_batch_norm():
    x = torch.randn(5, 3, 4)
    sync, plain = SyncBatchNorm(3), nn.BatchNorm1d(3)
    assert torch.equal(sync(x), plain(x))
    assert torch.equal(sync.running_var, plain.running_var)


def test_layer_is_no_instance_of_torch_s_that_refuses_cpus():
    assert not isinstance(SyncBatchNorm(3), torch.nn.SyncBatchNorm)
