"""The collection's dropouts under torch.compile, torch.func and checkpointing: eager's masks."""

import pytest
import torch
from torch.func import vmap
from torch.utils.checkpoint import checkpoint

from collection_dropouts import CASES, collection, seeded, training_step
from transforms.networks import of_torch_itself

pytestmark = [*of_torch_itself]

SAMPLES = 3

NAMES = ("LockedDropout", "GaussianDropout", "DropBlock1d", "TokenDropout", "WeightDrop")
TYPICAL = tuple(case for case in CASES if case.name in NAMES)
"""One of each way to make a mask; a compiler takes seconds for each."""

dynamic = pytest.mark.parametrize("case", TYPICAL, ids=lambda case: case.name)


def assert_same_step(layer, call, x):
    expected = training_step(layer, layer, x)
    for one, other in zip(training_step(layer, call, x), expected, strict=True):
        assert torch.equal(one, other)


@collection
def test_compiled_training_is_eager_training(case):
    layer = case.make()
    compiled = torch.compile(layer, backend="aot_eager", fullgraph=True, dynamic=False)
    assert_same_step(layer, compiled, case.input())


@dynamic
def test_graph_of_any_sizes_is_eager_training(case):
    layer, x = case.make(), case.input()
    compiled = torch.compile(layer, backend="aot_eager", fullgraph=True, dynamic=True)
    for input in (x, x[:, :3] if case.name == "LockedDropout" else x[:3]):
        assert_same_step(layer, compiled, input)


def test_training_compiled_to_machine_code_is_eager_training():
    layers, inputs = [case.make() for case in TYPICAL], [case.input() for case in TYPICAL]
    everything = torch.nn.ModuleList(layers)

    def call(xs):
        return [layer(x) for layer, x in zip(layers, xs, strict=True)]

    def step(function):
        everything.zero_grad()
        xs = [x.clone().requires_grad_(x.is_floating_point()) for x in inputs]
        outputs = seeded(function, xs)
        sum(y.square().sum() for y in outputs).backward()
        grads = [x.grad for x in xs if x.is_floating_point()]
        return [*outputs, *grads, *(parameter.grad for parameter in everything.parameters())]

    expected = step(call)
    torch.testing.assert_close(step(torch.compile(call, fullgraph=True)), expected)


@collection
@pytest.mark.parametrize("randomness", ["same", "different"])
def test_mapped_samples_have_masks_of_their_own_where_asked(case, randomness):
    layer, x = case.make(), case.input()
    y = seeded(vmap(layer, randomness=randomness), torch.stack([x] * SAMPLES))
    is_same = randomness == "same"
    assert torch.equal(y[0], y[1]) == torch.equal(y[1], y[2]) == is_same
    if is_same:
        torch.testing.assert_close(y[0], seeded(layer, x))


@collection
def test_checkpointed_step_is_the_plain_one(case):
    layer = case.make()
    assert_same_step(layer, lambda x: checkpoint(layer, x, use_reentrant=False), case.input())
