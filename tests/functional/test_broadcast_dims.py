"""Masks of size 1 in some dimensions: which mask, on which executor, in which process."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from wolfsbane import functional as F
from wolfsbane import nn
from wolfsbane.errors import ArgumentError, ArgumentTypeError
from wolfsbane.kernels.select import use_executor
from wolfsbane.mask import draw_key, keep_mask, scale, shard

SHAPE = (3, 5, 4, 7)


def by_noise_shape(x, p, dims, key):
    """Return dropout by Keras' rule: a mask of `noise_shape`, ones where it is shared."""
    noise_shape = [1 if d in {i % x.dim() for i in dims} else x.shape[d] for d in range(x.dim())]
    return torch.where(keep_mask(noise_shape, p, key), x * scale(p), 0.0)


def next_key():
    with torch.random.fork_rng(devices=[]):
        return draw_key()


@pytest.mark.parametrize("executor", ["cpu", "reference"])
@given(dims=st.sets(st.integers(0, 3)), negative=st.booleans(), seed=st.integers(0, 2**20))
def test_mask_has_size_one_in_these_dimensions(executor, dims, negative, seed):
    given_dims = tuple(dim - 4 if negative else dim for dim in dims)
    x = torch.rand(SHAPE, requires_grad=True)
    torch.manual_seed(seed)
    expected = by_noise_shape(x, 0.4, dims, next_key())
    with use_executor(executor):
        y = F.dropout(x, 0.4, broadcast_dims=given_dims)
        (grad,) = torch.autograd.grad(y, x, torch.ones_like(y))
    assert torch.equal(y, expected)
    (expected_grad,) = torch.autograd.grad(expected, x, torch.ones_like(expected))
    assert torch.equal(grad, expected_grad)


def test_layer_hands_them_on():
    x, drop = torch.ones(6, 50, 9), nn.Dropout(0.5, broadcast_dims=(-2,))
    y = drop(x)
    assert torch.equal(y, y[:, :1].expand_as(y))
    assert 0 < int((y == 0).sum()) < y.numel()
    assert "broadcast_dims=(-2,)" in repr(drop)
    assert "broadcast_dims" not in repr(nn.Dropout())


@pytest.mark.parametrize("inplace", [False, True])
def test_one_decision_for_all_where_all_dimensions_are_shared(inplace):
    outcomes = {
        tuple(
            F.dropout(torch.ones(2, 3), 0.5, True, inplace, broadcast_dims=(0, 1)).unique().tolist()
        )
        for _ in range(64)
    }
    assert outcomes == {(0.0,), (2.0,)}


def test_derivatives_hold_in_both_modes():
    x = torch.randn(3, 4, 2, dtype=torch.float64, requires_grad=True)

    def function(x):
        torch.manual_seed(1)
        return F.dropout(x, 0.4, broadcast_dims=(1,))

    torch.autograd.gradcheck(function, x, check_forward_ad=True)
    torch.autograd.gradgradcheck(function, x)


def test_ranks_have_the_same_mask_where_the_batch_shares_it_and_parts_of_it_elsewhere():
    def of_rank(rank, dims):
        torch.manual_seed(3)
        with shard(rank, 2):
            return F.dropout(torch.ones(4, 3, 64), 0.5, broadcast_dims=dims)

    assert torch.equal(of_rank(0, (0,)), of_rank(1, (0,)))
    assert torch.equal(of_rank(0, (-3, 1)), of_rank(1, (-3, 1)))
    torch.manual_seed(3)
    whole = F.dropout(torch.ones(8, 3, 64), 0.5, broadcast_dims=(1,))
    assert torch.equal(torch.cat([of_rank(0, (1,)), of_rank(1, (1,))]), whole)


@pytest.mark.parametrize(
    ("dims", "error", "words"),
    [
        ((3,), ArgumentError, r"got 3 for an input with 3 dimensions: from -3 to 2"),
        ((-4,), ArgumentError, r"got -4"),
        ((0, -3), ArgumentError, r"each dimension once, but got \(0, -3\)"),
        (1, ArgumentTypeError, r"Write broadcast_dims=\(1,\)"),
        ("1", ArgumentTypeError, "got '1'"),
        ((0.5,), ArgumentTypeError, "sequence of dimensions"),
        ((True,), ArgumentTypeError, "sequence of dimensions"),
    ],
    ids=str,
)
@pytest.mark.parametrize("training", [True, False])
def test_wrong_dimensions_are_refused_and_nothing_is_drawn(dims, error, words, training):
    before = torch.get_rng_state()
    with pytest.raises(error, match=words):
        F.dropout(torch.ones(2, 3, 4), 0.5, training, broadcast_dims=dims)
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("dims", [1, "1", (0.5,)], ids=str)
def test_layer_refuses_what_are_no_dimensions_when_it_is_made(dims):
    with pytest.raises(ArgumentTypeError, match="broadcast_dims"):
        nn.Dropout(broadcast_dims=dims)


def test_layer_that_became_ours_by_its_class_shares_no_mask():
    theirs = torch.nn.Dropout(0.5)
    theirs.__class__ = nn.Dropout
    torch.manual_seed(0)
    y = theirs(torch.ones(40, 40))
    torch.manual_seed(0)
    assert torch.equal(y, nn.Dropout(0.5)(torch.ones(40, 40)))
