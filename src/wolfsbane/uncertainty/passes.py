"""A forward pass for some samples, with the masks that are theirs."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from wolfsbane.errors import ModelError
from wolfsbane.uncertainty.batches import Batch, mapped, tensors
from wolfsbane.uncertainty.masks import Masks, Window
from wolfsbane.uncertainty.meter import Meter, now
from wolfsbane.uncertainty.other_draws import OtherDraws


@dataclass
class Passes:
    """Forward passes of one batch.

    Args:
        forward: takes a batch, returns the model's output.
        batch: what the model is called with.
        rows: its size.
        device: where the model computes.
        masks: of the prediction.
        other_draws: what the model draws without masks.
    """

    forward: Callable[[Batch], Tensor]
    batch: Batch
    rows: int
    device: torch.device
    masks: Masks
    other_draws: OtherDraws
    is_guarded: bool = True
    """Give the model a copy of the batch: until a pass has left it as it was."""

    def run(self, window: Window, batch: Batch = None) -> Tensor:
        """Return the output for a window of samples.

        Raises:
            ModelError: it is not one floating-point tensor.
        """
        self.masks.start_pass(window)
        self.other_draws.seed(self.masks.seed_for_other_draws())
        output = self._call(self.batch if batch is None else batch)
        if not isinstance(output, Tensor) or not output.is_floating_point():
            what = output.dtype if isinstance(output, Tensor) else type(output).__name__
            raise ModelError(
                f"the model's output has to be one floating-point tensor, but is {what}. Choose "
                "what to look at: mc_dropout(model, x, forward=lambda model, x: model(x)[0]); "
                "forward takes the model and a batch as it is given"
            )
        return output

    def _call(self, batch: Batch) -> Tensor:
        if not self.is_guarded:
            return self.forward(batch)
        copy = mapped(torch.clone, batch)
        output = self.forward(copy)
        # In inference mode a tensor does not count what is written into it.
        self.is_guarded = any(
            tensor.is_inference() or tensor._version  # noqa: SLF001
            for tensor in tensors(copy)
        )
        return output


@dataclass(frozen=True)
class Observation:
    """One pass for one sample, looked at."""

    output: Tensor
    seconds: float
    share: float
    """Of the time, before anything was dropped."""
    largest: int
    """Bytes of the largest tensor from the first drop on."""
    num_drawn: int
    has_other_draws: bool
    reads_numbers: bool


def observe(passes: Passes, sample: int) -> Observation:
    """Compute one sample as a loop does, and look at what happens."""
    masks, meter = passes.masks, Meter()
    masks.meter = meter
    try:
        begin = now(passes.device)
        output = passes.run(Window(sample))
        end = now(passes.device)
    finally:
        masks.meter = None
    dropped_at = end if meter.first_drop_at is None else meter.first_drop_at
    return Observation(
        output,
        seconds=end - begin,
        share=(dropped_at - begin) / max(end - begin, 1e-9),
        largest=max(meter.largest, output.nbytes),
        num_drawn=masks.num_drawn,
        reads_numbers=meter.reads_numbers,
        has_other_draws=passes.other_draws.have_moved,
    )
