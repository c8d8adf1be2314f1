"""A sampled call of a model: its layers, as they are called, and the functions in between."""

from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch.nn import Module

from wolfsbane.audit.finding import Place
from wolfsbane.audit.layer import Layer
from wolfsbane.audit.lines import place_of_caller
from wolfsbane.audit.model.layers import kind_of_module
from wolfsbane.audit.operation import Operation
from wolfsbane.audit.run.compilation import can_pause
from wolfsbane.audit.run.functions import (
    FunctionWindow,
    Recorded,
    Recorder,
    Tracks,
    are_modes_ours,
    tensors_in,
)
from wolfsbane.audit.run.observer import LayerCall
from wolfsbane.audit.run.registry import Tracked, looked_through

FAST_ATTENTION = (
    torch.nn.MultiheadAttention,
    torch.nn.TransformerEncoder,
    torch.nn.TransformerEncoderLayer,
)
"""Modules that compute another way in evaluation while a function mode is active."""


@dataclass(eq=False)
class Call:
    """A module that is being called.

    Args:
        tracked: the model that it is a part of, or that was called last.
        module: what is called.
        args, kwargs: with what.
        layer: which layer of the model it is, if any.
        within: the layer in which it is called.
        grad: whether the model's call records gradients.
        place: the user's line.
        is_root: whether it is a call of the model itself, and not of something in it.
        is_sampled: whether it is looked at closely.
        closes_window: whether functions are recorded up to its end only.
    """

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


class Hearer(Protocol):
    """Who hears of what is seen."""

    def layer_was_called(self, call: LayerCall) -> None:
        """Note that a layer was called."""

    def function_was_called(self, recorded: Recorded) -> None:
        """Note that a function was called."""

    def misses(self, error: Exception) -> None:
        """Note that functions of this step are not told of, because of an error."""


class CloseLook:
    """The calls that are going on, and what is made in them.

    Args:
        hearer: who hears of them.
    """

    def __init__(self, hearer: Hearer) -> None:
        self._hearer = hearer
        self.tracks = Tracks()
        self.calls: list[Call] = []
        self.window = FunctionWindow(
            lambda: Recorder(
                hearer.function_was_called, self.innermost_layer, self.tracks, hearer.misses
            )
        )

    def innermost_layer(self) -> Layer | None:
        """Return the innermost layer that is being called."""
        known = (call.layer for call in reversed(self.calls) if call.layer is not None)
        return next(known, None)

    def layer_begins(
        self,
        tracked: Tracked,
        module: Module,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        grad: bool,
    ) -> Call:
        """Note that a module is called within a model, or next to it."""
        layer = tracked.layer_of(looked_through(module))
        within = self.innermost_layer()
        call = Call(tracked, module, args, kwargs, layer, within, grad, place_of_caller())
        self.calls.append(call)
        return call

    def model_begins(self, call: Call, is_recording: bool) -> None:
        """Note that a model is called, to be looked at closely.

        Args:
            call: the call.
            is_recording: whether anyone wants to hear of functions.
        """
        call.tracked.refresh()
        call.layer, call.place = call.tracked.layer_of(call.module), place_of_caller()
        if is_recording:
            call.closes_window = self._open_window(call.tracked, call.grad)
            if self.window.is_open:
                given = tensors_in((call.args, call.kwargs))
                unknown = [each for each in given if self.tracks.maker_of(each) is None]
                self.tracks.made(Operation("input", "input"), unknown)

    def leave(self, call: Call) -> None:
        """Note that a call is over, with or without a result."""
        if call in self.calls:
            del self.calls[self.calls.index(call) :]
        if call.closes_window:
            self.window.close()

    def tell(self, call: Call, output: Any) -> None:
        """Tell that a module was called."""
        kind = call.layer.kind if call.layer else kind_of_module(call.module)
        if self.window.is_open and not self.tracks.knows(output):
            self._note_unseen(call, kind, output)
        event = LayerCall(
            call.tracked.watched, call.layer, call.module, kind, call.args, call.kwargs, output,
            call.tracked.step, call.grad, call.place, call.within,
        )  # fmt: skip
        self._hearer.layer_was_called(event)

    def _open_window(self, tracked: Tracked, grad: bool) -> bool:
        """Record functions from here on; return whether to stop when this call ends."""
        if self.window.is_open:
            return False
        if not can_pause():
            self._hearer.misses(RuntimeError("torch.compile is in use, and not known to us"))
            return False
        if not grad and not is_evaluation_safe(tracked):
            return False
        self.window.close()
        is_alone = are_modes_ours()
        self.tracks.clear()
        self.window.open()
        return not grad or not is_alone

    def _note_unseen(self, call: Call, kind: str | None, output: Any) -> None:
        """Note what a module returned that computes by other ways than torch's functions."""
        inputs = self.tracks.makers_of(tensors_in((call.args, call.kwargs)))
        name = f"{type(call.module).__module__}.{type(call.module).__qualname__}"
        first = next(tensors_in(output), None)
        shape = None if first is None else tuple(first.shape)
        operation = Operation(kind or name, name, inputs, {}, call.layer, call.place, shape)
        unseen = [each for each in tensors_in(output) if self.tracks.maker_of(each) is None]
        self.tracks.made(operation, unseen)


def is_evaluation_safe(tracked: Tracked) -> bool:
    """Whether a function mode leaves an evaluation's results as they are, to the last bit."""
    return not any(isinstance(layer.module, FAST_ATTENTION) for layer in tracked.watched.layers)
