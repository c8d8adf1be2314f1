"""Masks that a sample's number decides: the same bits whichever strategy computes the sample.

The k-th dropout call of a forward pass has one key for all samples. Its mask covers all of them:
sample s has the elements from s times the size of one sample's mask on. So a loop computes the mask
piece by piece, and a pass over many samples at once all of it in one call of a kernel.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from wolfsbane.errors import UnsupportedError
from wolfsbane.functional.masking import saturating, zeroing
from wolfsbane.kernels.dropout import masked_affine
from wolfsbane.kernels.reference import Coefficients
from wolfsbane.mask.bits import philox4x32
from wolfsbane.mask.rate import Rate, check_rate, never_drops
from wolfsbane.uncertainty.draw import Draw, mapped_draw, mapped_numbers

if TYPE_CHECKING:
    from wolfsbane.uncertainty.meter import Meter

_LOW32 = 0xFFFFFFFF
_LOW64 = 0xFFFFFFFFFFFFFFFF

MASKS, OTHER_DRAWS, NUMBERS = 0, 1, 2
"""A word of a counter: what a derived number is for."""


Make = Callable[[tuple[int, ...], torch.Generator], Tensor]
"""Returns random numbers of a shape, by a generator."""


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
        return self.is_consistent or self._is_replicated

    def seed_for_other_draws(self) -> int:
        """Return a seed for what draws without masks, from torch's own generators."""
        return self._first_seed + self._window.first & _LOW64

    def zero(self, input: Tensor, p: Rate, mask_shape: tuple[int, ...] | None = None) -> Tensor:
        """Zero what the mask drops, and scale up the rest."""
        return self._drop(input, p, mask_shape, zeroing)

    def saturate(self, input: Tensor, p: Rate, mask_shape: tuple[int, ...] | None = None) -> Tensor:
        """Set what the mask drops to SELU's saturation value."""
        return self._drop(input, p, mask_shape, saturating)

    def zero_weights(self, weight: Tensor, p: Rate) -> Tensor:
        """Zero elements of weights, which all rows of a sample share."""
        if self._is_replicated:
            raise UnsupportedError(
                "strategy='replicate' has the rows of many samples in one pass, and a dropped "
                "weight would be the same for all of them; strategy='prefix' and strategy='loop' "
                "give each sample its own"
            )
        return self._drop(weight, p, None, zeroing, is_weight=True)

    def numbers(self, input: Tensor, shape: tuple[int, ...], make: Make) -> Tensor:
        """Return random numbers that are no mask, one set a sample, to be broadcast over the input.

        Args:
            input: what they are for.
            shape: of the numbers for all of it, with ones where elements share one.
            make: takes the shape for one sample and a generator, returns its numbers.
        """
        if self.meter is not None:
            self.meter.note_drop(input)
        key, window = self._next_key(), self._window
        count = window.count if self._is_replicated else 1
        one = self._mask_of_one(input, shape, count)

        def of_each(count: int) -> Tensor:
            samples = range(window.first, window.first + count)
            return torch.stack([make(one, _generator(key, sample)) for sample in samples])

        if window.index is not None:
            return mapped_numbers(window.index, of_each)
        every = of_each(count)
        if count == 1:
            return every[0]
        rows = input.size(0) // count
        return every.expand(count, rows, *every.shape[2:]).flatten(0, 1)

    @property
    def _is_replicated(self) -> bool:
        return self._window.index is None and self._window.count > 1

    def _drop(
        self,
        input: Tensor,
        p: Rate,
        mask_shape: tuple[int, ...] | None,
        coefficients_of: Any,
        is_weight: bool = False,
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
        is_weight = is_weight or isinstance(input, torch.nn.Parameter)
        return self._masked(input, rate, shape, coefficients_of(input, rate), is_weight)

    def _masked(
        self,
        input: Tensor,
        p: float,
        mask_shape: tuple[int, ...],
        coefficients: Coefficients,
        is_weight: bool,
    ) -> Tensor:
        window, key = self._window, self._next_key()
        count = window.count if self._is_replicated else 1
        one = mask_shape
        if count > 1 or not is_weight:
            one = self._mask_of_one(input, mask_shape, count)
        draw = Draw(p, key, one, coefficients, window.first)  # type: ignore[arg-type]
        if window.index is not None:
            return mapped_draw(input, window.index, draw)
        decisions = count * math.prod(one)
        if not draw.selects(tuple(input.shape), input.numel(), decisions):
            return masked_affine(input, p, key, mask_shape, coefficients, draw.start)
        if count == 1:
            return draw.apply(input.unsqueeze(0), 1).squeeze(0)
        rows = input.size(0) // count
        return draw.apply(input.unflatten(0, (count, rows)), count).flatten(0, 1)

    def _next_key(self) -> int:
        """Return the key of this draw: the next of the pass."""
        call = self.num_drawn
        self.num_drawn += 1
        key = self._keys.get(call)
        if key is None:
            batch = 0 if self.is_consistent else self._batch
            key = self._keys[call] = derived(self._key, call, batch, MASKS)
        return key

    def _mask_of_one(
        self, input: Tensor, mask_shape: tuple[int, ...], count: int
    ) -> tuple[int, ...]:
        """Return the shape of one sample's mask, where that of a pass over `count` is given."""
        if not mask_shape or not (self.is_consistent or count > 1):
            return mask_shape
        self._check_rows(input, mask_shape, count)
        is_shared = self.is_consistent or mask_shape[0] == 1
        return (1 if is_shared else mask_shape[0] // count, *mask_shape[1:])

    def _check_rows(self, input: Tensor, mask_shape: tuple[int, ...], count: int) -> None:
        if input.size(0) == self._rows * count and not isinstance(input, torch.nn.Parameter):
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


def _generator(key: int, sample: int) -> torch.Generator:
    """Return a generator whose first key is that of a sample."""
    return torch.Generator().manual_seed(derived(key, sample, 0, NUMBERS))
