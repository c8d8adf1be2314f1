"""WB404."""

import ast
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from wolfsbane.audit.finding import Channel, Finding, Severity
from wolfsbane.audit.layer import Layer
from wolfsbane.audit.operation import Operation, Tape
from wolfsbane.audit.rule import Rule
from wolfsbane.audit.source.patterns.neighbours import UNCHANGED, in_functions, in_sequentials
from wolfsbane.audit.vocabulary import DROPOUTS, SHAPE_ONLY

if TYPE_CHECKING:
    from wolfsbane.audit.model.view import ModelView
    from wolfsbane.audit.source.file import Source, Step

THROUGH = SHAPE_ONLY | DROPOUTS

NARROW = frozenset(
    {"rank", "bottleneck", "lora", "reduced", "reduction", "squeeze", "low", "latent", "code",
     "mid", "embed", "embedding", "embeddings", "emb", "proj", "projection", "projector"}
)  # fmt: skip
"""Words in the name of a width, or of a layer, that say that a product of two matrices is meant."""

WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+")

HELP = "Put an activation between the two, or make one layer of them"
EFFECT = "two linear maps in a row are one linear map"
LONGEST_NAME = 40
"""Characters of a program's own name for a layer that a message repeats."""


class LinearWithoutActivation(Rule):
    """Two linear layers in a row, with no activation between them.

    ## What it does

    Finds an `nn.Linear` whose result goes straight into another one, through dropout and reshapes
    at most: as neighbours in an `nn.Sequential`, or as two layers of one module that `forward`
    calls in a row, where nothing else reads the first one's result. A first layer that is narrower
    than both sides of the pair is a low-rank factor and is not reported; nor is one whose name or
    width says so (`rank`, `bottleneck`, `lora`, `proj`, `embed`).

    ## Why is this bad?

    A linear map of a linear map is a linear map: W2 (W1 x + b1) + b2 = (W2 W1) x + (W2 b1 + b2).
    The second layer costs parameters and time, and the network can express nothing more for it.
    Mostly an activation was forgotten.

    ## Example

    ```python
    from torch import nn

    head = nn.Sequential(nn.Linear(64, 128), nn.Dropout(0.5), nn.Linear(128, 10))
    ```

    ```python model
    from torch import nn

    model = nn.Sequential(nn.Linear(64, 128), nn.Linear(128, 10))
    ```

    ## Use instead

    ```python
    from torch import nn

    head = nn.Sequential(nn.Linear(64, 128), nn.ReLU(), nn.Dropout(0.5), nn.Linear(128, 10))
    ```

    ```python model
    from torch import nn

    model = nn.Sequential(nn.Linear(64, 128), nn.ReLU(), nn.Linear(128, 10))
    ```

    ## When to ignore it

    Where the product is meant: a low-rank factorisation, a projection that is shared or read
    elsewhere, or a deep linear network that is studied for its training dynamics.

    ## References

    - [nuscenes-devkit#728](https://github.com/nutonomy/nuscenes-devkit/issues/728)
    """

    code = "WB404"
    name = "linear-without-activation"
    severity = Severity.WARNING

    def check_source(self, source: "Source") -> Iterator[Finding]:
        found = [
            *in_sequentials(source, "linear", THROUGH),
            *in_functions(source, "linear", DROPOUTS | UNCHANGED),
        ]
        pairs = {id(second.node): (first, second) for first, second in found}
        for first, second in pairs.values():
            if not _is_factor_in_source(source, first, second):
                yield self.found(
                    Channel.SOURCE,
                    source.place(second.node),
                    f"{_named(source, second)} follows {_named(source, first)} in line"
                    f" {source.span(first.node).line} with no activation between: {EFFECT}",
                    HELP,
                    related=((source.place(first.node), "the layer before it"),),
                )

    def check_model(self, model: "ModelView") -> Iterator[Finding]:
        on_tape = (pair for pair in _pairs_on_tape(model.tape) if not _ends_otherwise(model, pair))
        pairs = {
            (id(first), id(second)): (first, second)
            for first, second in (*_pairs_in_sequentials(model), *on_tape)
        }
        for first, second in pairs.values():
            if not _is_factor(first, second):
                yield self.found(
                    Channel.MODEL,
                    second.place,
                    f"{_sized(second)} takes the result of {_sized(first)} with no activation"
                    f" between: {EFFECT}",
                    HELP,
                    related=((first.place, "the layer before it"),),
                )


def _named(source: "Source", step: "Step") -> str:
    """Return what a program calls a layer: self.fc, or nn.Linear(8, 8) in a Sequential."""
    node = step.node
    is_made_here = step.creation is not None and node is step.creation.call.node
    if isinstance(node, ast.Call) and not is_made_here:
        node = node.func
    name = " ".join(source.segment(node).split())
    return name if len(name) <= LONGEST_NAME else "a linear layer"


def _is_factor_in_source(source: "Source", first: "Step", second: "Step") -> bool:
    """Whether the pair is, or may well be meant as, a product of narrow matrices."""
    assert first.creation is not None
    assert second.creation is not None
    into = first.creation.call.argument("in_features", 0)
    hidden = first.creation.call.argument("out_features", 1)
    out = second.creation.call.argument("out_features", 1)
    if into is None or hidden is None or out is None:
        return True
    if any(map(_says_so, (source.segment(hidden), _called(first), _called(second)))):
        return True
    constants = [source.constant(size) for size in (into, hidden, out)]
    sizes = [size for size in constants if isinstance(size, int)]
    if len(sizes) == len(constants):
        return _is_narrow(*sizes)
    return any(
        isinstance(part, ast.BinOp) and isinstance(part.op, ast.FloorDiv | ast.Div)
        for origin in (hidden, *source.origins(hidden))
        for part in ast.walk(origin)
    )


def _called(step: "Step") -> str:
    """Return the name by which a layer is called: "fc1" of self.fc1(x)."""
    return (step.call.attribute or "") if step.call is not None else ""


def _is_narrow(into: int, hidden: int, out: int) -> bool:
    """Whether the product is of low rank; one through a single number is nothing else."""
    return hidden < min(into, out) or hidden == 1


def _says_so(name: str) -> bool:
    return not NARROW.isdisjoint(word.lower() for word in WORD.findall(name))


def _pairs_in_sequentials(model: "ModelView") -> Iterator[tuple[Layer, Layer]]:
    for sequential in model.of_kind(["sequential"]):
        previous: Layer | None = None
        for layer in model.children_of(sequential):
            if layer.kind == "linear":
                if previous is not None:
                    yield previous, layer
                previous = layer
            elif layer.kind not in THROUGH:
                previous = None


def _pairs_on_tape(tape: Tape | None) -> Iterator[tuple[Layer, Layer]]:
    """Yield linear layers of one module, of which the second alone uses the first's result."""
    for operation in tape.operations if tape is not None else ():
        first = _linear_before(tape, operation) if operation.kind == "linear" else None
        if first is not None and first.layer is not None and operation.layer is not None:
            both = (first.layer, operation.layer)
            if all(layer.kind == "linear" for layer in both) and both[0].parent == both[1].parent:
                yield both


def _ends_otherwise(model: "ModelView", pair: tuple[Layer, Layer]) -> bool:
    """Whether training may put something between the two: a VAE samples there, around its mean."""
    from wolfsbane.audit.model.forwards import depends_on_mode

    parent = model.layer_at(pair[0].parent or "")
    return parent is not None and depends_on_mode(type(parent.module))


def _linear_before(tape: Tape | None, operation: Operation) -> Operation | None:
    assert tape is not None
    while operation.inputs:
        operation = operation.inputs[0]
        is_shared = len(tape.users_of(operation)) != 1 or operation in tape.outputs
        if is_shared:
            return None
        if operation.kind == "linear":
            return operation
        if operation.kind not in THROUGH:
            return None
    return None


def _is_factor(first: Layer, second: Layer) -> bool:
    """Whether a layer is, or is named as, a factor of a product of matrices."""
    into, hidden = _sizes(first)
    _, out = _sizes(second)
    names = (layer.path.rpartition(".")[2] for layer in (first, second))
    return _is_narrow(into, hidden, out) or any(map(_says_so, names))


def _sizes(layer: Layer) -> tuple[int, int]:
    return getattr(layer.module, "in_features", 0), getattr(layer.module, "out_features", 0)


def _sized(layer: Layer) -> str:
    into, out = _sizes(layer)
    return f"{layer} ({into} to {out})"
