"""ReLU squared, CReLU and maxout: values, ties, limits, refusals."""

import pytest
import torch

from wolfsbane import functional as F
from wolfsbane import nn
from wolfsbane.errors import ArgumentError, ArgumentTypeError, ShapeError


def test_squares_of_negative_numbers_are_zero_and_have_no_gradient():
    x = torch.tensor([-2.0, -0.0, 0.0, 0.5, 3.0], requires_grad=True)
    y = F.relu_squared(x)
    y.sum().backward()
    assert y.tolist() == [0.0, 0.0, 0.0, 0.25, 9.0]
    assert x.grad.tolist() == [0.0, 0.0, 0.0, 1.0, 6.0]


def test_square_in_float16_is_infinite_from_256_on_and_finite_in_bfloat16():
    x = torch.tensor([255.875, 256.0])
    assert F.relu_squared(x.half()).isfinite().tolist() == [True, False]
    assert F.relu_squared(x.bfloat16()).isfinite().all()


def test_parts_are_those_of_the_input():
    """The paper's reconstruction: their difference is the input, and one of them is zero."""
    x = torch.randn(3, 4, 5)
    y = F.crelu(x)
    positive, negative = y[:, :4], y[:, 4:]
    assert y.ge(0).all()
    assert torch.equal(positive - negative, x)
    assert (positive * negative).eq(0).all()


def test_parts_may_be_put_in_another_dimension():
    x = torch.randn(3, 4, 5)
    assert F.crelu(x, -1).shape == (3, 4, 10)
    assert torch.equal(F.crelu(x, -1), F.crelu(x.mT).mT)


def test_unit_is_the_largest_of_neighbouring_features():
    x = torch.tensor([[1.0, 5.0, 2.0, -9.0, -7.0, -8.0]])
    assert F.maxout(x, 3).tolist() == [[5.0, -7.0]]
    assert F.maxout(x, 2).tolist() == [[5.0, 2.0, -7.0]]
    assert torch.equal(F.maxout(x, 1), x)


@pytest.mark.parametrize("dim", [0, 2, -1, -2])
def test_units_may_lie_in_any_dimension(dim):
    x = torch.randn(6, 12, 18)
    expected = torch.stack([part.amax(dim) for part in x.split(3, dim)], dim)
    assert torch.equal(F.maxout(x, 3, dim), expected)


def test_two_linear_pieces_can_be_the_absolute_value():
    """The paper's figure 1: with two pieces, x and -x."""
    layer = torch.nn.Sequential(torch.nn.Linear(1, 2, bias=False), nn.Maxout(2))
    layer[0].weight.data = torch.tensor([[1.0], [-1.0]])
    x = torch.linspace(-3, 3, 13).view(-1, 1)
    assert torch.equal(layer(x), x.abs())


def test_features_that_tie_share_the_gradient():
    x = torch.tensor([[2.0, 2.0, 1.0, 0.0, 0.0, 0.0]], requires_grad=True)
    F.maxout(x, 3).sum().backward()
    torch.testing.assert_close(x.grad, torch.tensor([[0.5, 0.5, 0.0, 1 / 3, 1 / 3, 1 / 3]]))


def test_number_of_features_that_is_not_divided_is_refused():
    words = r"num_pieces has to divide .* dimension 1 is size 10 .*\(4, 10\)\) and num_pieces is 3"
    with pytest.raises(ShapeError, match=words):
        nn.Maxout(3)(torch.zeros(4, 10))


@pytest.mark.parametrize(
    ("num_pieces", "error"),
    [(0, ArgumentError), (-2, ArgumentError), (2.0, ArgumentTypeError), (True, ArgumentTypeError)],
)
def test_number_of_pieces_has_to_be_a_positive_integer(num_pieces, error):
    for call in (lambda: nn.Maxout(num_pieces), lambda: F.maxout(torch.zeros(2, 4), num_pieces)):
        with pytest.raises(error, match="num_pieces has to be a positive integer, but got"):
            call()


def test_dimension_that_is_no_integer_is_refused():
    for make in (lambda: nn.Maxout(2, dim="channels"), lambda: nn.CReLU("channels")):
        with pytest.raises(ArgumentTypeError, match="dim has to be an integer, but got 'channels'"):
            make()
