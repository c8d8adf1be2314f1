"""The collection's dropouts under torch.compile, torch.func and checkpointing: eager's masks."""

import pytest
import torch
from torch.func import vmap
from torch.utils.checkpoint import checkpoint

from collection_dropouts import CASES, collection, seeded, training_step
from transforms.networks import of_torch_itself
from wolfsbane import functional as F

pytestmark = [*of_torch_itself]

SAMPLES = 3


def of(*names):
    """Parametrise over a few cases: a compiler takes seconds for each."""
    cases = [case for case in CASES if case.name in names]
    return pytest.mark.parametrize("case", cases, ids=lambda case: case.name)


dynamic = of("LockedDropout", "GaussianDropout", "DropBlock1d")
machine_code = of("GaussianDropout", "DropBlock1d")


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


@machine_code
def test_training_compiled_to_machine_code_is_eager_training(case):
    layer = case.make()
    assert_same_step(layer, torch.compile(layer, fullgraph=True, dynamic=False), case.input())


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


@pytest.mark.parametrize("function", [F.gaussian_dropout, F.locked_dropout, F.drop_block1d])
def test_rate_may_differ_from_sample_to_sample(function):
    x, rates = torch.rand(3, 4, 21) + 0.5, torch.tensor([0.25, 0.5, 0.0], dtype=torch.float64)
    y = seeded(vmap(function, in_dims=(None, 0), randomness="same"), x, rates)
    for output, p in zip(y, rates.tolist(), strict=True):
        torch.testing.assert_close(output, seeded(function, x, p))
