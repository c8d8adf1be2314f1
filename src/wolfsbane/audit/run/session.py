"""One run: what happens in it, told to observers as events."""

import functools
import threading
from collections.abc import Sequence
from typing import Any

import torch
from torch.nn import Module
from torch.optim import Optimizer

from wolfsbane.audit.finding import Place
from wolfsbane.audit.lines import place_of_caller
from wolfsbane.audit.model.layers import kind_of_module
from wolfsbane.audit.run.batch import is_loss
from wolfsbane.audit.run.close_look import Call, CloseLook
from wolfsbane.audit.run.compilation import is_compiling_used
from wolfsbane.audit.run.dispatch import Dispatch
from wolfsbane.audit.run.functions import Recorded, is_transforming
from wolfsbane.audit.run.gaps import Gaps
from wolfsbane.audit.run.observer import Forward, LayerCall, ModeSet, OperationCall, Step
from wolfsbane.audit.run.registry import ModeLog, Registry, Tracked, layer_reached, looked_through
from wolfsbane.audit.run.sampling import Sampling

MOST_FORWARDS = 4
"""Forward passes of one step that are all sampled; of more, those numbered by powers of two."""


class Session:
    """The listener of one run.

    Args:
        dispatch: the rules' observers.
        registry: the models.
        sampling: which steps are looked at closely.
        optimizer: whose steps count; None: those of any that trains a watched model.
        loss: a module that is a loss, whatever its class.
    """

    def __init__(
        self,
        dispatch: Dispatch,
        registry: Registry,
        sampling: Sampling,
        optimizer: Optimizer | None = None,
        loss: object = None,
    ) -> None:
        self.dispatch, self.registry, self.sampling = dispatch, registry, sampling
        self.optimizer, self.loss = optimizer, loss
        self.look = CloseLook(self)
        self._gaps = Gaps(
            functools.partial(self._tell, "on_mode_gap"), self.look.tracks, dispatch.notes
        )
        self._thread = threading.get_ident()
        self._modes = ModeLog()
        self._is_busy = False
        self.ignores_calls = False
        self._kinds: dict[type, str | None] = {}
        self._latest: Tracked | None = None

    # Calls of modules

    def call_begins(
        self, module: Module, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Call | None:
        """Note that a module is called."""
        if self._is_busy or threading.get_ident() != self._thread or is_transforming():
            return None
        if not self.look.calls:
            return self._root_begins(module, args, kwargs)
        root = self.look.calls[0]
        if not root.is_sampled:
            return None
        return self.look.layer_begins(root.tracked, module, args, kwargs, root.grad)

    def call_ends(self, call: Call, output: Any) -> None:
        """Note that a call returned."""
        self._leave(call)
        if call.is_root and call.grad:
            self._gaps.model_returns(call.tracked, output)
        if call.is_sampled:
            self.look.tell(call, output)

    def call_fails(self, call: Call) -> None:
        """Note that a call raised."""
        self._leave(call)

    def _leave(self, call: Call) -> None:
        if call.is_root:
            self.ignores_calls = False
        self.look.leave(call)

    def layer_was_called(self, call: LayerCall) -> None:
        """Tell what was seen closely."""
        self._tell("on_layer", call)

    def function_was_called(self, recorded: Recorded) -> None:
        """Tell what was seen closely."""
        latest, grad = self._latest, torch.is_grad_enabled()
        if latest is not None and grad and is_loss(recorded.operation.kind):
            self._gaps.loss_is_called(latest, recorded.function, recorded.args, recorded.kwargs)
        event = OperationCall(
            None if latest is None else latest.watched,
            recorded.operation,
            recorded.tensors,
            recorded.output,
            0 if latest is None else latest.step,
            grad,
        )
        self._tell("on_operation", event)

    # Forward passes

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
        call = Call(
            tracked, root, args, kwargs, tracked.layer_of(root), None, grad, Place(), is_root=True
        )
        self._forward_begins(call)
        return call

    def _forward_begins(self, call: Call) -> None:
        tracked, self._latest = call.tracked, call.tracked
        call.is_sampled = self._is_sampled(tracked, call.grad)
        if tracked.counts(call.module, call.grad):
            event = Forward(
                tracked.watched, tracked.step, call.grad, call.is_sampled, call.args, call.kwargs
            )
            self._tell("on_forward", event)
        if call.grad and call.module is tracked.watched.model and self._hears("on_mode_gap"):
            self._gaps.model_is_called(tracked, call.args, call.kwargs)
        if call.is_sampled:
            self.look.model_begins(call, self._hears("on_operation", "on_mode_gap"))
        elif call.grad:
            self.look.window.close()
        # What other threads call meanwhile is not looked at either way.
        self.ignores_calls = not call.is_sampled
        self.look.calls.append(call)

    def _is_sampled(self, tracked: Tracked, grad: bool) -> bool:
        if not self._hears("on_layer", "on_operation", "on_mode_gap", "on_failure"):
            return False
        if not grad:
            return self.sampling.is_sampled(tracked.num_evaluations)
        number = tracked.num_forwards
        is_early = number < MOST_FORWARDS or number & (number - 1) == 0
        return is_early and self.sampling.is_sampled(tracked.step)

    def _stranger_begins(
        self, module: Module, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Call | None:
        """Begin the call of a module outside of all models, such as a loss."""
        kind = self._kind_of(module)
        is_a_loss = module is self.loss or is_loss(kind)
        if self._latest is None or (kind is None and not is_a_loss):
            return None
        grad = torch.is_grad_enabled()
        if grad and is_a_loss:
            self._gaps.loss_is_called(self._latest, module, args, kwargs)
        if not self.look.window.is_open:
            return None
        return self.look.layer_begins(self._latest, module, args, kwargs, grad)

    def _kind_of(self, module: Module) -> str | None:
        cls = type(module)
        if cls not in self._kinds:
            self._kinds[cls] = kind_of_module(module)
        return self._kinds[cls]

    # Modes, backward passes, steps

    def mode_is_set(self, module: Module, training: bool) -> None:
        """Note that train() or eval() was called."""
        if self._is_busy:
            return
        place = place_of_caller()
        if self.registry.is_open:
            self._modes.add(module, training, place)
        for tracked in self.registry:
            layer = layer_reached(tracked, module) if tracked.trains else None
            if layer is not None:
                event = ModeSet(tracked.watched, layer, training, tracked.step, place)
                self._tell("on_mode", event)

    def _replay_modes(self, tracked: Tracked) -> None:
        for layer, training, place in self._modes.of(tracked):
            self._tell("on_mode", ModeSet(tracked.watched, layer, training, 0, place))

    def _confirm(self, tracked: Tracked) -> None:
        """Take a model for one that trains, and tell what has happened to it so far."""
        tracked.trains = True
        self._replay_modes(tracked)
        if tracked.has_pending_forward:
            tracked.has_pending_forward = False
            tracked.num_forwards = 1
            tracked.called[id(tracked.watched.model)] = 1
            self._tell("on_forward", Forward(tracked.watched, 0, grad=True, is_sampled=False))

    def backward_begins(self) -> None:
        """Note that backward is called."""
        if self._is_busy or threading.get_ident() != self._thread:
            return
        if is_compiling_used():  # A compiled backward pass is made here, of functions as well.
            self.look.window.close()
        for tracked in self.registry:
            if not tracked.trains and tracked.has_pending_forward and tracked is self._latest:
                self._confirm(tracked)
            if tracked.num_forwards:
                tracked.num_backwards += 1

    def step_begins(self, optimizer: Optimizer) -> None:  # noqa: ARG002  # the protocol's
        """Note that an optimizer begins its step: its arithmetic is not the model's."""
        if threading.get_ident() == self._thread:
            self.look.window.close()

    def step_ends(self, optimizer: Optimizer) -> None:
        """Note that an optimizer has finished its step."""
        if threading.get_ident() != self._thread:
            return
        self.look.window.close()
        if self.optimizer is not None and optimizer is not self.optimizer:
            return
        trained = [
            tracked
            for tracked in self.registry
            if tracked.trains and tracked.num_forwards and tracked.is_trained_by(optimizer)
        ]
        if trained:
            self._tell("on_step", self._step(optimizer, trained))
        for tracked in trained:
            tracked.steps()
            self._gap_is_due(tracked)

    def _step(self, optimizer: Optimizer, trained: Sequence[Tracked]) -> Step:
        step = max(tracked.step for tracked in trained)
        return Step(
            [tracked.watched for tracked in trained],
            optimizer,
            step,
            max(tracked.num_forwards for tracked in trained),
            max(tracked.num_backwards for tracked in trained),
            self._hears("on_layer", "on_operation") and self.sampling.is_sampled(step),
        )

    def _gap_is_due(self, tracked: Tracked) -> None:
        self._is_busy = True
        try:
            self._gaps.step_is_done(tracked)
        finally:
            self._is_busy = False

    # The end

    def breaks(self, error: Exception) -> None:
        """Note that listening failed."""
        what = f"{type(error).__name__}: {error}"
        self.dispatch.notes.append(f"watching ended before the run did, by {what}")
        self.look.window.close()

    def misses(self, error: Exception) -> None:
        """Note that functions of a step are not told of."""
        note = f"some operations were not looked at, by {type(error).__name__}: {error}"
        if note not in self.dispatch.notes:
            self.dispatch.notes.append(note)

    def ends(self, *, is_complete: bool) -> None:
        """Stop recording, and compare the modes a last time where the run came to its end."""
        self.look.window.close()
        self._is_busy = True
        if is_complete:
            self._gaps.run_is_done()

    def _hears(self, *events: str) -> bool:
        return any(map(self.dispatch.is_heard, events))

    def _tell(self, event: str, what: object) -> None:
        was_busy, self._is_busy = self._is_busy, True
        try:
            self.dispatch.tell(event, what)
        finally:
            self._is_busy = was_busy
