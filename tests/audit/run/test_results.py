"""Watching changes nothing: weights, random numbers, output, what torch has registered."""

import random

import numpy as np
import pytest
import torch
from torch import nn
from torch.optim.optimizer import _global_optimizer_post_hooks as hooks

from audit.run.recording import recording_rule
from audit.run.trainings import ALL
from wolfsbane.audit.registry import select
from wolfsbane.audit.run.script import watch_everything
from wolfsbane.audit.run.watching import watch


def _state(net):
    gradients = {name: value.grad for name, value in net.named_parameters()}
    return {**net.state_dict(), **{f"{name}.grad": value for name, value in gradients.items()}}


def _ended(training, watching):
    random.seed(1)
    np.random.seed(1)  # noqa: NPY002  # the generator that programs share
    torch.manual_seed(1)
    if watching is None:
        net = training()
    else:
        with watching as findings:
            net = training()
        assert findings.notes == []
    drawn = (torch.rand(3).tolist(), random.random(), np.random.rand())  # noqa: NPY002
    return _state(net), drawn


@pytest.mark.parametrize("sampling", [None, 1], ids=["default", "every step"])
@pytest.mark.parametrize("training", ALL, ids=lambda training: training.__name__)
def test_weights_buffers_and_random_numbers_are_the_same_to_the_last_bit(training, sampling):
    rules = [*select(), recording_rule()[0]]
    plain, drawn = _ended(training, None)
    watched, drawn_watched = _ended(training, watch_everything(rules, sampling))
    assert plain.keys() == watched.keys()
    for name, value in plain.items():
        same = value is watched[name] is None or torch.equal(value, watched[name])
        assert same, f"{name} differs"
    assert drawn == drawn_watched


def test_nothing_is_printed_and_nothing_stays(capsys):
    before = (nn.Module.__call__, nn.Module.train, torch.autograd.backward)
    assert not hooks
    with watch_everything([recording_rule()[0]]):
        ALL[0]()
        assert nn.Module.__call__ is not before[0]
        assert hooks
    assert (nn.Module.__call__, nn.Module.train, torch.autograd.backward) == before
    assert not hooks
    assert torch.overrides._len_torch_function_stack() == 0
    assert capsys.readouterr() == ("", "")


def test_nothing_stays_after_an_exception():
    before = (nn.Module.__call__, nn.Module.train, torch.autograd.backward)
    net = nn.Linear(3, 3)
    with pytest.raises(RuntimeError, match="shapes"), watch(net, rules=[recording_rule()[0]]):
        net(torch.randn(2, 4))
    assert (nn.Module.__call__, nn.Module.train, torch.autograd.backward) == before
    assert torch.overrides._len_torch_function_stack() == 0


def test_modules_get_no_hooks_and_no_attributes():
    net = nn.Sequential(nn.Linear(3, 3), nn.Dropout())
    before = [sorted(vars(module)) for module in net.modules()]
    with watch(net, rules=[recording_rule()[0]], sampling=1):
        net(torch.randn(2, 3)).sum().backward()
        assert not any(module._forward_hooks for module in net.modules())
    assert [sorted(vars(module)) for module in net.modules()] == before


class _Mode(torch.overrides.TorchFunctionMode):
    def __init__(self):
        super().__init__()
        self.seen = 0

    def __torch_function__(self, function, types, args=(), kwargs=None):
        self.seen += 1
        return function(*args, **(kwargs or {}))


@pytest.mark.parametrize("is_entered_first", [True, False])
def test_a_function_mode_of_the_users_is_left_as_it_is(is_entered_first):
    net, mode = nn.Linear(3, 2), _Mode()
    rule, seen = recording_rule()
    with watch(net, rules=[rule], sampling=1):
        optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
        if is_entered_first:
            with mode:
                loss = net(torch.randn(2, 3)).sum()
            loss.backward()
            optimizer.step()
        else:
            loss = net(torch.randn(2, 3)).sum()
            with mode:
                loss.backward()
                optimizer.step()
            net(torch.randn(2, 3))
    assert mode.seen > 0
    assert "linear" in {call.operation.kind for call in seen.of("operation")}
    assert torch.overrides._len_torch_function_stack() == 0
