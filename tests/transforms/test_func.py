"""torch.func.vmap: its three kinds of randomness, as torch has them for its own dropouts."""

import pytest
import torch
from torch.func import grad, vmap

from cases import DropoutCase, dropouts, zeroing_dropouts
from transforms.networks import backends, of_torch_itself, seeded
from wolfsbane import functional as F
from wolfsbane import nn
from wolfsbane.mask import keep_mask

pytestmark = [*of_torch_itself]

NUM_SAMPLES = 3


def function_of(case: DropoutCase, p=0.5):
    return lambda x: getattr(F, case.function)(x, p, training=True)


def samples_of(case):
    """Return samples of a case's shape, in none of which an element is zero."""
    return torch.rand(NUM_SAMPLES, *case.shape) + 0.5


def keys_drawn(randomness, nesting=1):
    """Return the keys that torch.randint gives each sample, as numbers."""

    def draw(x):
        return x.long() * 0 + torch.randint(-(2**63), 2**63 - 1, ())

    for _ in range(nesting):
        draw = vmap(draw, randomness=randomness)
    return seeded(draw, torch.zeros([NUM_SAMPLES] * nesting))[0]


def masks_of(case, keys, p=0.5):
    masks = [keep_mask(case.mask_shape, p, key % 2**64) for key in keys.flatten().tolist()]
    return torch.stack(masks).expand(len(masks), *case.shape).view(*keys.shape, *case.shape)


@pytest.mark.parametrize("randomness", ["same", "different"])
@zeroing_dropouts
def test_masks_are_those_of_the_keys_that_torch_draws_for_each_sample(case, randomness):
    x = samples_of(case)
    y, _ = seeded(vmap(function_of(case), randomness=randomness), x)
    keep = masks_of(case, keys_drawn(randomness))
    assert torch.equal(y, torch.where(keep, x * 2.0, 0.0))
    assert torch.equal(keep[0], keep[1]) == (randomness == "same")


@pytest.mark.parametrize("randomness", ["same", "different"])
@dropouts
def test_samples_are_alike_where_the_randomness_is_the_same_and_only_there(case, randomness):
    x = samples_of(case)[:1].expand(NUM_SAMPLES, *case.shape)
    y, _ = seeded(vmap(function_of(case), randomness=randomness), x)
    assert torch.equal(y[0], y[1]) == torch.equal(y[1], y[2]) == (randomness == "same")


@dropouts
def test_same_randomness_is_the_mask_of_one_sample_in_eager_code(case):
    x = samples_of(case)
    y, state = seeded(vmap(function_of(case), randomness="same"), x)
    for sample, output in zip(x, y, strict=True):
        alone, state_alone = seeded(function_of(case), sample)
        assert torch.equal(output, alone)
        assert torch.equal(state, state_alone)


@dropouts
def test_randomness_is_an_error_by_default_as_in_torch(case):
    with pytest.raises(RuntimeError, match="randomness"):
        vmap(function_of(case))(samples_of(case))


@dropouts
def test_nothing_random_in_evaluation_or_for_a_rate_of_zero(case):
    x = samples_of(case)
    layer = getattr(nn, case.layer)().eval()
    assert torch.equal(vmap(layer)(x), x)
    assert torch.equal(vmap(function_of(case, p=0.0))(x), x)


@zeroing_dropouts
def test_nested_maps_have_a_key_for_each_innermost_sample(case):
    x = torch.ones(NUM_SAMPLES, NUM_SAMPLES, *case.shape)
    mapped = vmap(vmap(function_of(case), randomness="different"), randomness="different")
    keep = masks_of(case, keys_drawn("different", nesting=2))
    assert torch.equal(seeded(mapped, x)[0], torch.where(keep, 2.0, 0.0))
    assert len(keep.flatten(0, 1).flatten(1).unique(dim=0)) == NUM_SAMPLES**2


@dropouts
def test_mapped_dimension_may_lie_anywhere_in_input_and_output(case):
    x = samples_of(case)
    expected, _ = seeded(vmap(function_of(case), randomness="different"), x)
    mapped = vmap(function_of(case), in_dims=-1, out_dims=1, randomness="different")
    assert torch.equal(seeded(mapped, x.movedim(0, -1))[0], expected.movedim(0, 1))


@dropouts
def test_one_input_may_have_a_mask_of_its_own_for_each_sample(case):
    x = samples_of(case)
    drop = function_of(case)
    expected, _ = seeded(vmap(drop, randomness="different"), x[:1].expand_as(x))
    found, _ = seeded(vmap(lambda _: drop(x[0]), randomness="different"), x)
    assert torch.equal(found, expected)


@zeroing_dropouts
def test_rate_may_differ_from_sample_to_sample(case):
    x, rates = samples_of(case), torch.tensor([0.25, 0.5, 0.0], dtype=torch.float64)
    mapped = vmap(getattr(F, case.function), randomness="different")
    y, _ = seeded(mapped, x, rates)
    keys = keys_drawn("different")
    for sample, output, key, p in zip(x, y, keys, rates.tolist(), strict=True):
        keep = masks_of(case, key[None], p)[0]
        torch.testing.assert_close(output, torch.where(keep, sample / (1 - p), 0.0))


@pytest.mark.parametrize("p", [0.0, 1.0, 1 / 3])
@dropouts
def test_mapped_rate_is_the_number(case, p):
    x = samples_of(case)
    mapped = vmap(
        lambda x, p: getattr(F, case.function)(x, p, training=True),
        in_dims=(0, 0),
        randomness="same",
    )
    y, _ = seeded(mapped, x, torch.full((NUM_SAMPLES,), p, dtype=torch.float64))
    expected, _ = seeded(vmap(function_of(case, p), randomness="same"), x)
    torch.testing.assert_close(y, expected)


def test_blocks_have_masks_of_their_own_for_each_sample():
    x = torch.rand(NUM_SAMPLES, 5, 7) + 0.5
    keep = torch.stack(
        [keep_mask((5, 7), 0.5, k % 2**64) for k in keys_drawn("different").tolist()]
    )
    blocks = {
        "add": (lambda x: F.dropout_add(x, x, 0.5), x + torch.where(keep, 2 * x, 0.0)),
        "bias": (lambda x: F.bias_act_dropout(x, None, "relu", 0.5), torch.where(keep, 2 * x, 0.0)),
    }
    for block, expected in blocks.values():
        found, _ = seeded(vmap(block, randomness="different"), x)
        torch.testing.assert_close(found, expected)


def test_batch_norm_block_normalises_each_sample_by_itself():
    x = torch.randn(NUM_SAMPLES, 5, 7)

    def block(x):
        return F.batch_norm_act_dropout(x, None, None, training=True, activation="tanh", p=0.5)

    y, _ = seeded(vmap(block, randomness="different"), x)
    for sample, output, key in zip(x, y, keys_drawn("different").tolist(), strict=True):
        whole = F.batch_norm(sample, None, None, training=True).tanh() * 2.0
        keep = keep_mask(sample.shape, 0.5, key % 2**64)
        torch.testing.assert_close(output, torch.where(keep, whole, 0.0))


@pytest.mark.parametrize("randomness", ["same", "different"])
@dropouts
def test_gradients_have_the_masks_of_their_samples(case, randomness):
    x = samples_of(case)
    # The saturation value is far from what is kept: the slope there tells of the mask.
    per_sample = vmap(grad(lambda x: function_of(case)(x).sum()), randomness=randomness)
    found, _ = seeded(per_sample, x)
    leaf = x.clone().requires_grad_()
    outputs, _ = seeded(vmap(function_of(case), randomness=randomness), leaf)
    (outside,) = torch.autograd.grad(outputs.sum(), leaf)
    y, (slope,) = outputs.detach(), found.abs().unique()[-1:]
    shift = 0.0 if not case.is_alpha else y[found != 0][0] - slope * x[found != 0][0]
    torch.testing.assert_close(outside, found)
    torch.testing.assert_close(y[found != 0], (slope * x + shift)[found != 0])
    assert len(y[found == 0].unique()) == 1


@backends
@pytest.mark.parametrize("randomness", ["same", "different"])
def test_compiled_map_has_the_masks_of_the_eager_one(backend, randomness):
    def twice(x):
        return F.dropout(x, 0.5), F.dropout(x, 0.5)

    mapped, x = vmap(twice, randomness=randomness), torch.ones(NUM_SAMPLES, 40)
    compiled = torch.compile(mapped, backend=backend, fullgraph=True)
    expected = seeded(mapped, x)
    assert all(torch.equal(a, b) for a, b in zip(seeded(compiled, x), expected, strict=True))
    assert not torch.equal(expected[0], expected[1])


def test_compiled_gradients_of_each_sample_have_the_masks_of_the_eager_ones():
    per_sample = vmap(grad(lambda x: F.dropout(x.sin(), 0.5).sum()), randomness="different")
    x = torch.rand(NUM_SAMPLES, 40)
    compiled = torch.compile(per_sample, backend="aot_eager", fullgraph=True)
    torch.testing.assert_close(seeded(compiled, x), seeded(per_sample, x))
