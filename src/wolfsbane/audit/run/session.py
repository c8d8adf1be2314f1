"""One run: what happens in it, told to observers as events."""

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch.nn import Module
from torch.optim import Optimizer

from wolfsbane.audit.finding import Place
from wolfsbane.audit.layer import Layer
from wolfsbane.audit.model.layers import kind_of_module
from wolfsbane.audit.operation import Operation
from wolfsbane.audit.run.compilation import is_compiling_used
from wolfsbane.audit.run.dispatch import Dispatch
from wolfsbane.audit.run.functions import (
    FunctionWindow,
    Recorded,
    Recorder,
    Tracks,
    are_modes_ours,
    tensors_in,
)
from wolfsbane.audit.run.observer import Forward, LayerCall, ModeSet, OperationCall, Step
from wolfsbane.audit.run.place import current_place
from wolfsbane.audit.run.registry import ModeLog, Registry, Tracked, layer_reached, looked_through
from wolfsbane.audit.run.sampling import Sampling

MOST_FORWARDS = 4
"""Forward passes of one step that are all sampled; of more, those numbered by powers of two."""
FAST_ATTENTION = (
    torch.nn.MultiheadAttention,
    torch.nn.TransformerEncoder,
    torch.nn.TransformerEncoderLayer,
)
"""Modules that compute another way in evaluation while a function mode is active."""


@dataclass(eq=False)
class Call:
    """A module that is being called."""

    tracked: Tracked
    module: Module
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    layer: Layer | None
    within: Layer | None
    grad: bool
    place: Place
    is_root: bool = False
    is_sampled: bool = True
    closes_window: bool = False


class Session:
    """The listener of one run.

    Args:
        dispatch: the rules' observers.
        registry: the models.
        sampling: which steps are looked at closely.
        optimizer: whose steps count; None: those of any that trains a watched model.
    """

    def __init__(
        self,
        dispatch: Dispatch,
        registry: Registry,
        sampling: Sampling,
        optimizer: Optimizer | None = None,
    ) -> None:
        self.dispatch, self.registry, self.sampling = dispatch, registry, sampling
        self.optimizer = optimizer
        self.tracks = Tracks()
        self.broken: Exception | None = None
        self._thread = threading.get_ident()
        self._modes = ModeLog()
        self._calls: list[Call] = []
        self._is_busy = False
        self._latest: Tracked | None = None
        self._latest_grad = True
        self._window = FunctionWindow(
            lambda: Recorder(self._on_function, self._innermost_layer, self.tracks)
        )
        self._hears_calls = any(map(dispatch.is_heard, ("on_layer", "on_operation", "on_failure")))

    # Calls of modules

    def call_begins(
        self, module: Module, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Call | None:
        if self._is_busy or threading.get_ident() != self._thread:
            return None
        if not self._calls:
            return self._root_begins(module, args, kwargs)
        root = self._calls[0]
        if not root.is_sampled:
            return None
        return self._layer_begins(root.tracked, module, args, kwargs, root.grad)

    def call_ends(self, call: Call, output: Any) -> None:
        self._leave(call)
        if not call.is_sampled:
            return
        if not self.tracks.knows(output):
            self._note_unseen(call, output)
        event = LayerCall(
            call.tracked.watched, call.layer, call.module,
            call.layer.kind if call.layer else kind_of_module(call.module),
            call.args, call.kwargs, output, call.tracked.step, call.grad, call.place, call.within,
        )  # fmt: skip
        self._tell("on_layer", event)

    def call_fails(self, call: Call) -> None:
        self._leave(call)

    def _leave(self, call: Call) -> None:
        if call in self._calls:
            del self._calls[self._calls.index(call) :]
        if call.closes_window:
            self._window.close()

    def _root_begins(
        self, module: Module, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Call | None:
        root, grad = looked_through(module), torch.is_grad_enabled()
        tracked = self.registry.of_root(root)
        if tracked is None and grad:
            tracked = self.registry.candidate(root)
            if tracked is not None and tracked.trains:
                self._replay_modes(tracked)
        if tracked is None:
            return self._stranger_begins(module, args, kwargs)
        if not tracked.trains:
            if not (grad and root.training):
                tracked.has_pending_forward |= grad
                self._latest = tracked
                return None
            self._confirm(tracked)
        return self._forward_begins(tracked, root, args, kwargs, grad)

    def _forward_begins(
        self,
        tracked: Tracked,
        root: Module,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        grad: bool,
    ) -> Call:
        is_sampled = self._is_sampled(tracked, grad)
        self._latest, self._latest_grad = tracked, grad
        if self._counts(tracked, root, grad):
            self._tell("on_forward", Forward(tracked.watched, tracked.step, grad, is_sampled))
        call = Call(
            tracked, root, args, kwargs, tracked.layer_of(root), None, grad, Place(),
            is_root=True, is_sampled=is_sampled,
        )  # fmt: skip
        if is_sampled:
            tracked.refresh()
            call.layer, call.place = tracked.layer_of(root), current_place()
            call.closes_window = self._open_window(tracked, grad)
            given = tensors_in((args, kwargs))
            unknown = [each for each in given if self.tracks.maker_of(each) is None]
            self.tracks.made(Operation("input", "input"), unknown)
        elif grad:
            self._window.close()
        self._calls.append(call)
        return call

    def _counts(self, tracked: Tracked, root: Module, grad: bool) -> bool:
        """Count a call; parts of a model that are called one by one are one forward pass."""
        if not grad:
            tracked.num_evaluations += 1
            return True
        tracked.called[id(root)] = times = tracked.called.get(id(root), 0) + 1
        if times <= tracked.num_forwards:
            return False
        tracked.num_forwards = times
        return True

    def _is_sampled(self, tracked: Tracked, grad: bool) -> bool:
        if not self._hears_calls:
            return False
        if not grad:
            return self.sampling.is_sampled(tracked.num_evaluations)
        number = tracked.num_forwards
        is_early = number < MOST_FORWARDS or number & (number - 1) == 0
        return is_early and self.sampling.is_sampled(tracked.step)

    def _layer_begins(
        self,
        tracked: Tracked,
        module: Module,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        grad: bool,
    ) -> Call:
        layer = tracked.layer_of(looked_through(module))
        call = Call(
            tracked, module, args, kwargs, layer, self._innermost_layer(), grad, current_place()
        )
        self._calls.append(call)
        return call

    def _stranger_begins(
        self, module: Module, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Call | None:
        """Begin the call of a module outside of all models, such as a loss, in a sampled step."""
        if not self._window.is_open or self._latest is None or kind_of_module(module) is None:
            return None
        return self._layer_begins(self._latest, module, args, kwargs, torch.is_grad_enabled())

    def _innermost_layer(self) -> Layer | None:
        known = (call.layer for call in reversed(self._calls) if call.layer is not None)
        return next(known, None)

    def _note_unseen(self, call: Call, output: Any) -> None:
        """Note what a module returned that computes by other ways than torch's functions."""
        kind = call.layer.kind if call.layer else kind_of_module(call.module)
        inputs = self.tracks.makers_of(tensors_in((call.args, call.kwargs)))
        name = f"{type(call.module).__module__}.{type(call.module).__qualname__}"
        first = next(tensors_in(output), None)
        shape = None if first is None else tuple(first.shape)
        operation = Operation(kind or name, name, inputs, {}, call.layer, call.place, shape)
        unseen = [each for each in tensors_in(output) if self.tracks.maker_of(each) is None]
        self.tracks.made(operation, unseen)

    # Functions

    def _open_window(self, tracked: Tracked, grad: bool) -> bool:
        """Record functions from here on; return whether to stop when this call ends."""
        if self._window.is_open or not self.dispatch.is_heard("on_operation"):
            return False
        if is_compiling_used() or not (grad or is_evaluation_safe(tracked)):
            return False
        self._window.close()
        is_alone = are_modes_ours()
        self.tracks.clear()
        self._window.open()
        return not grad or not is_alone

    def _on_function(self, recorded: Recorded) -> None:
        watched = None if self._latest is None else self._latest.watched
        step = 0 if self._latest is None else self._latest.step
        grad = torch.is_grad_enabled()
        event = OperationCall(
            watched, recorded.operation, recorded.tensors, recorded.output, step, grad
        )
        self._tell("on_operation", event)

    # Modes, backward passes, steps

    def mode_is_set(self, module: Module, training: bool) -> None:
        if self._is_busy:
            return
        place = current_place()
        if self.registry.is_open:
            self._modes.add(module, (training, place))
        for tracked in self.registry:
            layer = layer_reached(tracked, module) if tracked.trains else None
            if layer is not None:
                event = ModeSet(tracked.watched, layer, training, tracked.step, place)
                self._tell("on_mode", event)

    def _replay_modes(self, tracked: Tracked) -> None:
        for layer, (training, place) in self._modes.of(tracked):
            self._tell("on_mode", ModeSet(tracked.watched, layer, training, 0, place))

    def _confirm(self, tracked: Tracked) -> None:
        """Take a model for one that trains, and tell what has happened to it so far."""
        tracked.trains = True
        self._replay_modes(tracked)
        if tracked.has_pending_forward:
            tracked.has_pending_forward = False
            tracked.num_forwards = 1
            self._tell("on_forward", Forward(tracked.watched, 0, grad=True, is_sampled=False))

    def backward_begins(self) -> None:
        if self._is_busy or threading.get_ident() != self._thread:
            return
        for tracked in self.registry:
            if not tracked.trains and tracked.has_pending_forward and tracked is self._latest:
                self._confirm(tracked)
            if tracked.num_forwards:
                tracked.num_backwards += 1

    def step_begins(self, optimizer: Optimizer) -> None:
        if threading.get_ident() == self._thread:
            self._was_sampled = self._window.is_open
            self._window.close()

    def step_ends(self, optimizer: Optimizer) -> None:
        if threading.get_ident() != self._thread:
            return
        self._window.close()
        if self.optimizer is not None and optimizer is not self.optimizer:
            return
        trained = [
            tracked
            for tracked in self.registry
            if tracked.trains and tracked.num_forwards and tracked.is_trained_by(optimizer)
        ]
        if not trained:
            return
        self._tell("on_step", self._step(optimizer, trained))
        for tracked in trained:
            tracked.step += 1
            tracked.num_forwards = tracked.num_backwards = 0
            tracked.called.clear()

    def _step(self, optimizer: Optimizer, trained: Sequence[Tracked]) -> Step:
        step = max(tracked.step for tracked in trained)
        return Step(
            [tracked.watched for tracked in trained],
            optimizer,
            step,
            max(tracked.num_forwards for tracked in trained),
            max(tracked.num_backwards for tracked in trained),
            self._hears_calls and self.sampling.is_sampled(step),
        )

    # The end

    def breaks(self, error: Exception) -> None:
        self.broken = error
        self.close()

    def close(self) -> None:
        """Stop recording."""
        self._window.close()

    def _tell(self, event: str, what: object) -> None:
        self._is_busy = True
        try:
            self.dispatch.tell(event, what)
        finally:
            self._is_busy = False


def is_evaluation_safe(tracked: Tracked) -> bool:
    """Whether a function mode leaves an evaluation's results as they are, to the last bit."""
    return not any(isinstance(layer.module, FAST_ATTENTION) for layer in tracked.watched.layers)
