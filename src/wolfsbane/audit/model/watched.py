"""The operations of a model, seen by a function mode while a copy of it runs."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from torch import Tensor
from torch.nn import Module
from torch.overrides import TorchFunctionMode

from wolfsbane.anatomy.example import Inputs
from wolfsbane.anatomy.places import members
from wolfsbane.audit.layer import Layer
from wolfsbane.audit.lines import place_of_caller
from wolfsbane.audit.model.tensors import shape_of, tensors_in
from wolfsbane.audit.operation import Operation, Tape
from wolfsbane.audit.torch_functions import arguments_of, kind_of, name_of


def watched(twin: Module, inputs: Inputs, layers: Mapping[str, Layer]) -> Tape:
    """Return the operations of a copy of a model, which is run once, in evaluation.

    Args:
        twin: the copy, with parameters of its own: what runs may write into them.
        inputs: what it is called with.
        layers: the model's layers by all their paths.
    """
    recorder = Recorder()
    for tensor in tensors_in((inputs.args, dict(inputs.kwargs))):
        recorder.add(Operation("input", "input", shape=tuple(tensor.shape)), tensor)
    for member in members(twin):
        _tell(member.module, layers[member.path], recorder)
    with recorder:
        output = twin(*inputs.args, **inputs.kwargs)
    return Tape(
        recorder.operations,
        recorder.producers(output),
        training=False,
        source="a function mode",
    )


def _tell(module: Module, layer: Layer, recorder: "Recorder") -> None:
    """Let a module of a copy tell a recorder when it begins and ends."""
    module.register_forward_pre_hook(lambda *_: recorder.enter(layer))
    module.register_forward_hook(lambda *_: recorder.leave(), always_call=True)


class Recorder(TorchFunctionMode):
    """Records torch's functions as they are called, the outermost of those that call each other."""

    def __init__(self) -> None:
        super().__init__()
        self.operations: list[Operation] = []
        self._made: dict[int, tuple[Tensor, Operation]] = {}  # The tensor keeps its id from reuse.
        self._inside: list[Layer] = []

    def enter(self, layer: Layer) -> None:
        """Note that a layer is being called."""
        self._inside.append(layer)

    def leave(self) -> None:
        """Note that it has returned."""
        self._inside.pop()

    def add(self, operation: Operation, result: Any) -> None:
        """Record an operation, and what it made."""
        self.operations.append(operation)
        for tensor in tensors_in(result):
            self._made[id(tensor)] = (tensor, operation)

    def producers(self, value: Any) -> tuple[Operation, ...]:
        """Return the operations that made the tensors in a value, each once."""
        known = [self._made.get(id(tensor)) for tensor in tensors_in(value)]
        return tuple(dict.fromkeys(found[1] for found in known if found is not None))

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Sequence[type],
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        named = dict(kwargs or {})
        inputs = self.producers((args, named))
        made = _made_by(func, args, named, func(*args, **named))
        if shape_of(made) is not None:
            self.add(self._operation(func, args, named, inputs, made), made)
        return made

    def _operation(
        self,
        func: Callable[..., Any],
        args: Sequence[Any],
        kwargs: Mapping[str, Any],
        inputs: tuple[Operation, ...],
        made: Any,
    ) -> Operation:
        layer = self._inside[-1] if self._inside else None
        name = name_of(func)
        arguments = arguments_of(func, args, kwargs)
        return Operation(
            kind=kind_of(name, arguments, layer),
            name=name,
            inputs=inputs,
            arguments=arguments,
            layer=layer,
            place=place_of_caller(None if layer is None else layer.path),
            shape=shape_of(made),
        )


def _made_by(
    func: Callable[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any], result: Any
) -> Any:
    """Return what a function made: what `x[0] = 1` wrote into, another tensor than it was given.

    Dropout in evaluation, and `to` where nothing is to be done, return their input itself. Whoever
    takes that later would seem to take the result of this function, so it gives a view of it.
    """
    name = getattr(func, "__name__", "")
    if name == "__setitem__":
        return args[0]
    writes = name.endswith("_") or kwargs.get("out") is not None or kwargs.get("inplace")
    if isinstance(result, Tensor) and not writes and any(result is value for value in args):
        return result.view_as(result)
    return result
