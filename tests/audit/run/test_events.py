"""What observers are told of a run."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from audit.run.recording import one_step, recording_rule
from audit.run.trainings import gan, lbfgs
from wolfsbane.audit.run.script import watch_everything
from wolfsbane.audit.run.watching import watch
from wolfsbane.nn import Dropout

HERE = __file__


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.first = nn.Linear(4, 6)
        self.norm = nn.BatchNorm1d(6)
        self.last = nn.Linear(6, 3)
        self.hidden = [nn.Dropout(0.5)]

    def forward(self, x):
        return self.last(F.relu(self.hidden[0](self.norm(self.first(x)))))


@pytest.fixture
def seen():
    return recording_rule()


def _data():
    return torch.randn(5, 4), torch.randint(3, (5,))


def test_layers_are_told_with_names_kinds_and_lines(seen):
    rule, events = seen
    net = Net()
    with watch(net, rules=[rule]):
        one_step(net, *_data())
    told = [(call.layer and call.layer.path, call.kind) for call in events.of("layer")]
    assert told == [
        ("first", "linear"), ("norm", "batch_norm"), (None, "dropout"), ("last", "linear"),
        ("", None),
    ]  # fmt: skip
    hidden = events.of("layer")[2]
    assert hidden.module is net.hidden[0]
    assert hidden.within.path == ""
    assert hidden.place.file == HERE
    assert hidden.place.span.line == Net.forward.__code__.co_firstlineno + 1


def test_operations_are_told_with_inputs_arguments_and_layers(seen):
    rule, events = seen
    net = Net()
    with watch(net, rules=[rule]):
        one_step(net, *_data())
    by_kind = {call.operation.kind: call for call in events.of("operation")}
    dropout = by_kind["dropout"].operation
    assert dropout.arguments == {"p": 0.5, "training": True, "inplace": False}
    assert [made.kind for made in dropout.inputs] == ["batch_norm"]
    assert dropout.layer.path == ""
    assert dropout.shape == (5, 6)
    loss = by_kind["cross_entropy"]
    assert loss.operation.layer is None
    assert loss.operation.name == "torch.nn.functional.cross_entropy"
    assert [made.layer.path for made in loss.operation.inputs] == ["last"]
    assert loss.watched.model is net
    assert loss.output.item() > 0


def test_a_layer_that_no_function_computes_is_a_link_all_the_same(seen):
    rule, events = seen
    net = nn.Sequential(nn.Linear(4, 3), Dropout(0.5))
    with watch(net, rules=[rule]):
        one_step(net, *_data())
    (loss,) = [call for call in events.of("operation") if call.operation.kind == "cross_entropy"]
    assert [(made.kind, made.layer.path) for made in loss.operation.inputs] == [("dropout", "1")]


def test_methods_and_builtin_functions_have_the_names_of_torchs_arguments(seen):
    rule, events = seen

    class Attention(nn.Module):
        def __init__(self):
            super().__init__()
            self.linear = nn.Linear(4, 4)

        def forward(self, x):
            x = self.linear(x)
            x = F.scaled_dot_product_attention(x, x, x, None, 0.25)
            return torch.dropout(x.softmax(1), 0.5, train=False)

    net = Attention()
    with watch(net, rules=[rule]):
        net(torch.randn(2, 3, 4)).sum().backward()
    by_kind = {call.operation.kind: call.operation.arguments for call in events.of("operation")}
    assert by_kind["attention"]["dropout_p"] == 0.25
    assert by_kind["softmax"]["dim"] == 1
    assert by_kind["dropout"] == {"p": 0.5, "training": False}


def test_steps_count_forwards_and_backwards(seen):
    rule, events = seen
    net = Net()
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    with watch(net, rules=[rule]):
        for number in range(6):
            F.cross_entropy(net(_data()[0]), _data()[1]).backward()
            if number % 3 == 2:
                optimizer.step()
    counts = [(step.step, step.num_forwards, step.num_backwards) for step in events.of("step")]
    assert counts == [(0, 3, 3), (1, 3, 3)]
    assert events.of("step")[0].optimizer is optimizer


def test_a_closure_that_is_evaluated_again_is_one_step(seen):
    rule, events = seen
    with watch_everything([rule]):
        lbfgs()
    assert len(events.of("step")) == 4
    assert events.of("step")[0].num_forwards > 1


def test_evaluation_is_told_as_such(seen):
    rule, events = seen
    net = Net().eval()
    with watch(net, rules=[rule]), torch.no_grad():
        net(_data()[0])
    assert [(call.grad, call.is_sampled) for call in events.of("forward")] == [(False, True)]
    assert {call.grad for call in events.of("layer")} == {False}
    assert {call.grad for call in events.of("operation")} == {False}


def test_operations_after_an_evaluation_are_not_taken_for_the_models(seen):
    rule, events = seen
    net = Net().eval()
    with watch(net, rules=[rule]), torch.no_grad():
        net(_data()[0]).softmax(1)
    assert "softmax" not in {call.operation.kind for call in events.of("operation")}


def test_unsampled_steps_are_counted_and_not_looked_into(seen):
    rule, events = seen
    net = Net()
    with watch(net, rules=[rule], sampling=3):
        for _ in range(7):
            one_step(net, *_data())
    assert [call.is_sampled for call in events.of("forward")] == [True, False, False] * 2 + [True]
    assert {call.step for call in events.of("layer")} == {0, 3, 6}
    assert {call.step for call in events.of("operation")} == {0, 3, 6}
    assert len(events.of("step")) == 7


def test_modes_are_told_with_the_line_that_set_them(seen):
    rule, events = seen
    net = Net()
    with watch(net, rules=[rule]):
        net.eval()
        net.norm.train()
    line = test_modes_are_told_with_the_line_that_set_them.__code__.co_firstlineno
    told = [
        (mode.layer.path, mode.training, mode.place.span.line - line) for mode in events.of("mode")
    ]
    assert told == [("", False, 4), ("norm", True, 5)]


def test_modes_set_before_a_model_is_known_to_train_are_told_then(seen):
    rule, events = seen
    with watch_everything([rule]):
        net = Net()
        whole = nn.ModuleDict({"net": net})
        whole.eval()
        net.train()
        one_step(net, *_data())
    assert [mode.training for mode in events.of("mode")] == [False, True]
    assert events.events[0][0] == "mode"


class Frozen(Net):
    def train(self, mode=True):
        super().train(mode)
        self.norm.eval()
        return self


def test_a_train_of_the_models_own_is_told_too(seen):
    rule, events = seen
    net = Frozen()
    with watch(net, rules=[rule]):
        net.train()
    assert [(mode.layer.path, mode.training) for mode in events.of("mode")] == [
        ("", True), ("norm", False),
    ]  # fmt: skip


def test_both_models_of_a_gan_are_watched_by_name(seen):
    rule, events = seen
    with watch_everything([rule]):
        net = gan()
    trained = [[watched.model for watched in step.watched] for step in events.of("step")]
    assert trained[:2] == [[net["d"]], [net["g"]]]
    assert {event.watched.name for event in events.of("forward")} == {
        "Sequential 1", "Sequential 2",
    }  # fmt: skip


def test_a_model_in_eval_mode_is_watched_once_it_is_seen_to_train(seen):
    rule, events = seen
    net = Net().eval()
    with watch_everything([rule]):
        net(_data()[0])
        assert events.events == []
        one_step(net, *_data())
        one_step(net, *_data())
    assert [event.step for event in events.of("step")] == [0, 1]
    assert len(events.of("forward")) == 2


def test_what_is_frozen_or_only_evaluated_is_not_watched(seen):
    rule, events = seen
    teacher = Net().requires_grad_(requires_grad=False)
    other = Net()
    with watch_everything([rule]) as findings:
        teacher(_data()[0])
        with torch.no_grad():
            other(_data()[0])
    assert events.events == []
    assert "no model was seen to train" in findings.notes[0]


def test_parts_called_one_by_one_are_one_forward(seen):
    rule, events = seen
    net = Net()
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    with watch(net, rules=[rule]):
        for _ in range(2):
            net.last(net.norm(net.first(_data()[0]))).sum().backward()
            optimizer.step()
    assert [step.num_forwards for step in events.of("step")] == [1, 1]
    assert {call.layer.path for call in events.of("layer")} == {"first", "norm", "last"}


def test_layers_that_come_later_are_told(seen):
    rule, events = seen
    net = nn.Sequential(nn.LazyLinear(4))
    with watch(net, rules=[rule]):
        one_step(net, torch.randn(5, 7), torch.randint(4, (5,)))
        net.append(nn.Dropout(0.5))
        one_step(net, torch.randn(5, 7), torch.randint(4, (5,)))
    assert [layer.path for layer in events.of("step")[-1].watched[0].layers] == ["", "0", "1"]
    assert "dropout" in {call.kind for call in events.of("layer")}


def test_an_exception_is_told_with_the_layers_it_came_through(seen):
    rule, events = seen
    net = Net()

    def train():
        for size in (5, 5, 5, 5, 1):
            one_step(net, torch.randn(size, 4), torch.randint(3, (size,)))

    with pytest.raises(ValueError, match="more than 1 value"), watch(net, rules=[rule]):
        train()
    (failure,) = events.of("failure")
    assert [(layer.path, shapes) for layer, shapes in failure.stack] == [
        ("", ((1, 4),)), ("norm", ((1, 6),)),
    ]  # fmt: skip
    assert failure.place.span.line == Net.forward.__code__.co_firstlineno + 1
    assert failure.history


def test_the_end_of_a_program_is_no_failure(seen):
    rule, events = seen
    net = Net()
    with pytest.raises(SystemExit), watch(net, rules=[rule]):
        raise SystemExit(3)
    assert events.of("failure") == []


def test_watches_within_watches_are_told_the_same():
    outer, of_outer = recording_rule()
    inner, of_inner = recording_rule()
    net = Net()
    with watch(net, rules=[outer], sampling=1):
        one_step(net, *_data())
        with watch_everything([inner], 1):
            one_step(net, *_data())
        one_step(net, *_data())
    assert len(of_outer.of("step")) == 3
    assert len(of_inner.of("step")) == 1
    kinds = [call.operation.kind for call in of_inner.of("operation")]
    assert kinds == [call.operation.kind for call in of_outer.of("operation") if call.step == 1]
    assert torch.overrides._len_torch_function_stack() == 0
