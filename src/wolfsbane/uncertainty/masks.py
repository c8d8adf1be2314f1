"""Masks that a sample's number decides: the same bits whichever strategy computes the sample.

The k-th dropout call of a forward pass has one key for all samples. Its mask covers all of them:
sample s has the elements from s times the size of one sample's mask on. So a loop computes the mask
piece by piece, and a pass over many samples at once all of it in one call of a kernel.
"""

import math
import time
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from wolfsbane.errors import UnsupportedError
from wolfsbane.functional.masking import saturating, zeroing
from wolfsbane.kernels.dropout import masked_affine
from wolfsbane.kernels.reference import HALF_PRECISION, Coefficients
from wolfsbane.mask.bits import philox4x32
from wolfsbane.mask.rate import Rate, check_rate, never_drops

_LOW32 = 0xFFFFFFFF
_LOW64 = 0xFFFFFFFFFFFFFFFF

MASKS, OTHER_DRAWS = 0, 1
"""A word of a counter: what a derived number is for."""

FEW_ELEMENTS = 2**17
"""Up to here, three of torch's own functions take less time than that."""


def derived(key: int, call: int, batch: int, purpose: int) -> int:
    """Return 64 bits that follow from a key and a counter: Philox4x32, as for masks."""
    words: Any = philox4x32((call, batch, purpose, 0), (key & _LOW32, key >> 32))  # type: ignore[arg-type]
    return int(words[0] | words[1] << 32)


@dataclass(frozen=True)
class Window:
    """The samples that one forward pass computes."""

    first: int = 0
    count: int = 1
    index: Tensor | None = None
    """Their numbers as torch.func.vmap maps over them; None where they share the batch dimension,
    sample after sample."""


@dataclass(frozen=True)
class Draw:
    """One mask for a window of samples, with all that a kernel needs."""

    p: float
    key: int
    mask_shape: tuple[int, ...]
    """Of one sample."""
    coefficients: tuple[float, float, float]
    first: int
    is_consistent: bool

    def apply(self, input: Tensor, count: int) -> Tensor:
        """Drop elements of (count, *mask's dimensions), of as many samples."""
        shape = (count, *self.mask_shape)
        if self.selects(input.numel(), math.prod(shape)):
            ones = torch.ones(shape, device=input.device)
            kept = masked_affine(ones, self.p, self.key, shape, (1.0, 0.0, 0.0), self.start) != 0
            return self._select(input, kept)
        if len(shape) > 1:  # the kernels know (N, C, *), not one dimension more
            shape = (count * self.mask_shape[0], *self.mask_shape[1:])
            flat = input.flatten(0, 1)
        else:
            flat = input.contiguous()
        output = masked_affine(flat, self.p, self.key, shape, self.coefficients, self.start)
        return output.reshape(input.shape)

    def selects(self, num_elements: int, num_decisions: int) -> bool:
        """Whether the mask is made first: where rows share it, or several of few elements do.

        The kernels for shared masks begin a sample within a tile at a cost of its own.
        """
        return self.is_consistent or num_decisions < num_elements <= FEW_ELEMENTS

    @property
    def start(self) -> int:
        """Index of the first sample's first element."""
        return self.first * math.prod(self.mask_shape)

    def _select(self, input: Tensor, kept: Tensor) -> Tensor:
        scale, shift, fill = self.coefficients
        wide = input.float() if input.dtype in HALF_PRECISION else input
        output = wide * scale + shift if shift else wide * scale
        return torch.where(kept, output, fill).to(input.dtype)


class Meter:
    """What is seen of a forward pass that is timed."""

    def __init__(self) -> None:
        self.first_drop_at: float | None = None
        self.largest = 0
        """Bytes of the largest tensor from the first drop on."""
        self.reads_numbers = False
        """Whether Python has seen any from the first drop on."""

    def note_drop(self, input: Tensor) -> None:
        """Note that a tensor is about to be dropped."""
        if self.first_drop_at is None:
            self.first_drop_at = now(input.device)
        self.note(input)

    def note(self, output: Any, is_read: bool = False) -> None:
        """Note what a function returned, and whether it reads numbers."""
        if self.first_drop_at is None:
            return
        self.reads_numbers |= is_read
        if isinstance(output, Tensor):
            self.largest = max(self.largest, output.nbytes)


class Masks:
    """Where the masks of a prediction come from.

    Args:
        key: from which all keys follow.
        is_consistent: one mask a sample for every row of every batch.
    """

    def __init__(self, key: int, is_consistent: bool) -> None:
        self.is_consistent = is_consistent
        self._key = key
        self._keys: dict[int, int] = {}
        self._first_seed = 0
        self._batch, self._rows, self._window = 0, 0, Window()
        self.num_drawn = 0
        self.meter: Meter | None = None
        """Looks at a pass that is timed."""

    def start_batch(self, number: int, rows: int) -> None:
        """Begin a batch: its number, and its size."""
        self._batch, self._rows = number, rows
        self._keys.clear()
        self._first_seed = derived(self._key, 0, number, OTHER_DRAWS)

    def start_pass(self, window: Window) -> None:
        """Begin a forward pass, which computes these samples."""
        self._window = window
        self.num_drawn = 0

    @property
    def needs_rows(self) -> bool:
        """Whether the first dimension of all that is dropped has to be the batch."""
        return self.is_consistent or (self._window.index is None and self._window.count > 1)

    def seed_for_other_draws(self) -> int:
        """Return a seed for what draws without masks, from torch's own generators."""
        return self._first_seed + self._window.first & _LOW64

    def zero(self, input: Tensor, p: Rate, mask_shape: tuple[int, ...] | None = None) -> Tensor:
        """Zero what the mask drops, and scale up the rest."""
        return self._drop(input, p, mask_shape, zeroing)

    def saturate(self, input: Tensor, p: Rate, mask_shape: tuple[int, ...] | None = None) -> Tensor:
        """Set what the mask drops to SELU's saturation value."""
        return self._drop(input, p, mask_shape, saturating)

    def _drop(
        self, input: Tensor, p: Rate, mask_shape: tuple[int, ...] | None, coefficients_of: Any
    ) -> Tensor:
        rate = check_rate(p)
        if never_drops(rate):
            return input
        if isinstance(rate, Tensor):
            raise UnsupportedError(
                "mc_dropout cannot drop at a rate that torch.func.vmap maps over, or that is "
                "traced: call it on one model at a time"
            )
        if self.meter is not None:
            self.meter.note_drop(input)
        shape = tuple(input.shape) if mask_shape is None else mask_shape
        return self._masked(input, rate, shape, coefficients_of(input, rate))

    def _masked(
        self, input: Tensor, p: float, mask_shape: tuple[int, ...], coefficients: Coefficients
    ) -> Tensor:
        window = self._window
        batch = 0 if self.is_consistent else self._batch
        key = self._key_of(self.num_drawn, batch)
        self.num_drawn += 1
        count = 1 if window.index is not None else window.count
        one = self._mask_of_one(input, mask_shape, count)
        draw = Draw(p, key, one, coefficients, window.first, self.is_consistent)  # type: ignore[arg-type]
        if window.index is not None:
            output: Tensor = _OfEverySample.apply(input, window.index, draw)
            return output
        if not draw.selects(input.numel(), math.prod(mask_shape)):
            return masked_affine(input, p, key, mask_shape, coefficients, draw.start)
        if not mask_shape:
            return draw.apply(input.unsqueeze(0), 1).squeeze(0)
        rows = input.size(0) // count
        return draw.apply(input.unflatten(0, (count, rows)), count).flatten(0, 1)

    def _key_of(self, call: int, batch: int) -> int:
        key = self._keys.get(call)
        if key is None:
            key = self._keys[call] = derived(self._key, call, batch, MASKS)
        return key

    def _mask_of_one(
        self, input: Tensor, mask_shape: tuple[int, ...], count: int
    ) -> tuple[int, ...]:
        """Return the shape of one sample's mask, where that of a pass over `count` is given."""
        if not mask_shape or not (self.is_consistent or count > 1):
            return mask_shape
        if isinstance(input, torch.nn.Parameter) and count == 1:
            return mask_shape  # of weights: every row has them
        self._check_rows(input, mask_shape, count)
        return (1 if self.is_consistent else mask_shape[0] // count, *mask_shape[1:])

    def _check_rows(self, input: Tensor, mask_shape: tuple[int, ...], count: int) -> None:
        if mask_shape[0] == self._rows * count and not isinstance(input, torch.nn.Parameter):
            return
        what = "consistent=True" if self.is_consistent else "strategy='replicate'"
        advice = (
            "consistent=False has no such need"
            if self.is_consistent
            else "strategy='prefix' and strategy='loop' have no such need"
        )
        raise UnsupportedError(
            f"{what} needs the batch as first dimension of whatever is dropped, here "
            f"{self._rows * count}, but a dropout got a mask of shape {mask_shape} for a tensor of "
            f"shape {tuple(input.shape)}. Put the batch first (batch_first=True); {advice}"
        )


def now(device: torch.device) -> float:
    """Return the time in seconds when all that was begun on a device is done."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter()


class _OfEverySample(torch.autograd.Function):
    """Drop under torch.func.vmap over samples, by the kernels that run outside of it."""

    @staticmethod
    def forward(input: Tensor, index: Tensor, draw: Draw) -> Tensor:
        raise AssertionError("the samples' numbers are mapped over")

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
        pass

    @staticmethod
    def vmap(
        info: Any, in_dims: tuple[Any, ...], input: Tensor, index: Tensor, draw: Draw
    ) -> tuple[Tensor, int]:
        if in_dims[1] is None:
            raise UnsupportedError(
                "strategy='prefix' cannot look into a model that uses torch.func.vmap itself: "
                "use strategy='loop'"
            )
        count = info.batch_size
        if in_dims[0] is None:
            every = input.unsqueeze(0).expand(count, *input.shape)
        else:
            every = input.movedim(in_dims[0], 0)
        return draw.apply(every, count), 0
