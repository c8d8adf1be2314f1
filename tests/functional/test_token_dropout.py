"""Token dropout: how many, which, in which order; and every subset as likely as another."""

import itertools

import pytest
import torch

from significance import assert_cells_by_chance
from wolfsbane import functional as F
from wolfsbane import nn
from wolfsbane.errors import ArgumentError, ArgumentTypeError, ShapeError
from wolfsbane.mask import draw_key
from wolfsbane.mask.uniform import uniform


def by_loops(x, p, num_prefix_tokens, key):
    """Return each sample's prefix and those of its other tokens with the smallest numbers."""
    num_tokens = x.size(1) - num_prefix_tokens
    numbers = uniform((x.size(0), num_tokens), key, torch.device("cpu")).tolist()
    samples, kept = [], []
    for sample, row in zip(x, numbers, strict=True):
        ranked = sorted(range(num_tokens), key=row.__getitem__)
        chosen = sorted(ranked[: max(1, round(num_tokens * (1 - p)))])
        kept.append(chosen)
        rows = [*range(num_prefix_tokens), *(num_prefix_tokens + place for place in chosen)]
        samples.append(sample[rows])
    return torch.stack(samples), torch.tensor(kept)


@pytest.mark.parametrize("shape", [(5, 20), (5, 20, 3), (2, 9, 3, 2), (1, 8, 4)])
@pytest.mark.parametrize("p", [0.25, 0.5, 0.9])
@pytest.mark.parametrize("num_prefix_tokens", [0, 1, 3])
def test_prefix_and_as_many_tokens_of_each_sample_are_left_in_order(shape, p, num_prefix_tokens):
    x = torch.randn(shape)
    with torch.random.fork_rng(devices=[]):
        expected, kept = by_loops(x, p, num_prefix_tokens, draw_key())
    options = {"num_prefix_tokens": num_prefix_tokens, "return_indices": True}
    y, indices = F.token_dropout(x, p, **options)
    assert torch.equal(y, expected)
    assert torch.equal(indices, kept)


@pytest.mark.parametrize(("p", "left"), [(0.5, 98), (0.75, 49), (0.9, 20), (0.999, 1), (1.0, 1)])
def test_number_of_tokens_left_is_fixed(p, left):
    assert nn.TokenDropout(p)(torch.ones(2, 197, 1)).shape == (2, 1 + left, 1)


def test_every_subset_is_as_likely():
    _, kept = F.token_dropout(
        torch.empty(60_000, 5, 1), 0.6, num_prefix_tokens=0, return_indices=True
    )
    subsets = list(itertools.combinations(range(5), 2))
    counts = [int((kept == torch.tensor(subset)).all(1).sum()) for subset in subsets]
    assert sum(counts) == 60_000
    assert_cells_by_chance(torch.tensor(counts))  # false alarm 1e-9, see `significance`


def test_integers_are_dropped_too():
    tokens = torch.arange(10).view(1, 10)
    y = F.token_dropout(tokens, 0.5, num_prefix_tokens=0)
    assert y.dtype is torch.int64
    assert y.shape == (1, 5)


@pytest.mark.parametrize("return_indices", [False, True])
@pytest.mark.parametrize("options", [{"training": False}, {"p": 0.0}, {"p": 0.01}])
def test_input_itself_is_returned_where_nothing_is_dropped(options, return_indices):
    x, before = torch.ones(2, 9, 3), torch.get_rng_state()
    found = F.token_dropout(x, **options, return_indices=return_indices)
    y, indices = found if return_indices else (found, None)
    assert y is x
    assert indices is None
    assert torch.equal(torch.get_rng_state(), before)


def test_gradient_goes_to_the_tokens_left():
    x = torch.randn(2, 6, 3, dtype=torch.float64, requires_grad=True)

    def fixed(x):
        torch.manual_seed(1)
        return F.token_dropout(x, 0.4)

    torch.autograd.gradcheck(fixed, x, check_forward_ad=True, check_batched_grad=True)


def test_sequence_of_the_prefix_alone_is_left_alone():
    x = torch.ones(2, 1, 3)
    assert F.token_dropout(x, 0.5) is x


@pytest.mark.parametrize(
    ("function", "error", "words"),
    [
        (lambda: F.token_dropout(torch.ones(3)), ShapeError, r"unsqueeze\(0\)"),
        (
            lambda: F.token_dropout(torch.ones(1, 2, 3), num_prefix_tokens=3),
            ArgumentError,
            "got 3 for an input with 2 of them",
        ),
        (lambda: nn.TokenDropout(num_prefix_tokens=-1), ArgumentError, "at least 0, but got -1"),
        (lambda: nn.TokenDropout(num_prefix_tokens=0.5), ArgumentTypeError, "an integer"),
        (lambda: nn.TokenDropout(torch.tensor(0.5)), ArgumentTypeError, r"p\.item\(\)"),
    ],
)
def test_wrong_arguments_are_refused(function, error, words):
    with pytest.raises(error, match=words):
        function()
