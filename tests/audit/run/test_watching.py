"""`watch`: arguments, findings, what is allowed, and rules that fail."""

import pytest
import torch
from torch import nn

from audit.run.recording import one_step
from wolfsbane.audit import allow
from wolfsbane.audit.finding import Channel, Place, Severity
from wolfsbane.audit.rule import Rule
from wolfsbane.audit.run.observer import Observer
from wolfsbane.audit.run.sampling import Sampling, sampling_of
from wolfsbane.audit.run.watching import watch
from wolfsbane.errors import ArgumentError, ArgumentTypeError


def _rule(observer_class):
    class Made(Rule):
        """Made."""

        code = "WB101"
        name = "made-in-tests"
        severity = Severity.WARNING

        def observer(self):
            return observer_class()

    return Made


class _Tells(Observer):
    def findings(self):
        yield _rule(_Tells).found(Channel.RUN, Place(module="1"), "it is wrong", "Mend it")


class _Fails(Observer):
    def on_step(self, step):
        raise KeyError("a mistake of the rule's")


class _Draws(Observer):
    def on_layer(self, call):
        assert not torch.is_grad_enabled()
        call.output.relu().sum()


def _net():
    return nn.Sequential(nn.Linear(4, 4), nn.Dropout(0.5), nn.Linear(4, 3))


def _data():
    return torch.randn(5, 4), torch.randint(3, (5,))


def test_findings_are_there_at_the_end():
    net = _net()
    with watch(net, rules=[_rule(_Tells)]) as findings:
        one_step(net, *_data())
        assert len(findings) == 0
    assert [str(finding) for finding in findings] == ["1: WB101 it is wrong"]


def test_what_is_allowed_in_a_layer_is_not_told():
    net = _net()
    allow(net[1], "WB101", reason="as in the paper")
    with watch(net, rules=[_rule(_Tells)]) as findings:
        one_step(net, *_data())
    assert list(findings) == []


def test_an_exception_passes_with_what_was_found_as_a_note():
    net = _net()
    error = KeyError("the user's")
    with pytest.raises(KeyError) as raised, watch(net, rules=[_rule(_Tells)]):
        raise error
    assert raised.value is error
    assert error.__notes__ == ["wolfsbane found:\n1: WB101 it is wrong\n    help: Mend it"]


def test_an_exception_without_findings_has_no_note():
    with pytest.raises(KeyError) as raised, watch(_net(), rules=[]):
        raise KeyError("the user's")
    assert not hasattr(raised.value, "__notes__")


def test_a_rule_that_fails_is_dropped_and_the_run_goes_on():
    net = _net()
    with watch(net, rules=[_rule(_Fails)]) as findings:
        one_step(net, *_data())
        one_step(net, *_data())
    assert findings.notes == [
        'WB101 was dropped: its observer raised KeyError: "a mistake of the rule\'s"'
    ]


def test_a_mistake_of_ours_about_a_function_does_not_end_the_run(monkeypatch):
    def fails(*_):
        raise ValueError("no signature found")

    monkeypatch.setattr("wolfsbane.audit.run.functions.arguments_of", fails)

    class Listens(Observer):
        def on_operation(self, call):
            raise AssertionError("told of what was not understood")

    net = _net()
    with watch(net, rules=[_rule(Listens)]) as findings:
        one_step(net, *_data())
        one_step(net, *_data())
    assert findings.notes == [
        "some operations were not looked at, by ValueError: no signature found"
    ]


def test_an_observer_leaves_no_trace_in_the_graph_or_in_autocasts_cache():
    net = _net()
    with watch(net, rules=[_rule(_Draws)]) as findings, torch.autocast("cpu", torch.bfloat16):
        net(_data()[0]).float().sum().backward()
    assert findings.notes == []
    assert all(parameter.grad is not None for parameter in net.parameters())


def test_only_the_steps_of_the_optimizer_that_is_named_count():
    net = _net()
    mine = torch.optim.SGD(net.parameters(), lr=0.1)
    steps = []

    class Counts(Observer):
        def on_step(self, step):
            steps.append(step.optimizer)

    with watch(net, optimizer=mine, rules=[_rule(Counts)]):
        one_step(net, *_data())
        net(_data()[0]).sum().backward()
        mine.step()
    assert steps == [mine]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"model": "net"}, "model has to be a torch.nn.Module, but got 'net'"),
        ({"optimizer": 0.1}, "optimizer has to be a torch.optim.Optimizer, but got 0.1"),
        ({"sampling": "all"}, "sampling has to be a number of steps or a Sampling, but got 'all'"),
        ({"sampling": 0}, "sampling has to be a positive number of steps, but got 0"),
    ],
)
def test_wrong_arguments_are_refused_at_once(arguments, message):
    arguments = {"model": _net(), **arguments}
    with pytest.raises((TypeError, ValueError), match=message):
        watch(arguments.pop("model"), **arguments).__enter__()


def test_one_step_in_sixty_four_is_sampled_in_the_long_run():
    sampled = sum(Sampling().is_sampled(step) for step in range(64_000))
    assert sampled == 64_000 // 64 + len([1, 2, 4, 8, 16, 32])


def test_a_sampling_is_taken_as_it_is():
    mine = Sampling(first=1, every=2)
    assert sampling_of(mine) is mine


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"optimizer": "sgd"}, "optimizer has to be a torch.optim.Optimizer, but got 'sgd'"),
        ({"loss": "mse"}, "loss has to be a module or a function, but got 'mse'"),
        ({"rules": 3}, "3"),
        ({"rules": "WB999"}, "WB999"),
    ],
)
def test_what_cannot_be_used_is_refused_before_anything_runs(settings, said):
    with pytest.raises((ArgumentError, ArgumentTypeError), match=said), watch(_net(), **settings):
        pytest.fail("the block ran")


def test_a_model_that_is_not_called_with_gradients_is_said_not_to_train():
    net = _net()
    with watch(net) as findings, torch.no_grad():
        net(_data()[0])
    assert ["not seen to train" in note for note in findings.notes] == [True]


def test_models_under_vmap_and_grad_are_left_alone():
    net, x, y = _net().eval(), *_data()
    state = {name: value.detach() for name, value in net.named_parameters()}

    def loss_of(state, x):
        return nn.functional.cross_entropy(torch.func.functional_call(net, state, (x,)), y)

    with watch(net, sampling=1) as findings:
        one_step(net, x, y)
        gradients = torch.func.vmap(torch.func.grad(loss_of), (None, 0))(state, x.repeat(2, 1, 1))
    assert gradients["0.weight"].shape == (2, 4, 4)
    assert findings.notes == []
