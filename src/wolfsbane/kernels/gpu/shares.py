"""How programs share the blocks of a channel, and how what they found is merged."""

from typing import Any, NamedTuple

import triton
from torch import Tensor

from wolfsbane.kernels.gpu.launch import launch
from wolfsbane.kernels.gpu.rows import splits_for

MOST_PROGRAMS = 512
"""Of a channel, so that their partials are merged in registers."""

MERGED = 2048
"""Partials that one program merges: of four channels, where each has 512."""

CHANNELS_AT_ONCE = 128
"""The most channels of a program that merges, or only computes the numbers of channels."""


class Shares(NamedTuple):
    """How programs share the blocks of a channel, or of a block of channels."""

    splits: int
    per_split: int
    num_blocks: int
    num_units: int

    @property
    def is_alone(self) -> bool:
        """Tell whether one program does all the blocks."""
        return self.splits == 1


def shares_of(num_blocks: int, num_units: int) -> Shares:
    """Share `num_blocks` blocks of each of `num_units` channels, or blocks of channels."""
    splits, per_split = splits_for(num_blocks, num_units, MOST_PROGRAMS)
    return Shares(splits, per_split, num_blocks, num_units)


def merge(
    kernel: Any,
    channels: int,
    like: Tensor,
    shares: Shares,
    arguments: tuple[Any, ...],
    constants: dict[str, Any],
) -> None:
    """Start a kernel of `batch_norm_merge`."""
    padded = triton.next_power_of_2(shares.splits)
    at_once = min(CHANNELS_AT_ONCE, MERGED // padded)
    launch(
        kernel,
        -(channels // -at_once),
        like,
        *arguments,
        SPLITS=padded,
        CHANNELS=at_once,
        **constants,
    )
