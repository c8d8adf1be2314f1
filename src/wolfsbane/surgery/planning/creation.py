"""New modules made as those of the model they join: on its device, and able to be trained."""

import contextlib
from collections.abc import Iterator

import torch
from torch.nn import Module, Parameter


@contextlib.contextmanager
def at_home(device: torch.device | None) -> Iterator[None]:
    """Make modules on a device, whatever the surrounding code has set for its own.

    A tensor made in inference mode can never be trained: a plan that is made there makes its
    modules outside of it. Where the device is None, that set around stays.
    """
    around = contextlib.nullcontext() if device is None else device
    with torch.inference_mode(mode=False), around:
        yield


def anchor(layer: Module) -> Parameter | None:
    """Return the parameter in whose optimizer group a layer's new neighbours belong: its weight.

    A weight that is computed (weight norm, spectral norm) is none; then it is what it comes from.
    """
    weight = layer._parameters.get("weight")  # noqa: SLF001
    return next(layer.parameters(), None) if weight is None else weight


def without_optimizers(num_new: int) -> tuple[str, ...]:
    """Return the note for new parameters that no optimizer has been handed in for."""
    if not num_new:
        return ()
    what = "1 parameter is new" if num_new == 1 else f"{num_new} parameters are new"
    return (f"{what}: pass optimizers=[...], or build the optimizer after apply()",)
