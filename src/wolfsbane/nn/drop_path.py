"""Stochastic depth: whole samples are dropped, at the end of a residual branch."""

from torch import Tensor

from wolfsbane import functional as F
from wolfsbane.nn.dropout import _Dropout
from wolfsbane.nn.layer import is_leaf


class DropPath(_Dropout):
    """Zero whole samples with probability p, and scale up the rest (stochastic depth).

    At the end of a residual branch it drops the branch for a sample, so that the network trains
    at a random depth. One decision per sample. In evaluation the layer returns its input.

    Args:
        p: probability of a sample to be zeroed, in [0, 1]. Default: 0.5.
        inplace: write the result into the input. Default: False.
        generator: where the keys are drawn. Default: torch's default CPU generator.

    Shape:
        (N, *) to (N, *).

    Raises:
        ArgumentError, ArgumentTypeError: p is not a probability, generator not a generator.
        DtypeError: the input holds integers.
        ShapeError: the input has no dimensions.

    Examples:
        >>> import torch
        >>> y = DropPath(p=0.5)(torch.ones(6, 4, 3))
        >>> bool((y == y[:, :1, :1]).all())
        True

    References:
        Huang et al. 2016, arXiv:1603.09382.
    """

    @is_leaf
    def forward(self, input: Tensor) -> Tensor:
        """Return the input with samples dropped (training) or as it is (evaluation)."""
        return F.drop_path(input, self.p, self.training, self.inplace, generator=self.generator)
