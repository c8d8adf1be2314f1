"""What losses are given in a run decides WB401 to WB403."""

import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from wolfsbane.audit import watch
from wolfsbane.audit.registry import rule_of

ZEROS = torch.zeros(32, dtype=torch.long)
RULES = [rule_of(code) for code in ("WB401", "WB402", "WB403")]


class Opaque(torch.autograd.Function):
    """Computes by ways that a run does not see."""

    @staticmethod
    def forward(ctx, x, function):
        ctx.save_for_backward(x)
        return torch.from_numpy(function(x.numpy()))

    @staticmethod
    def backward(ctx, gradient):
        return gradient, None


def numpy_softmax(x):
    return np.exp(x) / np.exp(x).sum(1, keepdims=True)


def numpy_sigmoid(x):
    return 1 / (1 + np.exp(-x))


class Net(nn.Module):
    def __init__(self, end, num_outputs=6):
        super().__init__()
        self.fc = nn.Linear(8, num_outputs)
        self.end = end

    def forward(self, x):
        return self.end(self.fc(x))


def cross_entropy(out):
    return F.cross_entropy(out, torch.zeros(len(out), dtype=torch.long))


def bce(out):
    return F.binary_cross_entropy_with_logits(out, torch.ones_like(out))


def found(end, loss, num_steps=9, examples=32, prepare=None):
    torch.manual_seed(0)
    net = Net(end)
    if prepare is not None:
        prepare(net)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.01)
    with watch(net, optimizer=optimizer, rules=RULES) as findings:
        for _ in range(num_steps):
            optimizer.zero_grad()
            loss(net(torch.randn(examples, 8))).backward()
            optimizer.step()
    return findings


@pytest.mark.parametrize(
    ("end", "loss", "code"),
    [
        (nn.Softmax(dim=1), cross_entropy, "WB401"),
        (lambda x: x.softmax(1).reshape(-1, 6), cross_entropy, "WB401"),
        (lambda x: Opaque.apply(x, numpy_softmax), cross_entropy, "WB401"),
        (nn.Sigmoid(), bce, "WB402"),
        (lambda x: x.softmax(1), bce, "WB402"),
        (lambda x: Opaque.apply(x, numpy_sigmoid), bce, "WB402"),
        (lambda x: (x.tanh() + 1) / 2, bce, "WB402"),
        (nn.ReLU(), cross_entropy, "WB403"),
        (nn.ReLU6(), bce, "WB403"),
        (lambda x: x.clamp_min(0), cross_entropy, "WB403"),
        (lambda x: Opaque.apply(x, lambda z: z.clip(0)), cross_entropy, "WB403"),
        (lambda x: F.log_softmax(x.relu(), dim=1), lambda out: F.nll_loss(out, ZEROS), "WB403"),
    ],
)
def test_a_mistake_is_seen(end, loss, code):
    assert found(end, loss).codes == [code]


@pytest.mark.parametrize(
    ("end", "loss"),
    [
        (nn.Identity(), cross_entropy),
        (nn.LogSoftmax(dim=1), cross_entropy),
        (nn.Identity(), lambda out: F.cross_entropy(out, torch.rand_like(out).softmax(1))),
        (nn.Softplus(), cross_entropy),
        (nn.Identity(), bce),
        (nn.Sigmoid(), lambda out: F.binary_cross_entropy(out, torch.ones_like(out))),
        (nn.ReLU(), lambda out: F.mse_loss(out, torch.ones_like(out))),
        (lambda x: x.clamp_min(-1), cross_entropy),
        (lambda x: x.relu()[:, :, None].mean(2), cross_entropy),
        (nn.LogSoftmax(dim=1), lambda out: F.nll_loss(out, ZEROS)),
    ],
)
def test_what_is_right_is_left_alone(end, loss):
    assert found(end, loss).codes == []


def test_probabilities_along_another_dimension_are_no_probabilities_of_classes():
    assert found(lambda x: x.softmax(0), cross_entropy).codes == []


def test_logits_of_a_linear_layer_stay_logits_when_they_happen_to_lie_between_0_and_1():
    def fill(net):
        nn.init.constant_(net.fc.weight, 0.001)
        nn.init.constant_(net.fc.bias, 0.5)

    assert found(nn.Identity(), bce, prepare=fill).codes == []


def test_few_values_of_unknown_origin_may_lie_between_0_and_1():
    end = lambda x: Opaque.apply(x, numpy_sigmoid)  # noqa: E731
    assert found(end, bce, examples=4).codes == []
    assert found(end, bce, num_steps=3).codes == []


def test_one_step_with_logits_acquits():
    steps = iter(range(100))
    assert found(lambda x: x.softmax(1) if next(steps) else x, cross_entropy).codes == []


def test_evaluation_is_not_judged():
    torch.manual_seed(0)
    net = Net(nn.Identity())
    with watch(net, rules=RULES) as findings:
        for _ in range(4):
            loss = cross_entropy(net(torch.randn(8, 8)))
            loss.backward()
            with torch.no_grad():
                F.cross_entropy(net(torch.randn(8, 8)).softmax(1), torch.zeros(8).long())
    assert findings.codes == []


def test_the_message_has_the_floor_the_layer_and_the_lowest_loss_seen():
    (finding,) = found(nn.Softmax(dim=1), cross_entropy)
    floor = math.log(math.e + 5) - 1
    assert f"= {floor:.4g}" in finding.message
    assert "Softmax 'end'" in finding.message
    lowest = float(finding.message.rpartition("is ")[2].rstrip(")"))
    assert lowest > floor


def test_the_floor_is_the_loss_of_a_certain_and_right_answer():
    certain = F.one_hot(torch.tensor([2]), 6).double()
    assert F.cross_entropy(certain, torch.tensor([2])).item() == pytest.approx(
        math.log(math.e + 5) - 1
    )
