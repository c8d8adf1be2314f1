"""What is checked and timed: a computation, stock and ours, and the formula of both."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

import torch
from torch import Tensor

from wolfsbane.mask import draw_key, keep_mask, scale
from wolfsbane.mask.normal import normal

Function = Callable[..., Tensor]

SEED = 20261122
"""Of inputs and masks: a check is green or red, never by chance."""


@dataclass(frozen=True)
class Mask:
    """A mask that the computation draws."""

    shape: tuple[int, ...]
    p: float

    def drawn(self, dtype: torch.dtype, device: torch.device) -> Tensor:
        """Draw the next key, and return what its mask multiplies with."""
        return keep_mask(self.shape, self.p, draw_key(), device).to(dtype) * scale(self.p)


@dataclass(frozen=True)
class Noise(Mask):
    """Noise that the computation draws: normal, of mean 1 and the variance that dropout has."""

    def drawn(self, dtype: torch.dtype, device: torch.device) -> Tensor:
        """Draw the next key, and return what its noise multiplies with."""
        deviation = (self.p / (1 - self.p)) ** 0.5
        noise: Tensor = 1 + deviation * normal(self.shape, draw_key(), device)
        return noise.to(dtype)


@dataclass(frozen=True)
class Subject:
    """A computation of tensors, by both sides."""

    operation: str
    """As `wolfsbane.explain` names it."""
    ours: Function
    """Takes `data`."""
    stock: Function
    """Takes `data`."""
    formula: Function
    """Takes data, parameters and masks in one dtype; plain torch operations."""
    data: tuple[Tensor, ...]
    parameters: tuple[Tensor, ...] = ()
    """What both sides hold, and share."""
    masks: tuple[Mask, ...] = ()
    """In the order in which ours draws them."""
    drops_last: bool = True
    """Whether a dropped element of the output is exactly zero."""
    kinks: Function | None = None
    """Takes what `formula` takes; where it is near zero, the derivative may be either side's."""
    around: Callable[[], AbstractContextManager[object]] = nullcontext
    """What has to be entered for `ours`."""
    floor: float = 2**-20
    """Error always allowed, as a share of the largest true value: eight roundings of float32."""
    norm: float = torch.inf
    """Order of the vector norm in which errors are measured."""

    @property
    def leaves(self) -> tuple[Tensor, ...]:
        """Return what gradients are wanted of."""
        return tuple(t for t in (*self.data, *self.parameters) if t.requires_grad)

    def drawn_masks(self, dtype: torch.dtype) -> list[Tensor]:
        """Return the masks that `ours` draws after torch.manual_seed(SEED)."""
        torch.manual_seed(SEED)
        return [mask.drawn(dtype, self.data[0].device) for mask in self.masks]
