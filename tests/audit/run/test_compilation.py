"""What is compiled stays as it is: the same weights, and not compiled again."""

import pytest
import torch
from torch import nn

from audit.run.recording import recording_rule
from wolfsbane.audit.run.script import watch_everything
from wolfsbane.audit.run.watching import watch


@pytest.fixture(autouse=True)
def fresh_compiler():
    torch.compiler.reset()
    yield
    torch.compiler.reset()


class _Net(nn.Module):
    """A class of the user's: torch's own, such as Sequential, are not compiled in place."""

    def __init__(self):
        super().__init__()
        self.first = nn.Linear(6, 8)
        self.norm = nn.BatchNorm1d(8)
        self.last = nn.Linear(8, 3)

    def forward(self, x):
        return self.last(self.norm(self.first(x)).relu())


class _Counter:
    """A backend that counts what it compiles."""

    def __init__(self):
        self.compiled = 0

    def __call__(self, graph, inputs):
        self.compiled += 1
        return graph.forward


def _compiled_module(net, counter):
    return torch.compile(net, backend=counter)


def _compiled_in_place(net, counter):
    net.compile(backend=counter)
    return net


def _compiled_function(net, counter):
    @torch.compile(backend=counter)
    def run(x):
        return net(x) * 2

    return run


WAYS = [_compiled_module, _compiled_in_place, _compiled_function]


def _train(compiled, parameters, steps=6):
    optimizer = torch.optim.SGD(parameters, lr=0.1)
    loss = nn.CrossEntropyLoss()
    for _ in range(steps):
        loss(compiled(torch.randn(5, 6)), torch.randint(3, (5,))).backward()
        optimizer.step()
        optimizer.zero_grad()


def _trained(way, watching):
    torch.compiler.reset()
    torch.manual_seed(3)
    net, counter = _Net(), _Counter()
    if watching is None:
        _train(way(net, counter), net.parameters())
    else:
        with watching:
            _train(way(net, counter), net.parameters())
    return net.state_dict(), counter.compiled


@pytest.mark.parametrize("way", WAYS)
def test_compiled_training_is_the_same_and_compiled_as_often(way):
    plain, compiled = _trained(way, None)
    watched, compiled_watched = _trained(way, watch_everything([recording_rule()[0]], 2))
    assert all(torch.equal(value, watched[name]) for name, value in plain.items())
    assert compiled_watched == compiled > 0


@pytest.mark.parametrize("way", WAYS)
def test_what_was_compiled_before_a_watch_is_not_compiled_again(way):
    net, counter = _Net(), _Counter()
    compiled = way(net, counter)
    _train(compiled, net.parameters(), 2)
    before = counter.compiled
    with watch_everything([recording_rule()[0]], 1):
        _train(compiled, net.parameters(), 2)
    _train(compiled, net.parameters(), 2)
    assert counter.compiled == before > 0


@pytest.mark.parametrize("way", WAYS)
def test_what_was_compiled_during_a_watch_is_not_compiled_again_after(way):
    net, counter = _Net(), _Counter()
    with watch_everything([recording_rule()[0]], 1):
        compiled = way(net, counter)
        _train(compiled, net.parameters(), 2)
    before = counter.compiled
    _train(compiled, net.parameters(), 2)
    assert counter.compiled == before > 0


def test_a_compiled_model_has_its_own_names_and_steps():
    net = _Net()
    rule, seen = recording_rule()
    with watch(_compiled_module(net, _Counter()), rules=[rule]) as findings:
        _train(torch.compile(net, backend=_Counter()), net.parameters(), 3)
    assert findings.notes == []
    assert [step.step for step in seen.of("step")] == [0, 1, 2]
    (watched,) = {forward.watched for forward in seen.of("forward")}
    assert watched.model is net
    assert [layer.path for layer in watched.layers] == ["", "first", "norm", "last"]


def test_the_compiler_knows_the_original_again_at_the_end():
    import torch._dynamo.utils  # noqa: PLC0415  # not before it is needed

    with watch_everything([recording_rule()[0]]):
        assert torch._dynamo.utils.unpatched_nn_module_call is nn.Module.__call__
    assert torch._dynamo.utils.unpatched_nn_module_call is nn.Module.__call__
