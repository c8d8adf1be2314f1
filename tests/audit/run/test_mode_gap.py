"""The same batch in both modes: what is compared, and that the model is not touched."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from audit.run.recording import recording_rule
from wolfsbane.audit.run.mode_gap import is_due
from wolfsbane.audit.run.watching import watch


def _train(net, loss, steps=21, size=4):
    optimizer = torch.optim.SGD(net.parameters(), lr=0.01)
    for _ in range(steps):
        loss(net(torch.randn(8, size) + 5), torch.randint(3, (8,))).backward()
        optimizer.step()
        optimizer.zero_grad()


def _watched(net, loss, steps=21):
    rule, seen = recording_rule()
    with watch(net, rules=[rule]) as findings:
        _train(net, loss, steps)
    return seen.of("gap"), findings.notes


def _norm_net():
    return nn.Sequential(nn.Linear(4, 6), nn.BatchNorm1d(6, momentum=1e-5), nn.Linear(6, 3))


def test_modes_are_compared_at_twenty_forty_eighty():
    assert [step for step in range(400) if is_due(step)] == [20, 40, 80, 160, 320]


def test_gaps_are_told_at_step_twenty_and_at_the_end():
    gaps, notes = _watched(_norm_net(), nn.CrossEntropyLoss())
    assert [gap.step for gap in gaps] == [20, 21]
    assert notes == []


@pytest.mark.parametrize(
    "loss",
    [nn.CrossEntropyLoss(), F.cross_entropy, lambda out, y: F.cross_entropy(out.view(-1, 3), y)],
    ids=["module", "function", "view"],
)
def test_the_runs_own_loss_is_computed_in_both_modes(loss):
    gaps, notes = _watched(_norm_net(), loss)
    assert notes == []
    assert all(gap.train_loss > 0 and gap.eval_loss > 0 for gap in gaps)
    assert gaps[-1].train_loss != gaps[-1].eval_loss


def test_without_a_known_loss_the_outputs_distance_is_told():
    gaps, _ = _watched(_norm_net(), lambda out, y: out.square().mean())
    assert gaps[-1].train_loss is gaps[-1].eval_loss is None
    assert gaps[-1].distance > 0


def test_the_norm_whose_statistics_lag_is_responsible():
    gaps, _ = _watched(_norm_net(), nn.CrossEntropyLoss(), steps=81)
    layer, remaining = gaps[-1].responsible[0]
    assert layer.path == "1"
    assert remaining == pytest.approx(gaps[-1].train_loss)


def test_a_model_without_modes_has_no_gap():
    gaps, notes = _watched(nn.Linear(4, 3), nn.CrossEntropyLoss())
    assert all(gap.distance == 0 for gap in gaps)
    assert notes == []


class Uncopyable(nn.Module):
    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(4, 3)

    def __deepcopy__(self, memo):
        raise TypeError("there can be only one")

    def forward(self, x):
        return self.linear(x)


def test_a_model_that_cannot_be_copied_is_named_in_one_note():
    gaps, notes = _watched(Uncopyable(), nn.CrossEntropyLoss())
    assert gaps == []
    assert notes == [
        "training and evaluation of Uncopyable were not compared: TypeError: there can be only one"
    ]


class Talkative(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = _norm_net()
        self.calls = 0

    def forward(self, x):
        self.calls += 1
        print("called")  # noqa: T201
        return self.net(x)


def test_the_model_does_not_notice(capsys):
    net = Talkative()
    net.register_forward_hook(lambda module, args, output: print("hooked"))  # noqa: T201
    gaps, notes = _watched(net, nn.CrossEntropyLoss())
    assert len(gaps) == 2
    assert notes == []
    assert net.calls == 21
    assert capsys.readouterr().out == "called\nhooked\n" * 21
    assert net.net[1].num_batches_tracked == 21
    assert all(module.training for module in net.modules())
