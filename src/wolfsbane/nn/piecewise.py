"""Activations made of straight lines and parabolas: ReLU squared, CReLU, maxout."""

from torch import Tensor

from wolfsbane import functional as F
from wolfsbane.arguments import explain_unknown_arguments
from wolfsbane.functional.constants import check_dim
from wolfsbane.functional.piecewise import check_num_pieces
from wolfsbane.nn.layer import Layer, is_leaf


class ReLUSquared(Layer):
    r"""Square what is positive, and zero the rest.

    $$y = \max(x, 0)^2$$

    Found by a search over transformers. No parameters. Training and evaluation are the same. The
    square is rounded once to the input's dtype; in float16 it is infinite for x of 256 and more.

    Shape:
        (*) to (*): any shape, the same shape.

    Raises:
        DtypeError: the input holds integers.

    Examples:
        >>> import torch
        >>> ReLUSquared()(torch.tensor([-2.0, 0.5, 3.0]))
        tensor([0.0000, 0.2500, 9.0000])

    References:
        So et al. 2021 (Primer), arXiv:2109.08668.
    """

    @is_leaf
    def forward(self, input: Tensor) -> Tensor:
        """Return the squares of what is positive."""
        return F.relu_squared(input)


class CReLU(Layer):
    r"""Keep the positive and the negative part, one after the other: twice the channels.

    $$y = [\max(x, 0), \max(-x, 0)]$$

    A convolution before it needs half the filters, which otherwise learn pairs of opposite sign. No
    parameters. Training and evaluation are the same. Nothing is rounded, in any dtype.

    Args:
        dim: the dimension that doubles. Default: 1, the channels (TensorFlow's is the last).

    Shape:
        (N, C, *) to (N, 2C, *).

    Raises:
        ArgumentTypeError: dim is not an integer.
        DtypeError: the input holds integers.

    Examples:
        >>> import torch
        >>> net = torch.nn.Sequential(torch.nn.Conv2d(3, 16, 7), CReLU(), torch.nn.Conv2d(32, 8, 3))
        >>> net(torch.randn(2, 3, 20, 20)).shape
        torch.Size([2, 8, 12, 12])

    References:
        Shang et al. 2016, arXiv:1603.05201, definition 2.1.
    """

    @explain_unknown_arguments
    def __init__(self, dim: int = 1) -> None:
        check_dim(dim)
        super().__init__()
        self.dim = dim

    @is_leaf
    def forward(self, input: Tensor) -> Tensor:
        """Return the positive parts, then the negative ones."""
        return F.crelu(input, self.dim)

    def extra_repr(self) -> str:
        return f"dim={self.dim}"


class Maxout(Layer):
    r"""Take the largest of every `num_pieces` neighbouring features.

    $$y_c = \max_{j < k} x_{ck + j}$$

    Behind a Linear(d, C * k) or a convolution with C * k filters, each output is the largest of k
    linear functions, which can take the form of any convex function. Unit c has the features c k to
    c k + k - 1. No parameters. Training and evaluation are the same. Nothing is rounded, in any
    dtype. Where features tie, they share the gradient.

    Args:
        num_pieces: k, how many features make a unit, 1 or more.
        dim: the dimension of the features. Default: 1.

    Shape:
        (N, C * k, *) to (N, C, *).

    Raises:
        ArgumentError, ArgumentTypeError: num_pieces is not a positive integer, dim not an integer.
        ShapeError: num_pieces does not divide the number of features.
        DtypeError: the input holds integers.

    Examples:
        >>> import torch
        >>> layer = torch.nn.Sequential(torch.nn.Linear(57, 128 * 4), Maxout(4))
        >>> layer(torch.randn(8, 57)).shape
        torch.Size([8, 128])

    References:
        Goodfellow et al. 2013, arXiv:1302.4389, section 3.
    """

    @explain_unknown_arguments
    def __init__(self, num_pieces: int, dim: int = 1) -> None:
        check_num_pieces(num_pieces)
        check_dim(dim)
        super().__init__()
        self.num_pieces = num_pieces
        self.dim = dim

    @is_leaf
    def forward(self, input: Tensor) -> Tensor:
        """Return the largest feature of each unit."""
        return F.maxout(input, self.num_pieces, self.dim)

    def extra_repr(self) -> str:
        return f"num_pieces={self.num_pieces}, dim={self.dim}"
