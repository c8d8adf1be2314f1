"""WB113."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from wolfsbane.audit.finding import Channel, Finding, Place, Severity
from wolfsbane.audit.layer import Layer
from wolfsbane.audit.model.subject import line_of, place_of, subject_of
from wolfsbane.audit.model.view import ModelView
from wolfsbane.audit.operation import Operation
from wolfsbane.audit.rule import Example, Rule
from wolfsbane.audit.run.observer import LayerCall, Observer, OperationCall
from wolfsbane.audit.vocabulary import CHANNEL_DROPOUTS

SPATIAL_DIMS: Mapping[str, int] = {kind: n for n, kind in enumerate(CHANNEL_DROPOUTS, 1)}

UNBATCHED = frozenset({"dropout1d", "dropout3d"})
"""Kinds that take an input without a batch: (C, L), (C, D, H, W)."""


class ChannelDropoutOn3dInput(Rule):
    """Channel dropout on an input with too few dimensions: `Dropout2d` on a sequence.

    ## What it does

    Finds `nn.Dropout2d` with a 3-dimensional input, `nn.Dropout1d` with a 2-dimensional one and
    `nn.Dropout3d` with a 4-dimensional one, in the forward pass of a model or in a run. The last
    two are silent in a model whose convolutions run without a batch as well.

    ## Why is this bad?

    What is dropped is not what was meant. `Dropout2d` takes (N, L, C), a sequence of features, for
    (N, C, L), and drops time steps; it takes one picture (C, H, W) for a batch, and drops its rows.
    `Dropout1d` takes a batch (N, C) for one sample (C, L), and drops whole samples; `Dropout3d`
    does the same to a batch (N, C, H, W). Of the first PyTorch warns, and says that it will change;
    of the other two it says nothing.

    ## Example

    ```python model
    import torch
    from torch import nn

    model = nn.Sequential(nn.Embedding(100, 16), nn.Dropout2d(0.2), nn.Linear(16, 4))
    example_inputs = torch.randint(100, (8, 12))
    ```

    ```python run
    import torch
    from torch import nn

    model = nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Dropout1d(0.2), nn.Linear(16, 4))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for _ in range(3):
        model(torch.randn(32, 8)).square().mean().backward()
        optimizer.step()
    ```

    ## Use instead

    ```python model
    import torch
    from torch import nn

    model = nn.Sequential(nn.Embedding(100, 16), nn.Dropout(0.2), nn.Linear(16, 4))
    example_inputs = torch.randint(100, (8, 12))
    ```

    ```python run
    import torch
    from torch import nn

    model = nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Dropout(0.2), nn.Linear(16, 4))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for _ in range(3):
        model(torch.randn(32, 8)).square().mean().backward()
        optimizer.step()
    ```

    ## When to ignore it

    Where `Dropout2d` is given (N, C, L) on purpose, from a time before `Dropout1d` existed: it does
    what was meant, as long as PyTorch keeps it so.

    ## References

    - [torch.nn.Dropout2d](https://docs.pytorch.org/docs/stable/generated/torch.nn.Dropout2d.html)
    - [pytorch#77081](https://github.com/pytorch/pytorch/issues/77081)
    - [pytorch#69801](https://github.com/pytorch/pytorch/issues/69801)
    """

    code = "WB113"
    name = "channel-dropout-on-3d-input"
    severity = Severity.WARNING
    examples = (
        Example(
            "import torch\n"
            "from torch import nn\n"
            "model = nn.Sequential(nn.Conv1d(3, 8, 3), nn.Dropout1d(0.2))\n"
            "example_inputs = torch.randn(3, 20)\n",
            Channel.MODEL,
            is_invalid=False,
        ),
    )

    def check_model(self, model: ModelView) -> Iterator[Finding]:
        operations = model.tape.operations if model.tape is not None else ()
        taken = [
            (operation, operation.inputs[0].shape)
            for operation in operations
            if _enters(operation) and operation.inputs[0].shape
        ]
        has_no_batch = any(_is_without_batch(operation.layer, shape) for operation, shape in taken)
        told: set[str] = set()
        for operation, shape in taken:
            layer = _channel_dropout(operation.layer)
            kind = operation.kind if layer is None else layer.kind or ""
            name = subject_of(operation) if layer is None else str(layer)
            if name not in told and _is_misread(kind, shape, has_no_batch=has_no_batch):
                told.add(name)
                place = place_of(operation) if layer is None else layer.place
                message = f"{name} gets an input of shape {_text(shape)}: {_effect(kind, shape)}"
                yield self.found(Channel.MODEL, place, message, _help(kind))

    def observer(self) -> Observer:
        return _Inputs()


@dataclass
class _Calls:
    """How often a channel dropout was called, and with which shape of too few dimensions."""

    name: str
    kind: str
    place: Place
    shape: tuple[int, ...] = ()
    num_calls: int = 0
    num_misread: int = 0


class _Inputs(Observer):
    def __init__(self) -> None:
        self.calls: dict[tuple[str, Place], _Calls] = {}
        self.has_no_batch = False

    def on_layer(self, call: LayerCall) -> None:
        shape = tuple(getattr(call.inputs[0], "shape", ())) if call.inputs else ()
        layer = _channel_dropout(call.layer)
        self.has_no_batch |= _is_without_batch(call.layer, shape)
        if layer is not None and shape:
            self._note(str(layer), layer.kind or "", replace(call.place, module=layer.path), shape)

    def on_operation(self, call: OperationCall) -> None:
        operation = call.operation
        if operation.kind in SPATIAL_DIMS and _channel_dropout(operation.layer) is None:
            shape = tuple(call.tensors[0].shape)
            self._note(subject_of(operation), operation.kind, line_of(operation), shape)

    def _note(self, name: str, kind: str, place: Place, shape: tuple[int, ...]) -> None:
        calls = self.calls.setdefault((name, place), _Calls(name, kind, place))
        calls.num_calls += 1
        if _is_misread(kind, shape, has_no_batch=False):
            calls.num_misread += 1
            calls.shape = shape

    def findings(self) -> Iterator[Finding]:
        for calls in self.calls.values():
            shape = calls.shape
            if shape and _is_misread(calls.kind, shape, has_no_batch=self.has_no_batch):
                yield ChannelDropoutOn3dInput.found(
                    Channel.RUN,
                    calls.place,
                    f"{calls.name} got an input of shape {_text(shape)} in {calls.num_misread} of "
                    f"{calls.num_calls} sampled calls: {_effect(calls.kind, shape)}",
                    _help(calls.kind),
                )


def _enters(operation: Operation) -> bool:
    """Return whether it takes what another layer made: a layer's own first operation."""
    if not operation.inputs:
        return False
    layer = operation.layer
    return layer is None or layer.kind is None or operation.inputs[0].layer is not layer


def _channel_dropout(layer: Layer | None) -> Layer | None:
    return layer if layer is not None and layer.kind in SPATIAL_DIMS else None


def _is_without_batch(layer: Layer | None, shape: Sequence[int]) -> bool:
    """Return whether a convolution takes one sample: the model runs without a batch."""
    kernel = getattr(layer.module, "kernel_size", ()) if layer is not None else ()
    is_conv = layer is not None and layer.kind == "conv"
    return is_conv and isinstance(kernel, tuple) and len(shape) == 1 + len(kernel)


def _is_misread(kind: str, shape: Sequence[int], *, has_no_batch: bool) -> bool:
    """Return whether a channel dropout's input has fewer dimensions than N, C and its own."""
    num_spatial = SPATIAL_DIMS.get(kind)
    if num_spatial is None:
        return False
    is_one_sample = kind in UNBATCHED and len(shape) == 1 + num_spatial
    return len(shape) < 2 + num_spatial and not (is_one_sample and has_no_batch)


def _effect(kind: str, shape: Sequence[int]) -> str:
    if kind in UNBATCHED and len(shape) == 1 + SPATIAL_DIMS[kind]:
        return "dimension 0 is taken for the channels, so that whole samples of a batch are dropped"
    if len(shape) == 2:  # noqa: PLR2004
        return "there is nothing to share a mask over, so that single elements are dropped"
    return "dimension 1 is taken for the channels, of sequences (N, C, L)"


def _help(kind: str) -> str:
    if kind == "dropout2d":
        return "Use nn.Dropout1d for (N, C, L), and move the channels of (N, L, C) to dimension 1"
    return "Use nn.Dropout for single elements, or give the input its batch and all its dimensions"


def _text(shape: Sequence[int]) -> str:
    return f"({', '.join(map(str, shape))})"
