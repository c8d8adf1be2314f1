"""The same batch in both modes, in a copy of the model: how far apart, and because of whom."""

import copy
import io
import random
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, redirect_stderr, redirect_stdout
from typing import Any

import torch
from torch import Tensor
from torch.nn import Module

from wolfsbane.audit.layer import Layer
from wolfsbane.audit.run.batch import Batch, own_loss
from wolfsbane.audit.run.functions import tensors_in
from wolfsbane.audit.run.observer import ModeGap, Watched
from wolfsbane.audit.vocabulary import BATCH_NORMS, DROPOUTS

FIRST_STEP = 20
"""The first step with a comparison; the next are at twice the step of the one before."""
MOST_CANDIDATES = 8
"""Layers that are tried one by one: each costs a forward pass."""
WORTH_EXPLAINING = 1.25
"""Ratio of the losses from which the layers are tried."""
EXPLAINED_FROM = 80
"""The first step after which the layers are tried: of a short run it would be too large a part."""
FAR_APART = 0.5
"""Distance of the outputs from which the layers are tried, where no loss is known."""
SHARED = frozenset({"trainer", "_trainer", "_fabric"})
"""Attributes of a module that lead out of the model, to all that trains it."""


def is_due(step: int) -> bool:
    """Whether the modes are compared after a step: 20, 40, 80, 160 and so on."""
    ratio, rest = divmod(step, FIRST_STEP)
    return ratio > 0 and rest == 0 and ratio & (ratio - 1) == 0


def measure(watched: Watched, modes: Sequence[bool], batch: Batch, step: int) -> ModeGap | None:
    """Put a batch through a copy of a model in training and in evaluation.

    Neither the model nor any random number of the run is touched.

    Args:
        watched: the model.
        modes: of its layers, in training.
        batch: the batch.
        step: how many steps have been trained.

    Returns:
        The gap; None where the model computes the same in both modes, since no layer trains.
    """
    if not any(modes):
        return None
    with untouched(batch.autocast):
        trial = _Trial(watched, modes, batch)
        return trial.gap(step)


class _Trial:
    """A copy of a model, and what it returns in each mode."""

    def __init__(self, watched: Watched, modes: Sequence[bool], batch: Batch) -> None:
        self._watched, self._batch = watched, batch
        self._training = [layer for layer, mode in zip(watched.layers, modes, strict=True) if mode]
        self._buffers = _running_statistics(self._training)
        self._twins = _copy(watched)
        self._copy = self._twins[id(watched.model)]

    def gap(self, step: int) -> ModeGap:
        seen: dict[int, Tensor] = {}
        train = self._run(self._training, seen)
        evaluated = self._run([])
        train_loss, eval_loss = self._loss(train), self._loss(evaluated)
        distance = _distance(train, evaluated)
        is_tried = step >= EXPLAINED_FROM and _is_wide(train_loss, eval_loss, distance)
        responsible = self._responsible(train, seen) if is_tried else ()
        return ModeGap(self._watched, step, train_loss, eval_loss, distance, responsible)

    def _run(self, in_training: Sequence[Layer], seen: dict[int, Tensor] | None = None) -> Any:
        """Run the copy with some layers in training; its running statistics are as they were."""
        trains = {id(self._twins[id(layer.module)]) for layer in in_training}
        for module in self._twins.values():
            module.training = id(module) in trains
        for original, values in self._buffers.items():
            for name, value in values.items():
                self._twins[original]._buffers[name] = value.clone()  # noqa: SLF001
        hooks = [] if seen is None else list(self._note_mismatches(seen))
        try:
            return self._copy(*copy.deepcopy(self._batch.args), **copy.deepcopy(self._batch.kwargs))
        finally:
            for hook in hooks:
                hook.remove()

    def _note_mismatches(self, seen: dict[int, Tensor]) -> Iterator[Any]:
        for layer in self._training:
            if layer.kind in BATCH_NORMS and id(layer.module) in self._buffers:
                statistics = self._buffers[id(layer.module)]
                twin = self._twins[id(layer.module)]
                yield twin.register_forward_pre_hook(_mismatch_hook(layer, statistics, seen))

    def _loss(self, output: Any) -> float | None:
        if self._batch.loss is None:
            return own_loss(output)
        return self._batch.loss.of(output)

    def _responsible(
        self, train: Any, mismatches: Mapping[int, Tensor]
    ) -> Sequence[tuple[Layer, float]]:
        """Return what remains of the gap when one layer alone stays in training."""
        norms = [layer for layer in self._training if id(layer.module) in mismatches]
        norms.sort(key=lambda layer: -float(mismatches[id(layer.module)]))
        others = [layer for layer in self._training if layer.kind in DROPOUTS]
        found = []
        for layer in [*norms, *others][:MOST_CANDIDATES]:
            output = self._run([layer])
            loss = self._loss(output)
            found.append((layer, _distance(train, output) if loss is None else loss))
        return sorted(found, key=lambda pair: pair[1])


def _copy(watched: Watched) -> dict[int, Module]:
    """Copy a model but its parameters; return the copies of its modules, by the originals' ids."""
    modules = [layer.module for layer in watched.layers]
    memo: dict[int, Any] = {id(each): each for each in watched.model.parameters()}
    gradients = (each.grad for each in watched.model.parameters() if each.grad is not None)
    memo |= {id(gradient): gradient for gradient in gradients}
    for module in modules:
        shared = [vars(module)[name] for name in SHARED & vars(module).keys()]
        memo |= {id(each): each for each in shared}
    copy.deepcopy(watched.model, memo)
    twins = {id(module): memo[id(module)] for module in modules}
    for twin in twins.values():
        _take_off_hooks(twin)
    return twins


def _take_off_hooks(module: Module) -> None:
    """Take the user's hooks off a copy; torch's own, such as spectral norm's, compute weights."""
    module._forward_hooks.clear()  # noqa: SLF001
    before = module._forward_pre_hooks  # noqa: SLF001
    for key, hook in tuple(before.items()):
        if not type(hook).__module__.startswith("torch."):
            del before[key]


def _running_statistics(layers: Sequence[Layer]) -> dict[int, dict[str, Tensor]]:
    """Return copies of the buffers of what changes them in training, by the module's id."""
    return {
        id(layer.module): {
            name: value.clone()
            for name, value in layer.module._buffers.items()  # noqa: SLF001
            if value is not None
        }
        for layer in layers
        if getattr(layer.module, "running_mean", None) is not None
    }


def _mismatch_hook(layer: Layer, running: Mapping[str, Tensor], seen: dict[int, Tensor]) -> Any:
    """Return a hook that notes how far a batch's statistics are from the running ones.

    In standard deviations for the mean, in powers of e for the variance, on average over channels.
    """

    def note(module: Module, args: tuple[Any, ...]) -> None:
        values = args[0].detach().double()
        dims = [dim for dim in range(values.dim()) if dim != 1]
        mean, variance = values.mean(dims), values.var(dims, unbiased=False)
        eps = getattr(module, "eps", 1e-5)
        spread = (running["running_var"].double() + eps).sqrt()
        shift = (mean - running["running_mean"].double()).abs() / spread
        stretch = ((variance + eps) / spread.square()).log().abs()
        seen[id(layer.module)] = (shift + stretch).mean()

    return note


def _distance(train: Any, evaluated: Any) -> float:
    pairs = [
        (a, b)
        for a, b in zip(tensors_in(train), tensors_in(evaluated), strict=False)
        if a.is_floating_point() and a.shape == b.shape
    ]
    apart = sum(float((b.double() - a.double()).square().sum()) for a, b in pairs)
    length = sum(float(a.double().square().sum()) for a, _ in pairs)
    return (apart / length) ** 0.5 if length else 0.0


def _is_wide(train_loss: float | None, eval_loss: float | None, distance: float) -> bool:
    if train_loss is None or eval_loss is None:
        return distance > FAR_APART
    return eval_loss > WORTH_EXPLAINING * train_loss


@contextmanager
def untouched(autocast: Mapping[str, torch.dtype]) -> Iterator[None]:
    """Compute without gradients, output or a change to any random number of the run's."""
    numpy = sys.modules.get("numpy")
    python_state, numpy_state = random.getstate(), numpy.random.get_state() if numpy else None
    devices = list(range(torch.cuda.device_count())) if torch.cuda.is_initialized() else []
    with ExitStack() as stack:
        stack.enter_context(torch.random.fork_rng(devices=devices))
        stack.enter_context(torch.no_grad())
        stack.enter_context(redirect_stdout(io.StringIO()))
        stack.enter_context(redirect_stderr(io.StringIO()))
        for kind, dtype in autocast.items():
            stack.enter_context(torch.autocast(kind, dtype, cache_enabled=False))
        try:
            yield
        finally:
            random.setstate(python_state)
            if numpy is not None:
                numpy.random.set_state(numpy_state)
