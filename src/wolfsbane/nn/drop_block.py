"""DropBlock layers: contiguous blocks of a feature map are zeroed together."""

import torch
from torch import Tensor

from wolfsbane import functional as F
from wolfsbane.arguments import explain_unknown_arguments
from wolfsbane.functional.drop_block import check_block_size
from wolfsbane.nn.dropout import _Dropout
from wolfsbane.nn.layer import generator_text, is_leaf


class _DropBlock(_Dropout):
    """Arguments that the three share."""

    @explain_unknown_arguments
    def __init__(
        self,
        p: float | Tensor = 0.1,
        block_size: int = 7,
        *,
        generator: torch.Generator | None = None,
    ) -> None:
        block = check_block_size(block_size)
        super().__init__(p, generator=generator)
        self.block_size = block

    def extra_repr(self) -> str:
        return f"p={self.p}, block_size={self.block_size}{generator_text(self)}"


class DropBlock1d(_DropBlock):
    """Zero runs of `block_size` positions of sequences.

    As `DropBlock2d`, in one dimension.

    Args:
        p: about the share of elements to be zeroed, in [0, 1]. Default: 0.1.
        block_size: positions of a block, at least 1. Default: 7.
        generator: where the keys are drawn. Default: torch's default CPU generator.

    Shape:
        (N, C, L) or (C, L), to the same shape.

    Raises:
        ArgumentError, ArgumentTypeError: p is not a probability, block_size not a positive integer,
            generator not a generator.
        ShapeError: the input is not 2-D or 3-D.
        DtypeError: the input holds integers.

    Examples:
        >>> DropBlock1d(p=0.1, block_size=3)(torch.ones(2, 8, 50)).shape
        torch.Size([2, 8, 50])

    References:
        Ghiasi, Lin, Le 2018, arXiv:1810.12890.
    """

    @is_leaf
    def forward(self, input: Tensor) -> Tensor:
        """Return the input with blocks dropped (training) or as it is (evaluation)."""
        return F.drop_block1d(
            input, self.p, self.block_size, self.training, generator=self.generator
        )


class DropBlock2d(_DropBlock):
    r"""Zero squares of `block_size` positions of feature maps.

    $$y = x \cdot m \cdot \frac{|m|}{\sum m}, \quad
    \gamma = \frac{p}{b^2} \cdot \frac{f^2}{(f - b + 1)^2}$$

    Neighbouring positions of a feature map tell the same; a block takes them all. In training each
    position where a block fits begins one with probability gamma, in each sample and channel, and
    what is kept is scaled up by the share that was kept of the whole tensor. Blocks overlap, so a
    little less than p is zeroed. A block that is larger than the map is cut to it. Even sizes
    are as good as odd ones. gamma is rounded to a multiple of 1/65536: a p below about
    b^2 / 131072 drops nothing. In evaluation the layer returns its input and draws nothing. It has
    neither parameters nor buffers.

    Args:
        p: about the share of elements to be zeroed, in [0, 1]. Default: 0.1.
        block_size: positions of a block in each dimension, at least 1. Default: 7.
        generator: where the keys are drawn. Default: torch's default CPU generator.

    Shape:
        (N, C, H, W) or (C, H, W), to the same shape.

    Raises:
        ArgumentError, ArgumentTypeError: p is not a probability, block_size not a positive integer,
            generator not a generator.
        ShapeError: the input is not 3-D or 4-D.
        DtypeError: the input holds integers.

    Examples:
        >>> _ = torch.manual_seed(0)
        >>> y = DropBlock2d(p=0.2, block_size=5)(torch.ones(8, 16, 20, 20))
        >>> 0.15 < (y == 0).float().mean().item() < 0.2
        True

    References:
        Ghiasi, Lin, Le 2018, arXiv:1810.12890, algorithm 1 and equation 1.
    """

    @is_leaf
    def forward(self, input: Tensor) -> Tensor:
        """Return the input with blocks dropped (training) or as it is (evaluation)."""
        return F.drop_block2d(
            input, self.p, self.block_size, self.training, generator=self.generator
        )


class DropBlock3d(_DropBlock):
    """Zero cubes of `block_size` positions of volumes.

    As `DropBlock2d`, in three dimensions.

    Args:
        p: about the share of elements to be zeroed, in [0, 1]. Default: 0.1.
        block_size: positions of a block in each dimension, at least 1. Default: 7.
        generator: where the keys are drawn. Default: torch's default CPU generator.

    Shape:
        (N, C, D, H, W) or (C, D, H, W), to the same shape.

    Raises:
        ArgumentError, ArgumentTypeError: p is not a probability, block_size not a positive integer,
            generator not a generator.
        ShapeError: the input is not 4-D or 5-D.
        DtypeError: the input holds integers.

    Examples:
        >>> DropBlock3d(p=0.1, block_size=3)(torch.ones(2, 3, 8, 8, 8)).shape
        torch.Size([2, 3, 8, 8, 8])

    References:
        Ghiasi, Lin, Le 2018, arXiv:1810.12890.
    """

    @is_leaf
    def forward(self, input: Tensor) -> Tensor:
        """Return the input with blocks dropped (training) or as it is (evaluation)."""
        return F.drop_block3d(
            input, self.p, self.block_size, self.training, generator=self.generator
        )
