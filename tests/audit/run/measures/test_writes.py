"""WB407 names who overwrote what the backward pass needs."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from wolfsbane.audit import watch
from wolfsbane.audit.registry import rule_of

RULES = [rule_of("WB407")]


class Net(nn.Module):
    def __init__(self, run):
        super().__init__()
        self.first, self.second = nn.Linear(3, 3), nn.Linear(3, 3)
        self.act, self.drop = nn.ReLU(inplace=True), nn.Dropout(inplace=True)
        self.run = run

    def forward(self, x):
        return self.run(self, x)


def add_to_exp(net, x):
    h = net.first(x).exp()
    h += 1
    return h


def drop_what_was_squared(net, x):
    h = net.first(x)
    y = h.pow(2)
    net.drop(h)
    return y


def assign(net, x):
    h = torch.tanh(net.first(x))
    h[:, 0] = 0
    return h


def two_of_one_shape(net, x):
    other = net.second(x)
    other += 1
    return F.relu(net.first(x).sigmoid(), inplace=True) + other


def write_to_the_largest(net, x):
    largest, _ = net.first(x).exp().max(dim=1)
    y = largest.exp()
    y += largest
    return y


def write_to_a_parameter(net, x):
    net.first.weight[0] = 0
    return net.first(x)


def write_to_a_part(net, x):
    one, two = net.first(x).chunk(2)
    one += 1
    return one + two


def write_to_an_input(net, x):
    return net.first(net.act(x))


CASES = [
    (add_to_exp, "add_() (or +=) in line", "exp() in line"),
    (drop_what_was_squared, "Dropout 'drop' (inplace=True) overwrote", "Linear 'first'"),
    (assign, "x[...] = y in line", "tanh() in line"),
    (write_to_the_largest, "add_() (or +=) in line", "exp() in line"),
    (two_of_one_shape, "relu() in line", "sigmoid() in line"),
    (write_to_a_parameter, "this line writes in place to a part of a tensor", "a parameter"),
    (write_to_a_part, "this line writes in place to one of several views", ""),
    (write_to_an_input, "ReLU 'act' (inplace=True) writes in place", "an input"),
]


@pytest.mark.parametrize(
    ("run", "writer", "made"), CASES, ids=lambda value: getattr(value, "__name__", str(value))[:40]
)
def test_who_wrote_and_what_was_there_are_named(run, writer, made):
    net = Net(run)
    x = torch.randn(4, 3, requires_grad=run is write_to_an_input)
    with pytest.raises(RuntimeError), watch(net, rules=RULES) as findings:
        net(x).sum().backward()
    (finding,) = findings
    assert writer in finding.message
    assert made in finding.message
    assert finding.help
    assert finding.place.file == __file__


def test_the_help_names_the_layer_to_change():
    net = Net(lambda net, x: net.act(net.first(x).sigmoid()))
    with pytest.raises(RuntimeError), watch(net, rules=RULES) as findings:
        net(torch.randn(4, 3)).sum().backward()
    assert findings[0].help == "Make 'act' with inplace=False"
    assert findings[0].place.module == "act"


def add_with_operator(h, x):
    h += x


def multiply_by_method(h, x):
    h.mul_(x)


def square_with_operator(h, x):
    h **= 2


def clamp_by_method(h, x):
    h.clamp_(min=0.5)


def fill_with_zeros(h, x):
    h.zero_()


def relu_by_function(h, x):
    F.relu(h, inplace=True)


HELP = [
    (
        add_with_operator,
        "Compute a new tensor instead: x = x + y for x += y or x = x.add(...) for x.add_(...)",
    ),
    (
        multiply_by_method,
        "Compute a new tensor instead: x = x * y for x *= y or x = x.mul(...) for x.mul_(...)",
    ),
    (square_with_operator, "Compute a new tensor instead: x = x ** y for x **= y"),
    (clamp_by_method, "Compute a new tensor instead: x = x.clamp(...) for x.clamp_(...)"),
    (
        fill_with_zeros,
        "Compute a new tensor instead: use torch.where or torch.cat, or assign into a clone()",
    ),
    (relu_by_function, "Call relu with inplace=False"),
]


@pytest.mark.parametrize(("write", "said"), HELP)
def test_the_help_says_what_to_write_instead(write, said):
    def run(net, x):
        h = net.first(x).sigmoid()
        write(h, x)
        return h

    net = Net(run)
    with pytest.raises(RuntimeError), watch(net, rules=RULES) as findings:
        net(torch.randn(4, 3)).sum().backward()
    assert findings[0].help == said


def test_a_parameter_that_stepped_between_is_named():
    net = Net(lambda net, x: net.second(net.first(x)))
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    nn.init.zeros_(net.second.weight)  # So that its version differs from the other's.

    def run():
        loss = net(torch.randn(4, 3)).sum()
        loss.backward(retain_graph=True)
        optimizer.step()
        loss.backward()

    with pytest.raises(RuntimeError), watch(net, rules=RULES) as findings:
        run()
    assert "parameter 'second.weight' was changed once, by optimizer.step()" in findings[0].message


def test_other_errors_are_not_explained():
    net = Net(lambda net, x: net.first(x) @ torch.ones(5))
    with pytest.raises(RuntimeError), watch(net, rules=RULES) as findings:
        net(torch.randn(4, 3))
    assert findings.codes == []


def test_writes_that_torch_can_differentiate_are_not_reported():
    def run(net, x):
        h = net.first(x)
        h += 1
        return net.second(net.act(h))

    net = Net(run)
    with watch(net, rules=RULES) as findings:
        net(torch.randn(4, 3)).sum().backward()
    assert findings.codes == []
