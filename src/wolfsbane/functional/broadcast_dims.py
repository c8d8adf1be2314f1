"""Dimensions over which a mask is shared: Keras' noise_shape, Flax's broadcast_dims."""

import operator
from collections.abc import Sequence

from torch import Tensor

from wolfsbane.errors import ArgumentError, ArgumentTypeError


def check_broadcast_dims(dims: Sequence[int]) -> tuple[int, ...]:
    """Return dimensions as a tuple of integers, or raise.

    Raises:
        ArgumentTypeError: they are not a sequence of integers.
    """
    is_sequence = isinstance(dims, Sequence) and not isinstance(dims, str)
    if not is_sequence or any(
        isinstance(dim, bool) or not hasattr(dim, "__index__") for dim in dims
    ):
        advice = f"Write broadcast_dims=({dims},)" if isinstance(dims, int) else "As in (0, -1)"
        raise ArgumentTypeError(
            "broadcast_dims has to be a sequence of dimensions, over which the mask is shared, but "
            f"got {dims!r}. {advice}"
        )
    return tuple(operator.index(dim) for dim in dims)


def positive_dims(dims: Sequence[int], num_dims: int) -> tuple[int, ...]:
    """Return the dimensions of a tensor counted from the front, each at most once.

    Raises:
        ArgumentTypeError: they are not a sequence of integers.
        ArgumentError: the tensor has no such dimensions, or one is given twice.
    """
    checked = check_broadcast_dims(dims)
    for dim in checked:
        if not -num_dims <= dim < num_dims:
            raise ArgumentError(
                f"broadcast_dims has to hold dimensions of the input, but got {dim} for an input "
                f"with {num_dims} dimensions: from {-num_dims} to {num_dims - 1}"
            )
    positive = tuple(dim % num_dims for dim in checked)
    if len(set(positive)) < len(positive):
        raise ArgumentError(
            f"broadcast_dims has to hold each dimension once, but got {tuple(dims)} for an input "
            f"with {num_dims} dimensions"
        )
    return positive


def shared_mask(input: Tensor, dims: tuple[int, ...]) -> tuple[int, ...]:
    """Return the shape of a mask that is shared over these dimensions."""
    return tuple(1 if dim in dims else size for dim, size in enumerate(input.shape))
