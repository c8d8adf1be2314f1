"""One architecture: a verb is planned, applied, looked at, undone; and is all as it was?"""

import copy
import dataclasses
import random
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from models import build
from torch import Tensor

TOLERANCE = 1e-4
"""Largest difference of outputs, as a share of the largest output, that is called equal: float32
in another order through up to hundreds of layers."""


TOLERANCE_OF_DOUBLE = 1e-10
"""As `TOLERANCE`, for float64: asked where float32 differs by more, which an untrained network may
make of a rounding error."""


@dataclasses.dataclass
class Row:
    """What came out for one architecture."""

    library: str
    name: str
    error: str = ""
    parameters: int = 0
    dropouts: int = 0
    batch_norms: int = 0
    rates: int = 0
    steps: dict[str, str] = dataclasses.field(default_factory=dict)
    changes: dict[str, int] = dataclasses.field(default_factory=dict)
    seconds: dict[str, float] = dataclasses.field(default_factory=dict)


def tensors(output: Any) -> list[Tensor]:
    """Return all floating-point tensors of an output, in order."""
    if isinstance(output, Tensor):
        return [output.detach()] if output.is_floating_point() else []
    if isinstance(output, dict) or hasattr(output, "items"):
        return [t for value in dict(output.items()).values() for t in tensors(value)]
    if isinstance(output, (list, tuple)):
        return [t for value in output for t in tensors(value)]
    return []


class Trial:
    """One architecture: a model, its inputs, and what its outputs were at first."""

    def __init__(self, row: Row, *, is_double: bool = False) -> None:
        torch.manual_seed(0)
        self.row = row
        self.is_double = is_double
        self.tolerance = TOLERANCE_OF_DOUBLE if is_double else TOLERANCE
        self.model, self.args, self.kwargs = build(row.library, row.name)
        if is_double:
            self.model.double()
            self.args = tuple(map(_doubled, self.args))
            self.kwargs = {name: _doubled(value) for name, value in self.kwargs.items()}
        _randomise_statistics(self.model)
        self.model.eval()
        self.first = self.outputs()
        self.modules = list(self.model.named_modules(remove_duplicate=False))
        self.original = copy.deepcopy(self.model)
        self.state = {name: value.clone() for name, value in self.model.state_dict().items()}

    def call(self, model: torch.nn.Module) -> Any:
        """Run the model on its inputs."""
        return model(*self.args, **self.kwargs)

    def outputs(self, model: torch.nn.Module | None = None) -> list[Tensor]:
        """Return the outputs in the mode the model is in, always with the same random numbers."""
        torch.manual_seed(1)
        random.seed(1)
        np.random.seed(1)  # noqa: NPY002  # transformers masks features with it
        with torch.no_grad():
            return tensors(self.call(self.model if model is None else model))

    def compare(self, truth: list[Tensor], found: list[Tensor]) -> str:
        """Return "equal", "exact", or by how much outputs differ."""
        if len(truth) != len(found):
            return f"{len(found)} outputs instead of {len(truth)}"
        worst = 0.0
        for a, b in zip(truth, found, strict=True):
            if a.shape != b.shape:
                return f"shape {tuple(b.shape)} instead of {tuple(a.shape)}"
            both_nan = a.isnan() & b.isnan()
            difference = (a - b).masked_fill(both_nan | (a == b), 0.0).abs()
            size = a.nan_to_num(0.0, 0.0, 0.0).abs().max().clamp_min(1e-12) if a.numel() else 1.0
            worst = max(worst, float(difference.max() / size) if a.numel() else 0.0)
        if worst == 0.0:
            return "exact"
        return "equal" if worst <= self.tolerance else f"differs by {worst:.1e}"

    def is_restored(self) -> bool:
        """Whether the very modules, and all their values, are back."""
        now = list(self.model.named_modules(remove_duplicate=False))
        same = len(now) == len(self.modules) and all(
            a[0] == b[0] and a[1] is b[1] for a, b in zip(now, self.modules, strict=True)
        )
        state = self.model.state_dict()
        return (
            same
            and list(state) == list(self.state)
            and all(torch.equal(state[k], v) for k, v in self.state.items())
        )

    def step(
        self, verb: str, plan: Callable[[], Any], truth: Callable[[Any], str] | None = None
    ) -> None:
        """Plan, apply, look, undo, and look whether all is as it was."""
        row = self.row
        try:
            started = time.perf_counter()
            made = plan()
            undo = made.apply()
            row.seconds[verb] = round(time.perf_counter() - started, 3)
            row.changes[verb] = len(made)
            found = self.compare(self.first, self.outputs()) if truth is None else truth(undo)
            undo()
            restored = self.is_restored() and self.compare(self.first, self.outputs()) == "exact"
            row.steps[verb] = found if restored else f"{found}, not restored"
        except Exception as error:  # noqa: BLE001  # every architecture is heard, then the next
            row.steps[verb] = f"{type(error).__name__}: {str(error)[:200]}"
            # A fresh model for the next verb.
            self.__init__(row, is_double=self.is_double)  # type: ignore[misc]


def _doubled(value: Any) -> Any:
    return value.double() if isinstance(value, Tensor) and value.is_floating_point() else value


def _randomise_statistics(model: torch.nn.Module) -> None:
    """Give batch norms statistics that matter: those of a new model change next to nothing."""
    for module in model.modules():
        if not isinstance(module, torch.nn.modules.batchnorm._BatchNorm):  # noqa: SLF001
            continue
        if module.running_mean is not None and module.running_var is not None:
            module.running_mean.normal_(0.0, 0.1)
            module.running_var.uniform_(0.8, 1.2)
        if module.weight is not None:
            torch.nn.init.uniform_(module.weight, 0.8, 1.2)
        if module.bias is not None:
            torch.nn.init.normal_(module.bias, 0.0, 0.1)
