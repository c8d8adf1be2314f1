"""torch.utils.checkpoint: what is computed again has the masks it had before."""

import pytest
import torch
from torch.utils.checkpoint import checkpoint, checkpoint_sequential

from transforms.networks import P, layers, seeded
from wolfsbane import nn

both_kinds = pytest.mark.parametrize("use_reentrant", [False, True])


def gradients(call, model, x):
    """Return the output, the gradients, and the generator's state after them."""
    leaf = x.clone().requires_grad_()
    torch.manual_seed(7)
    y = call(leaf)
    torch.rand(1)  # What is computed again cannot go on from the generator's state.
    model.zero_grad()
    # Not `torch.autograd.grad`, which the reentrant kind refuses.
    y.pow(2).sum().backward()
    return [y.detach(), leaf.grad, *(p.grad for p in model.parameters()), torch.get_rng_state()]


@both_kinds
@layers
def test_gradients_are_those_without_it(case, use_reentrant):
    model = torch.nn.Sequential(case.make(), torch.nn.Tanh(), case.make())
    x = torch.randn(case.shape)
    found = gradients(lambda x: checkpoint(model, x, use_reentrant=use_reentrant), model, x)
    for one, other in zip(found, gradients(model, model, x), strict=True):
        assert torch.equal(one, other)


def blocks(num_blocks=4):
    torch.manual_seed(0)
    return torch.nn.Sequential(
        *(
            torch.nn.Sequential(
                torch.nn.Linear(8, 8, bias=False),
                nn.BiasActDropout(8, "gelu", P),
                nn.BatchNormAct1d(8, "relu", P),
                nn.Dropout(P),
            )
            for _ in range(num_blocks)
        )
    )


@both_kinds
def test_segments_of_a_sequence_have_the_gradients_without_it(use_reentrant):
    model, x = blocks(), torch.randn(6, 8)
    found = gradients(
        lambda x: checkpoint_sequential(model, 2, x, use_reentrant=use_reentrant), model, x
    )
    for one, other in zip(found, gradients(model, model, x), strict=True):
        assert torch.equal(one, other)


def test_checkpoint_in_a_checkpoint_has_the_gradients_without_it():
    model, x = blocks(), torch.randn(6, 8)

    def inner(x):
        return checkpoint(model[1:3], model[0](x), use_reentrant=False)

    def outer(x):
        return model[3](checkpoint(inner, x, use_reentrant=False))

    for one, other in zip(gradients(outer, model, x), gradients(model, model, x), strict=True):
        assert torch.equal(one, other)


def test_without_the_random_state_another_mask_is_drawn_as_in_torch():
    x = torch.ones(64, requires_grad=True)
    for layer in (nn.Dropout(), torch.nn.Dropout()):

        def call(x, layer=layer):
            # Not linear: the mask of the gradient is that of what is computed again.
            return checkpoint(
                lambda x: layer(x).square(), x, use_reentrant=False, preserve_rng_state=False
            )

        y, _ = seeded(call, x)
        (grad,) = torch.autograd.grad(y.sum(), x)
        assert not torch.equal(grad != 0, y != 0)


def test_generator_of_a_layer_s_own_is_not_restored_as_is_documented():
    layer = nn.Dropout(generator=torch.Generator().manual_seed(1))
    x = torch.ones(64, requires_grad=True)
    y = checkpoint(lambda x: layer(x).square(), x, use_reentrant=False)
    (grad,) = torch.autograd.grad(y.sum(), x)
    assert not torch.equal(grad != 0, y != 0)
