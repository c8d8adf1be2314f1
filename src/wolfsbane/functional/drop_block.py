r"""DropBlock: contiguous blocks of a feature map are zeroed together.

A block covers b_i positions of the f_i of dimension i. Where a block may begin there are
prod(f_i - b_i + 1) positions, each of which begins one with probability::

    gamma = p / prod(b_i) * prod(f_i) / prod(f_i - b_i + 1)

which the mask contract rounds to a multiple of 1/65536. What is kept is multiplied by the number of
elements over the number of those kept.
"""

import math

import torch
from torch import Tensor

from wolfsbane.errors import ArgumentError, ArgumentTypeError, ShapeError
from wolfsbane.functional.masking import dtype_error
from wolfsbane.functional.override import overridable
from wolfsbane.kernels.dropout import masked_affine
from wolfsbane.kernels.keys import draw
from wolfsbane.kernels.reference import HALF_PRECISION, accumulator
from wolfsbane.mask.rate import Rate, check_rate, never_drops
from wolfsbane.mask.shard import first_index

_KEEPS_ONES = (1.0, 0.0, 0.0)


@overridable
def drop_block1d(
    input: Tensor,
    p: Rate = 0.1,
    block_size: int = 7,
    training: bool = True,
    *,
    generator: torch.Generator | None = None,
) -> Tensor:
    """Zero runs of `block_size` positions of sequences.

    As `drop_block2d`, in one dimension.

    Args:
        input: floating-point or complex tensor.
        p: about the share of elements to be zeroed, in [0, 1]. Default: 0.1.
        block_size: positions of a block, at least 1. Default: 7.
        training: False returns the input. Default: True.
        generator: where the key is drawn; torch's default CPU generator where None.

    Shape:
        (N, C, L) or (C, L), to the same shape.

    Raises:
        ArgumentError, ArgumentTypeError: p is not a probability, block_size not a positive integer.
        ShapeError: the input is not 2-D or 3-D.
        DtypeError: the input holds integers.

    Examples:
        >>> _ = torch.manual_seed(1)
        >>> drop_block1d(torch.ones(1, 12), p=0.3, block_size=3)
        tensor([[2., 2., 2., 0., 0., 0., 2., 2., 0., 0., 0., 2.]])

    References:
        Ghiasi, Lin, Le 2018, arXiv:1810.12890.
    """
    return _drop_blocks(input, p, block_size, training, generator, 1)


@overridable
def drop_block2d(
    input: Tensor,
    p: Rate = 0.1,
    block_size: int = 7,
    training: bool = True,
    *,
    generator: torch.Generator | None = None,
) -> Tensor:
    r"""Zero squares of `block_size` positions of feature maps.

    $$y = x \cdot m \cdot \frac{|m|}{\sum m}, \quad
    \gamma = \frac{p}{b^2} \cdot \frac{f^2}{(f - b + 1)^2}$$

    Each position where a block fits begins one with probability gamma, in each sample and channel;
    m is 0 where a block lies, and the scale is taken over the whole tensor. Blocks may overlap, so
    a little less than p is zeroed. A block that is larger than the map is cut to it, in each
    dimension; where it covers the map, whole channels are dropped. A block of an even size needs
    no care: it begins at a position, it is not centred. For p = 1 all is zeroed. gamma is
    rounded to a multiple of 1/65536: a p below about b^2 / 131072 drops nothing.

    In training one key is drawn. In evaluation, and for p = 0, the input itself is returned and
    nothing is drawn. float16 and bfloat16 are multiplied in float32 and rounded once. The output
    keeps the input's layout.

    Args:
        input: floating-point or complex tensor.
        p: about the share of elements to be zeroed, in [0, 1]. Default: 0.1.
        block_size: positions of a block in each dimension, at least 1. Default: 7.
        training: False returns the input. Default: True.
        generator: where the key is drawn; torch's default CPU generator where None.

    Shape:
        (N, C, H, W) or (C, H, W), to the same shape.

    Raises:
        ArgumentError, ArgumentTypeError: p is not a probability, block_size not a positive integer.
        ShapeError: the input is not 3-D or 4-D.
        DtypeError: the input holds integers.

    Examples:
        >>> _ = torch.manual_seed(0)
        >>> y = drop_block2d(torch.ones(8, 16, 20, 20), p=0.2, block_size=5)
        >>> 0.15 < (y == 0).float().mean().item() < 0.2
        True
        >>> abs(y.mean().item() - 1) < 1e-5
        True

    References:
        Ghiasi, Lin, Le 2018, arXiv:1810.12890, algorithm 1 and equation 1.
    """
    return _drop_blocks(input, p, block_size, training, generator, 2)


@overridable
def drop_block3d(
    input: Tensor,
    p: Rate = 0.1,
    block_size: int = 7,
    training: bool = True,
    *,
    generator: torch.Generator | None = None,
) -> Tensor:
    """Zero cubes of `block_size` positions of volumes.

    As `drop_block2d`, in three dimensions.

    Args:
        input: floating-point or complex tensor.
        p: about the share of elements to be zeroed, in [0, 1]. Default: 0.1.
        block_size: positions of a block in each dimension, at least 1. Default: 7.
        training: False returns the input. Default: True.
        generator: where the key is drawn; torch's default CPU generator where None.

    Shape:
        (N, C, D, H, W) or (C, D, H, W), to the same shape.

    Raises:
        ArgumentError, ArgumentTypeError: p is not a probability, block_size not a positive integer.
        ShapeError: the input is not 4-D or 5-D.
        DtypeError: the input holds integers.

    Examples:
        >>> drop_block3d(torch.ones(2, 3, 8, 8, 8), block_size=3).shape
        torch.Size([2, 3, 8, 8, 8])

    References:
        Ghiasi, Lin, Le 2018, arXiv:1810.12890.
    """
    return _drop_blocks(input, p, block_size, training, generator, 3)


def check_block_size(block_size: object) -> int:
    """Return the positions of a block in a dimension, or raise."""
    expected = f"block_size has to be a positive integer, but got {block_size!r}"
    if isinstance(block_size, bool) or not hasattr(block_size, "__index__"):
        raise ArgumentTypeError(
            f"{expected} (of type {type(block_size).__name__}). A block has as many positions in "
            "each dimension"
        )
    number = int(block_size.__index__())
    if number < 1:
        raise ArgumentError(f"{expected}. block_size=1 drops single elements; the paper has 7")
    return number


def block_rate(p: Rate, sizes: tuple[int, ...], blocks: tuple[int, ...]) -> Rate:
    """Return gamma, the probability that a block begins where it fits; 1 where p is 1."""
    places = math.prod(_places(sizes, blocks))
    factor = math.prod(sizes) / math.prod(blocks) / places
    if isinstance(p, Tensor):
        return torch.where(p >= 1.0, 1.0, p * factor)
    return 1.0 if p == 1.0 else p * factor


def _places(sizes: tuple[int, ...], blocks: tuple[int, ...]) -> tuple[int, ...]:
    """Return at how many positions of each dimension a block fits."""
    return tuple([size - block + 1 for size, block in zip(sizes, blocks, strict=True)])


def _drop_blocks(
    input: Tensor,
    p: Rate,
    block_size: int,
    training: bool,
    generator: torch.Generator | None,
    num_dims: int,
) -> Tensor:
    rate, block = check_rate(p), check_block_size(block_size)
    if input.dim() - num_dims not in {1, 2}:
        raise ShapeError(
            f"drop_block{num_dims}d expects {num_dims + 2}-D or, without a batch, {num_dims + 1}-D "
            f"input, but got shape {tuple(input.shape)}. It drops blocks of the last {num_dims} "
            "dimensions, after (N, C) or (C,)"
        )
    if not training or never_drops(p):
        return input
    if not (input.is_floating_point() or input.is_complex()):
        raise dtype_error(input)
    if input.numel() == 0:
        return input.clone()
    keep = _keep_blocks(input, rate, block, num_dims, generator)
    count = keep.sum(dtype=accumulator(input.device)).clamp(min=1.0)
    wide = input.float() if input.dtype in HALF_PRECISION else input
    scale = (keep.numel() / count).to(wide.dtype)
    # In the layout of the input, which the output takes from it.
    is_kept = torch.zeros_like(input, dtype=torch.bool).logical_or(keep > 0)
    return torch.where(is_kept, wide * scale, 0.0).to(input.dtype)


def _keep_blocks(
    input: Tensor, p: Rate, block_size: int, num_dims: int, generator: torch.Generator | None
) -> Tensor:
    """Return a mask of the input's shape: 0 where a block lies, 1 elsewhere."""
    sizes = tuple(input.shape[-num_dims:])
    blocks = tuple(min(block_size, size) for size in sizes)
    shape = (*input.shape[:-num_dims], *_places(sizes, blocks))
    ones = torch.ones(shape, device=input.device)
    gamma, key = block_rate(p, sizes, blocks), draw(generator, input)
    keep = masked_affine(ones, gamma, key, shape, _KEEPS_ONES, first_index(shape))
    margins = [block - 1 for block in reversed(blocks) for _ in range(2)]
    keep = torch.nn.functional.pad(keep, margins, value=1.0)
    for dim, block in zip(range(-num_dims, 0), blocks, strict=True):
        keep = keep.unfold(dim, block, 1).amin(-1)
    return keep
