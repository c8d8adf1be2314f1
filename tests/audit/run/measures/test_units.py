"""Units are judged over the last sampled steps, and an accident is no finding."""

import math

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from wolfsbane.audit import watch
from wolfsbane.audit.operation import Operation
from wolfsbane.audit.registry import rule_of
from wolfsbane.audit.run.measures.units import NUM_STEPS, Units, axis_of_units

DEAD, SATURATED = [rule_of("WB405")], [rule_of("WB406")]


def units_of(num_dead, num_units=64, num_steps=NUM_STEPS, examples=32):
    units = Units(Operation("relu", "torch.relu"))
    active = torch.arange(num_units).expand(examples, -1) >= num_dead
    for step in range(num_steps):
        units.add(step, active, 1, examples)
    return units


def test_inactive_units_are_counted():
    assert units_of(41).num_inactive(0.0) == 41
    assert units_of(41).num_examples == NUM_STEPS * 32


def test_the_threshold_is_half_of_the_layer_and_two_standard_deviations():
    bound = int(64 * (0.5 + 1 / math.sqrt(64)))
    assert not units_of(bound).is_mostly_inactive(0.0)
    assert units_of(bound + 1).is_mostly_inactive(0.0)


@pytest.mark.parametrize("given", [{"num_steps": NUM_STEPS - 1}, {"examples": 10}])
def test_few_steps_or_examples_prove_nothing(given):
    assert not units_of(64, **given).is_mostly_inactive(0.0)


def test_a_unit_that_was_active_once_in_the_last_steps_lives():
    units = units_of(64, num_steps=4)
    units.add(4, torch.ones(32, 64, dtype=torch.bool), 1, 32)
    assert units.num_inactive(0.0) == 0
    assert units.num_inactive(0.5) == 64


def test_what_was_active_long_ago_is_forgotten():
    units = Units(Operation("relu", "torch.relu"))
    for step in range(NUM_STEPS + 1):
        units.add(step, torch.full((32, 8), step == 0), 1, 32)
    assert units.num_inactive(0.0) == 8


def test_several_calls_of_one_step_are_one():
    units = units_of(64, num_steps=1)
    units.add(0, torch.ones(8, 64, dtype=torch.bool), 1, 8)
    assert len(units.seen) == 1
    assert units.num_inactive(0.0) == 0
    assert units.num_examples == 40


@pytest.mark.parametrize(
    ("makers", "num_dims", "axis"),
    [
        (["linear"], 3, 2),
        (["conv"], 4, 1),
        (["batch_norm", "conv"], 4, 1),
        (["add", "batch_norm"], 4, 1),
        (["layer_norm", "linear"], 3, 2),
        (["sub", "linear"], 2, None),
        (["linear"], 1, None),
        ([], 2, None),
    ],
)
def test_the_axis_of_the_units_is_that_of_the_layer_that_made_them(makers, num_dims, axis):
    inputs = ()
    for kind in reversed(makers):
        inputs = (Operation(kind, kind, inputs),)
    assert axis_of_units(Operation("relu", "torch.relu", inputs), num_dims) == axis


def found(model, rules, num_steps=9, make=lambda: torch.randn(32, 6)):
    torch.manual_seed(0)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.0)
    with watch(model, optimizer=optimizer, rules=rules) as findings:
        for _ in range(num_steps):
            optimizer.zero_grad()
            model(make()).square().mean().backward()
            optimizer.step()
    return findings


class Net(nn.Module):
    def __init__(self, forward, bias=0.0, scale=1.0):
        super().__init__()
        torch.manual_seed(1)
        self.first, self.second = nn.Linear(6, 32), nn.Linear(32, 3)
        self.gate = nn.Linear(6, 3)
        nn.init.constant_(self.first.bias, bias)
        nn.init.normal_(self.first.weight, std=scale)
        self.run = forward

    def forward(self, x):
        return self.run(self, x)


@pytest.mark.parametrize(
    "forward",
    [
        lambda net, x: net.second(F.relu(net.first(x))),
        lambda net, x: net.second(torch.relu_(net.first(x))),
        lambda net, x: net.second(F.hardtanh(net.first(x), 0, 6)),
        lambda net, x: net.second(net.first(x).clamp_min(0)),
        lambda net, x: net.second(F.relu(net.first(x)[:, None].squeeze(1) + net.first(x))),
    ],
)
def test_dead_units_are_seen_however_relu_is_spelt(forward):
    (finding,) = found(Net(forward, bias=-20.0), DEAD)
    assert "32 of 32 units" in finding.message
    assert "all 160 examples seen in the last 5 sampled steps" in finding.message


@pytest.mark.parametrize(
    "forward",
    [
        lambda net, x: net.second(F.relu(net.first(x) + 20)),
        lambda net, x: net.second(F.leaky_relu(net.first(x))),
        lambda net, x: net.second(net.first(x)) + F.relu(net.first(x).mean(1, keepdim=True) - 9),
        lambda net, x: net.second(net.first(x).clamp_min(1e-6)),
    ],
)
def test_what_is_no_layers_relu_or_lives_is_left_alone(forward):
    assert found(Net(forward, bias=-20.0), DEAD).codes == []


def test_a_frozen_part_is_not_judged():
    net = Net(lambda net, x: net.second(F.relu(net.first(x))), bias=-20.0)
    net.first.requires_grad_(False)
    assert found(net, DEAD).codes == []


@pytest.mark.parametrize(
    "forward",
    [
        lambda net, x: net.second(torch.tanh(net.first(x))),
        lambda net, x: net.second(F.dropout(net.first(x).sigmoid())),
        lambda net, x: net.second(F.layer_norm(torch.tanh(net.first(x)), [32])),
    ],
)
def test_saturated_units_are_seen(forward):
    assert found(Net(forward, bias=50.0), SATURATED).codes == ["WB406"]


@pytest.mark.parametrize(
    "forward",
    [
        lambda net, x: torch.tanh(net.first(x)),
        lambda net, x: net.second(net.first(x)) * torch.sigmoid(100 + net.gate(x)),
        lambda net, x: net.second(net.first(x) * torch.sigmoid(net.first(x))),
        lambda net, x: net.second(torch.tanh(net.first(x) - 50)),
    ],
)
def test_outputs_gates_and_what_is_not_flat_are_left_alone(forward):
    assert found(Net(forward, bias=50.0, scale=0.1), SATURATED).codes == []


@pytest.mark.parametrize("depth", [2, 6, 12])
@pytest.mark.parametrize("shift", [0.0, 3.0])
def test_fresh_networks_are_silent(depth, shift):
    """As deep and badly scaled as they come: units are dead by accident, but not most of them."""
    torch.manual_seed(depth)
    layers = []
    for _ in range(depth):
        layers += [nn.Linear(48, 48), nn.ReLU()]
    model = nn.Sequential(nn.Linear(6, 48), nn.Tanh(), *layers, nn.Linear(48, 2))
    make = lambda: torch.randn(32, 6) + shift  # noqa: E731
    assert found(model, [*DEAD, *SATURATED], make=make).codes == []
