"""Whoever refers to a module finds its successor, and the module itself after undo."""

import gc

import torch
from torch.nn import BatchNorm1d, Dropout, Linear, Parameter, Sequential

from wolfsbane import nn, surgery
from wolfsbane.surgery.planning.optimizers import swap


def test_hook_of_load_state_dict_gets_the_layer_that_is_there():
    model = Sequential(BatchNorm1d(3))
    seen = []
    model[0].register_load_state_dict_pre_hook(lambda module, *_: seen.append(module))
    model[0].register_load_state_dict_post_hook(lambda module, _: seen.append(module))
    undo = surgery.convert(model).apply()
    converted = model[0]
    model.load_state_dict(model.state_dict())
    assert all(module is converted for module in seen)
    undo()
    model.load_state_dict(model.state_dict())
    assert len(seen) == 4
    assert all(module is model[0] for module in seen[2:])


def test_hook_of_load_state_dict_outlives_the_old_layer():
    model = Sequential(BatchNorm1d(3))
    seen = []
    model[0].register_load_state_dict_pre_hook(lambda module, *_: seen.append(type(module)))
    surgery.convert(model).apply()
    gc.collect()
    model.load_state_dict(model.state_dict())
    assert seen == [nn.BatchNorm1d]


def test_hooks_of_every_kind_go_on():
    model = Sequential(Linear(3, 3), Dropout(0.0), BatchNorm1d(3))
    calls = []
    for layer in model[1:]:
        layer.register_forward_pre_hook(lambda *_: calls.append("before"))
        layer.register_forward_hook(lambda *_, **__: calls.append("after"), with_kwargs=True)
        layer.register_full_backward_pre_hook(lambda *_: calls.append("backward before"))
        layer.register_full_backward_hook(lambda *_: calls.append("backward"))
        layer.register_state_dict_pre_hook(lambda *_: calls.append("save"))
    surgery.convert(model).apply()
    model(torch.randn(4, 3)).sum().backward()
    model.state_dict()
    kinds = ["before", "after"] * 2 + ["backward before", "backward"] * 2 + ["save"] * 2
    assert calls == kinds


def test_momentum_of_another_shape_is_not_given_back():
    old, new = Parameter(torch.zeros(2)), Parameter(torch.zeros(3))
    optimizer = torch.optim.SGD([old], lr=0.1, momentum=0.9)
    old.grad = torch.ones(2)
    optimizer.step()
    momentum = optimizer.state[old]["momentum_buffer"]
    restore = swap(optimizer, [], {old: new}, [])
    new.grad = torch.ones(3)
    optimizer.step()
    restore()
    assert optimizer.state[old]["momentum_buffer"] is momentum
    assert new not in optimizer.state
