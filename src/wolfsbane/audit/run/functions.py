"""What torch functions are called with, while a step is sampled."""

import weakref
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

from wolfsbane.audit.layer import Layer
from wolfsbane.audit.lines import place_of_caller
from wolfsbane.audit.operation import Operation
from wolfsbane.audit.run.compilation import leave_off, pause_when_compiled
from wolfsbane.audit.torch_functions import arguments_of, kind_of, name_of

REMEMBERED = 500
"""Operations that are kept to explain a failure: those of some large forward passes."""
ACCESSORS = ("__get__", "__set__", "__delete__")
RETURNING_NOTHING = ("__setitem__",)
"""Functions that compute, and return None."""


@dataclass(frozen=True, eq=False)
class Recorded:
    """A call of a torch function that has been seen."""

    operation: Operation
    function: Callable[..., Any]
    args: tuple[Any, ...]
    kwargs: Mapping[str, Any]
    tensors: tuple[Tensor, ...]
    output: Any


class Tracks:
    """From which operation each living tensor comes. Tensors are not kept alive."""

    def __init__(self) -> None:
        self._made: dict[int, tuple[weakref.ref[Tensor], Operation]] = {}
        self.history: deque[Operation] = deque(maxlen=REMEMBERED)

    def clear(self) -> None:
        """Forget: a new step begins."""
        self._made.clear()

    def maker_of(self, tensor: Tensor) -> Operation | None:
        """Return the operation that made a tensor, as far as it was seen."""
        made = self._made.get(id(tensor))
        return made[1] if made is not None and made[0]() is tensor else None

    def knows(self, values: object) -> bool:
        """Whether all tensors in some values were made by operations that were seen."""
        return all(self.maker_of(tensor) is not None for tensor in tensors_in(values))

    def made(self, operation: Operation, values: object) -> None:
        """Note that an operation returned these tensors."""
        for tensor in tensors_in(values):
            self._made[id(tensor)] = (weakref.ref(tensor), operation)

    def makers_of(self, tensors: Iterable[Tensor]) -> tuple[Operation, ...]:
        """Return the operations that made some tensors, as far as they were seen."""
        found = map(self.maker_of, tensors)
        return tuple(operation for operation in found if operation is not None)


class Recorder(TorchFunctionMode):
    """A function mode that tells what it sees, and changes nothing.

    Args:
        tell: called with each call that computes.
        layer: returns the innermost layer that is being called.
        tracks: from which operation a tensor comes.
        breaks: called with the error where telling failed; nothing more is told then.
    """

    def __init__(
        self,
        tell: Callable[[Recorded], None],
        layer: Callable[[], Layer | None],
        tracks: Tracks,
        breaks: Callable[[Exception], None],
    ) -> None:
        super().__init__()
        self.tell = tell
        self.layer = layer
        self.tracks = tracks
        self.breaks = breaks
        self.is_listening = True

    def __torch_function__(
        self,
        function: Callable[..., Any],
        types: Iterable[type],
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        kwargs = kwargs or {}
        output = function(*args, **kwargs)
        if self.is_listening and _computes(function, output) and not is_transforming():
            try:
                self._record(function, args, kwargs, output)
            except Exception as error:  # noqa: BLE001  # the user's run must not end by a mistake of ours
                self.is_listening = False
                self.breaks(error)
        return output

    def _record(
        self,
        function: Callable[..., Any],
        args: tuple[Any, ...],
        kwargs: Mapping[str, Any],
        output: Any,
    ) -> None:
        tensors = tuple(tensors_in((*args, *kwargs.values())))
        first = next(tensors_in(output), None)
        name, layer = name_of(function), self.layer()
        arguments = arguments_of(function, args, kwargs)
        operation = Operation(
            kind=kind_of(name, arguments, layer),
            name=name,
            inputs=self.tracks.makers_of(tensors),
            arguments=arguments,
            layer=layer,
            place=place_of_caller(),
            shape=None if first is None else tuple(first.shape),
        )
        self.tracks.made(operation, output if first is not None else tensors[:1])
        self.tracks.history.append(operation)
        self.tell(Recorded(operation, function, args, kwargs, tensors, output))


def _computes(function: Callable[..., Any], output: object) -> bool:
    name = getattr(function, "__name__", "")
    if name in ACCESSORS:
        return False
    return name in RETURNING_NOTHING or next(tensors_in(output), None) is not None


def tensors_in(values: object) -> Iterator[Tensor]:
    """Yield the tensors of nested tuples, lists and dicts, in order."""
    if isinstance(values, Tensor):
        yield values
    elif isinstance(values, tuple | list):
        for value in values:
            yield from tensors_in(value)
    elif isinstance(values, Mapping):
        for value in values.values():
            yield from tensors_in(value)


class FunctionWindow:
    """The time in which torch's functions are recorded: opened and closed at any depth of calls."""

    def __init__(self, make: Callable[[], Recorder]) -> None:
        self._make = make
        self._recorder: Recorder | None = None
        self._above: list[TorchFunctionMode] | None = None
        self._closed: list[Recorder] = []

    @property
    def is_open(self) -> bool:
        """Whether functions are being recorded."""
        return self._recorder is not None

    def open(self) -> None:
        """Begin to record."""
        self._recorder = self._make()
        self._recorder.__enter__()
        pause_when_compiled(self)

    def close(self) -> None:
        """Stop recording. A mode that others lie upon stays, and does nothing, until it can go."""
        if self._recorder is not None:
            leave_off(self)
            self.go_on()
            self._recorder.is_listening = False
            self._closed.append(self._recorder)
            self._recorder = None
        while (mode := _innermost_mode()) in self._closed:
            self._closed.remove(mode)
            mode.__exit__(None, None, None)

    def pause(self) -> bool:
        """Take the recorder off, from below the modes that lie upon it; return if it was on."""
        stack = _modes()
        if self._recorder not in stack:
            return False
        self._above = [_pop() for _ in stack[stack.index(self._recorder) :]][-2::-1]
        _push(self._above)
        return True

    def go_on(self) -> None:
        """Put the recorder on again, below the same modes."""
        if self._above is not None and self._recorder is not None:
            above, self._above = self._above, None
            stack = _modes()
            if above == stack[len(stack) - len(above) :]:
                for _ in above:
                    _pop()
                _push([self._recorder, *above])


def _modes() -> list[TorchFunctionMode]:
    stack: list[TorchFunctionMode] = torch.overrides._get_current_function_mode_stack()  # noqa: SLF001  # no public way
    return stack


def _pop() -> TorchFunctionMode:
    mode: TorchFunctionMode = torch.overrides._pop_mode()  # noqa: SLF001  # no public way
    return mode


def _push(modes: Iterable[TorchFunctionMode]) -> None:
    for mode in modes:
        torch.overrides._push_mode(mode)  # noqa: SLF001  # no public way


def is_transforming() -> bool:
    """Whether torch.func is at work, as vmap and grad: its tensors have no numbers to look at."""
    return bool(torch._C._functorch.get_dynamic_layer_stack_depth())  # noqa: SLF001  # no public way


def _innermost_mode() -> Any:
    return torch.overrides._get_current_function_mode()  # noqa: SLF001  # no public way


def are_modes_ours() -> bool:
    """Whether nobody else's function mode is active, but a default device.

    One that is entered for a while would take ours off the stack when it is left.
    """
    return all(isinstance(mode, Recorder | torch.utils._device.DeviceContext) for mode in _modes())  # noqa: SLF001
