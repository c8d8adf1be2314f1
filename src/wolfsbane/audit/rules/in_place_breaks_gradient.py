"""WB407."""

import re
from collections.abc import Iterator
from dataclasses import replace

from wolfsbane.audit.finding import Channel, Finding, Place, Severity
from wolfsbane.audit.layer import Layer
from wolfsbane.audit.operation import Operation
from wolfsbane.audit.rule import Rule
from wolfsbane.audit.run.measures.writes import WriteLog, Written, without_backward
from wolfsbane.audit.run.observer import Failure, Observer, OperationCall

MODIFIED = re.compile(
    r"modified by an inplace operation: \[\S+ \[(?P<shape>[\d, ]*)\]\]"
    r"(?:, which is output \d+ of (?P<maker>\w+),)? is at version (?P<version>\d+);"
    r" expected version (?P<expected>\d+)"
)
LEAF = re.compile(r"^a (view of a )?leaf Variable that requires grad .*in-place")
VIEW = re.compile(
    r"is a view and (is being|its base or another view)|A view was created in no_grad"
)

OUT_OF_PLACE = "Compute a new tensor instead: "
OPERATORS = {
    "add": "+",
    "sub": "-",
    "mul": "*",
    "div": "/",
    "floor_divide": "//",
    "remainder": "%",
    "pow": "**",
    "ipow": "**",
}


class InPlaceBreaksGradient(Rule):
    """An in-place operation overwrote a tensor whose old value the backward pass needs.

    ## What it does

    Explains three errors that torch raises: "one of the variables needed for gradient computation
    has been modified by an inplace operation", "a leaf Variable that requires grad is being used in
    an in-place operation", and in-place changes of views that forbid them. It names the layer or
    line that wrote (an activation or dropout with `inplace=True`, `x += y`, `x[i] = y`,
    `optimizer.step()`) and what had made the tensor.

    ## Why is this bad?

    The run ends with the error, and torch names neither the line that wrote nor the layer: only a
    shape, and the operation that made the tensor. Many derivatives are computed from a layer's
    result (sigmoid, tanh, softmax, exp) or from its input (linear, convolution, multiplication);
    what is written over it makes them wrong.

    ## Example

    ```python
    import torch
    from torch import nn

    model = nn.Sequential(nn.Linear(4, 3), nn.Sigmoid(), nn.ReLU(inplace=True), nn.Linear(3, 2))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    nn.functional.cross_entropy(model(torch.randn(8, 4)), torch.randint(2, (8,))).backward()
    optimizer.step()
    ```

    ## Use instead

    ```python
    import torch
    from torch import nn

    model = nn.Sequential(nn.Linear(4, 3), nn.Sigmoid(), nn.ReLU(inplace=False), nn.Linear(3, 2))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    nn.functional.cross_entropy(model(torch.randn(8, 4)), torch.randint(2, (8,))).backward()
    optimizer.step()
    ```

    ## When to ignore it

    Never: the run has ended. In-place operations that torch can differentiate are not reported.

    ## References

    - [In-place operations with autograd](https://docs.pytorch.org/docs/stable/notes/autograd.html#in-place-operations-with-autograd)
    - [MVANet#2](https://github.com/qianyu-dlut/MVANet/issues/2)
    """

    code = "WB407"
    name = "in-place-breaks-gradient"
    severity = Severity.ERROR

    def observer(self) -> Observer:
        return _Watch()


class _Watch(Observer):
    def __init__(self) -> None:
        self.log = WriteLog()
        self.found: list[Finding] = []

    def on_operation(self, call: OperationCall) -> None:
        if call.grad:
            self.log.note(call)

    def on_failure(self, failure: Failure) -> None:
        if not isinstance(failure.error, RuntimeError):
            return
        text = str(failure.error)
        modified = MODIFIED.search(text)
        if modified is not None:
            self.found.append(_explain_modified(self.log, failure, modified))
        elif LEAF.search(text) or VIEW.search(text):
            self.found.append(_explain_refused(failure, text))

    def findings(self) -> Iterator[Finding]:
        return iter(self.found)


def _explain_modified(log: WriteLog, failure: Failure, error: re.Match[str]) -> Finding:
    """Explain that the backward pass met a tensor that is not what it was."""
    shape = tuple(int(size) for size in error["shape"].split(",") if size.strip())
    maker = without_backward(error["maker"] or "")
    version, expected = int(error["version"]), int(error["expected"])
    saved, writes = log.overwritten(shape, maker, version, expected)
    if writes:
        return _explain_write(failure, saved, writes)
    parameters = _parameters_at(failure, shape, version)
    if parameters:
        return _explain_changed_parameter(failure, parameters, version - expected)
    made = f", output of {maker}," if maker else ""
    return InPlaceBreaksGradient.found(
        Channel.RUN,
        failure.place,
        f"a tensor of shape {list(shape)}{made} was overwritten {_times(version - expected)} after"
        " forward had used it, and the backward pass needs the value that was there",
        "Look for operations that end with _, for += and for inplace=True on that tensor",
    )


def _explain_changed_parameter(failure: Failure, parameters: list[str], number: int) -> Finding:
    names = " or ".join(map(repr, parameters[:3]))
    return InPlaceBreaksGradient.found(
        Channel.RUN,
        failure.place,
        f"parameter {names} was changed {_times(number)}, by optimizer.step() or another write,"
        " after forward had used it, and this backward pass needs the value that it had",
        "Call backward for every loss before optimizer.step(), or run forward again after it",
    )


def _explain_write(failure: Failure, saved: Written | None, writes: list[Written]) -> Finding:
    write = writes[0].operation
    made = "" if saved is None else f" what {_name(saved.operation)} had made"
    related = [(failure.place, "the backward pass that failed")]
    if saved is not None:
        related.append((saved.operation.place, "made the tensor"))
    related += [(later.operation.place, "wrote to it again") for later in writes[1:]]
    return InPlaceBreaksGradient.found(
        Channel.RUN,
        _place(write),
        f"{_name(write)} overwrote in place{made or ' a tensor'} (shape {list(writes[0].shape)}),"
        " and the backward pass needs the value that was there",
        _help(write),
        related=tuple(related),
    )


def _explain_refused(failure: Failure, text: str) -> Finding:
    """Explain that torch refused to write: to a leaf, or to a view."""
    layers = [layer for layer, _ in failure.stack if getattr(layer.module, "inplace", False)]
    writer = layers[-1] if layers else None
    is_view = VIEW.search(text) is not None
    what = "one of several views of the same memory" if is_view else _leaf(text)
    by = f"{writer} (inplace=True)" if writer else "this line"
    setting = "" if is_view else "; to set a parameter's values, write under torch.no_grad()"
    return InPlaceBreaksGradient.found(
        Channel.RUN,
        failure.place if writer is None else replace(failure.place, module=writer.path),
        f"{by} writes in place to {what}, which torch does not allow",
        _help_for_layer(writer)
        if writer
        else f"Compute a new tensor (x = x + y), or clone() it first{setting}",
    )


def _leaf(text: str) -> str:
    part = "a part of " if text.startswith("a view") else ""
    return f"{part}a tensor that requires gradients itself: a parameter, or an input"


def _parameters_at(failure: Failure, shape: tuple[int, ...], version: int) -> list[str]:
    """Return the parameters of this shape, perhaps transposed, that have this version."""
    return [
        f"{watched.name}.{name}".lstrip(".")
        for watched in failure.watched
        for name, parameter in watched.model.named_parameters()
        if sorted(parameter.shape) == sorted(shape) and parameter._version == version  # noqa: SLF001
    ]


def _name(operation: Operation) -> str:
    layer = operation.layer
    if layer is not None and layer.kind is not None and layer.kind != "sequential":
        return f"{layer} (inplace=True)" if getattr(layer.module, "inplace", False) else str(layer)
    last = operation.name.rpartition(".")[2]
    where = operation.place.span
    return f"{_called(last)} in line {where.line}" if where else _called(last)


def _called(function: str) -> str:
    if function == "__setitem__":
        return "x[...] = y"
    if function.startswith("__"):
        return f"{_sign_of(function)}="
    return f"{function}(){_operator(function)}"


def _operator(function: str) -> str:
    """Return the operator that calls a function too: torch cannot tell x += y from x.add_(y)."""
    sign = _sign_of(function)
    return f" (or {sign}=)" if sign and function.endswith("_") else ""


def _sign_of(function: str) -> str:
    """Return the operator, `+` for add_."""
    return OPERATORS.get(function.strip("_"), "")


def _place(operation: Operation) -> Place:
    layer = operation.layer
    return operation.place if layer is None else replace(operation.place, module=layer.path)


def _help(operation: Operation) -> str:
    layer = operation.layer
    if layer is not None and getattr(layer.module, "inplace", False):
        return _help_for_layer(layer)
    last = operation.name.rpartition(".")[2]
    if not last.endswith("_"):
        return f"Call {last} with inplace=False"
    ways = " or ".join(_ways_without_writing(last))
    return OUT_OF_PLACE + (ways or "use torch.where or torch.cat, or assign into a clone()")


def _ways_without_writing(function: str) -> Iterator[str]:
    """Yield what to write for `x += y` and for `x.add_(y)`; torch has nothing for `x.zero_()`."""
    from torch import Tensor

    sign, plain = _sign_of(function), function.removesuffix("_")
    if sign:
        yield f"x = x {sign} y for x {sign}= y"
    if not function.startswith("__") and hasattr(Tensor, plain):
        yield f"x = x.{plain}(...) for x.{function}(...)"


def _help_for_layer(layer: Layer) -> str:
    return f"Make {layer.path!r} with inplace=False"


def _times(number: int) -> str:
    return "once" if number == 1 else f"{number} times"
