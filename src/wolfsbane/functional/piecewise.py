"""Activations made of straight lines and parabolas: ReLU squared, CReLU, maxout."""

import torch
from torch import Tensor

from wolfsbane.errors import ArgumentError, ArgumentTypeError, ShapeError
from wolfsbane.functional.constants import check_dim
from wolfsbane.functional.override import overridable
from wolfsbane.functional.widening import check_floating


@overridable
def relu_squared(input: Tensor) -> Tensor:
    r"""Square what is positive, and zero the rest.

    $$y = \max(x, 0)^2$$

    The same in training and evaluation. The square is rounded once to the input's dtype. In float16
    it is infinite for x of 256 and more; bfloat16 has float32's range.

    Args:
        input: floating-point tensor.

    Shape:
        (*) to (*): any shape, the same shape.

    Raises:
        DtypeError: the input holds integers.

    Examples:
        >>> relu_squared(torch.tensor([-2.0, 0.5, 3.0]))
        tensor([0.0000, 0.2500, 9.0000])

    References:
        So et al. 2021 (Primer), arXiv:2109.08668.
    """
    check_floating("relu_squared", input)
    return torch.relu(input).square()


@overridable
def crelu(input: Tensor, dim: int = 1) -> Tensor:
    r"""Keep the positive and the negative part, one after the other: twice the channels.

    $$y = [\max(x, 0), \max(-x, 0)]$$

    The same in training and evaluation. Nothing is rounded, in any dtype.

    Args:
        input: floating-point tensor.
        dim: the dimension that doubles. Default: 1, the channels (TensorFlow's is the last).

    Shape:
        (N, C, *) to (N, 2C, *).

    Raises:
        ArgumentTypeError: dim is not an integer.
        DtypeError: the input holds integers.

    Examples:
        >>> crelu(torch.tensor([[-2.0, 3.0]]))
        tensor([[0., 3., 2., 0.]])

    References:
        Shang et al. 2016, arXiv:1603.05201, definition 2.1.
    """
    check_floating("crelu", input)
    check_dim(dim)
    return torch.cat([torch.relu(input), torch.relu(-input)], dim)


@overridable
def maxout(input: Tensor, num_pieces: int, dim: int = 1) -> Tensor:
    r"""Take the largest of every `num_pieces` neighbouring features.

    $$y_c = \max_{j < k} x_{ck + j}$$

    Behind a Linear(d, C * k) each output is the largest of k linear functions, which can take the
    form of any convex function. Unit c has the features c k to c k + k - 1. The same in training
    and evaluation. Nothing is rounded, in any dtype. Where features tie, they share the gradient.

    Args:
        input: floating-point tensor.
        num_pieces: k, how many features make a unit, 1 or more.
        dim: the dimension of the features. Default: 1.

    Shape:
        (N, C * k, *) to (N, C, *).

    Raises:
        ArgumentError, ArgumentTypeError: num_pieces is not a positive integer, dim not an integer.
        ShapeError: num_pieces does not divide the number of features.
        DtypeError: the input holds integers.

    Examples:
        >>> maxout(torch.tensor([[1.0, 5.0, -2.0, -3.0]]), 2)
        tensor([[ 5., -2.]])

    References:
        Goodfellow et al. 2013, arXiv:1302.4389, section 3.
    """
    check_floating("maxout", input)
    check_num_pieces(num_pieces)
    check_dim(dim)
    size = input.size(dim)
    if size % num_pieces:
        raise ShapeError(
            f"num_pieces has to divide the number of features, but dimension {dim} is size {size} "
            f"(the input's shape is {tuple(input.shape)}) and num_pieces is {num_pieces}. Before "
            "maxout stands a layer of num_pieces times its features, such as Linear(d, k * h)"
        )
    units: Tensor = input.unflatten(dim, (size // num_pieces, num_pieces))
    return units.amax(dim + 1 if dim >= 0 else dim)


def check_num_pieces(num_pieces: object) -> None:
    """Raise unless a unit consists of a positive number of features."""
    expected = f"num_pieces has to be a positive integer, but got {num_pieces!r}"
    if isinstance(num_pieces, bool) or not hasattr(num_pieces, "__index__"):
        raise ArgumentTypeError(
            f"{expected} (of type {type(num_pieces).__name__}). It is how many features make a unit"
        )
    if int(num_pieces.__index__()) <= 0:
        raise ArgumentError(f"{expected}. It is how many features make a unit; try 2")
