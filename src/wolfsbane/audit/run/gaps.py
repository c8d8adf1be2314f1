"""When both modes are compared in a run, and on which batch."""

import weakref
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor
from torch.nn import SyncBatchNorm

from wolfsbane.audit.run.batch import Batch, loss_call
from wolfsbane.audit.run.functions import Tracks, tensors_in
from wolfsbane.audit.run.mode_gap import is_due, measure
from wolfsbane.audit.run.observer import ModeGap
from wolfsbane.audit.run.registry import Tracked


@dataclass(eq=False)
class _Material:
    """What is kept of a model's training for the next comparison."""

    batch: Batch
    outputs: list[weakref.ref[Tensor]] = field(default_factory=list)
    with_loss: Batch | None = None
    modes: dict[int, bool] = field(default_factory=dict)
    measured: int = 0


class Gaps:
    """Compares the modes of the models of a run, now and then.

    Args:
        tell: called with each gap.
        tracks: which operation made which tensor.
        notes: where failures are noted.
    """

    def __init__(self, tell: Callable[[ModeGap], None], tracks: Tracks, notes: list[str]) -> None:
        self._tell, self._tracks, self._notes = tell, tracks, notes
        self._material: dict[Tracked, _Material] = {}
        self._failed: set[Tracked] = set()

    def model_is_called(
        self, tracked: Tracked, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> None:
        """Note a training batch."""
        batch = Batch.of(args, kwargs)
        material = self._material.setdefault(tracked, _Material(batch))
        material.batch = batch
        material.outputs = []

    def model_returns(self, tracked: Tracked, output: object) -> None:
        """Note a model's output, without keeping it alive."""
        if tracked in self._material:
            found = [weakref.ref(tensor) for tensor in tensors_in(output)]
            self._material[tracked].outputs = found

    def loss_is_called(
        self,
        tracked: Tracked,
        function: Callable[..., Any],
        args: tuple[Any, ...],
        kwargs: Mapping[str, Any],
    ) -> None:
        """Note a loss, if it takes the model's output."""
        material = self._material.get(tracked)
        if material is None or material.batch.loss is not None:
            return
        outputs = [each for held in material.outputs if (each := held()) is not None]
        if len(outputs) != len(material.outputs):
            return
        material.batch.loss = loss_call(function, args, kwargs, outputs, self._tracks)
        if material.batch.loss is not None:
            material.with_loss = material.batch

    def step_is_done(self, tracked: Tracked) -> None:
        """Compare, if it is time to."""
        material = self._material.get(tracked)
        if material is None:
            return
        layers = tracked.watched.layers
        material.modes = {id(layer.module): layer.module.training for layer in layers}
        if is_due(tracked.step):
            self._measure(tracked, material)

    def run_is_done(self) -> None:
        """Compare a last time."""
        for tracked, material in self._material.items():
            if tracked.trains and tracked.step > material.measured:
                self._measure(tracked, material)
        self._material.clear()

    def _measure(self, tracked: Tracked, material: _Material) -> None:
        if tracked in self._failed:
            return
        material.measured = tracked.step
        layers = tracked.watched.layers
        modes = [material.modes.get(id(each.module), each.module.training) for each in layers]
        try:
            _check_is_alone(tracked)
            batch = material.with_loss or material.batch
            gap = measure(tracked.watched, modes, batch, tracked.step)
        except Exception as error:  # noqa: BLE001  # any error of the user's model, met a second time
            self._failed.add(tracked)
            name = type(tracked.watched.model).__name__
            self._notes.append(
                f"training and evaluation of {name} were not compared: "
                f"{type(error).__name__}: {error}"
            )
            return
        if gap is not None:
            self._tell(gap)


def _check_is_alone(tracked: Tracked) -> None:
    is_shared = torch.distributed.is_available() and torch.distributed.is_initialized()
    layers = tracked.watched.layers
    if is_shared and any(isinstance(layer.module, SyncBatchNorm) for layer in layers):
        raise RuntimeError("SyncBatchNorm would wait for the other processes")
