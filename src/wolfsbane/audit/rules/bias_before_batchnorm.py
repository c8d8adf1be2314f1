"""WB901."""

import ast
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

from wolfsbane.audit.finding import Channel, Edit, Finding, Fix, Severity, Span
from wolfsbane.audit.layer import Layer
from wolfsbane.audit.model.view import ModelView
from wolfsbane.audit.operation import Operation, Tape
from wolfsbane.audit.rule import Example, Rule
from wolfsbane.audit.source.file import Creation, Source, Step
from wolfsbane.audit.vocabulary import AFFINE, BATCH_NORMS
from wolfsbane.audit.wording import counted

OUTPUTS = ("out_features", "out_channels")
BIAS = {"linear": 2, "conv": 7, "conv_transpose": 7}
"""Position of `bias`; lazy layers lack the first argument."""


class BiasBeforeBatchnorm(Rule):
    """A layer adds a bias that the batch norm behind it subtracts again.

    ## What it does

    Finds linear layers and convolutions with a bias whose result goes to a batch norm and nowhere
    else.

    ## Why is this bad?

    A batch norm subtracts the mean of each channel, and with it whatever constant was added before.
    The bias gets no gradient but rounding errors, takes memory and time, and weight decay still
    pulls at it. The batch norm has a bias of its own.

    ## Example

    ```python
    from torch import nn

    model = nn.Sequential(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.ReLU())
    ```

    ## Use instead

    ```python
    from torch import nn

    model = nn.Sequential(nn.Conv2d(3, 8, 3, bias=False), nn.BatchNorm2d(8), nn.ReLU())
    ```

    ## When to ignore it

    Where checkpoints exist that hold the bias: a model without it does not load them as they are.
    It costs little.

    ## References

    - Ioffe and Szegedy 2015, arXiv:1502.03167, section 3.2
    - [Pytorch-UNet#325](https://github.com/milesial/Pytorch-UNet/pull/325)
    - [PyTorch's tuning guide](https://docs.pytorch.org/tutorials/recipes/recipes/tuning_guide.html)
    """

    code = "WB901"
    name = "bias-before-batchnorm"
    severity = Severity.NOTE
    examples = (
        Example(
            "from torch import nn\nmodel = nn.Sequential(nn.Linear(4, 4), nn.BatchNorm1d(4))\n",
            Channel.MODEL,
            is_invalid=True,
        ),
        Example(
            "from torch import nn\n"
            "model = nn.Sequential(nn.Linear(4, 4), nn.ReLU(), nn.BatchNorm1d(4))\n",
            Channel.MODEL,
            is_invalid=False,
        ),
    )

    def check_source(self, source: Source) -> Iterator[Finding]:
        """Report where the layer is made."""
        reported: set[int] = set()
        for norm in source.steps_of(BATCH_NORMS):
            for step in source.inputs_of(norm):
                creation = step.creation
                if creation is None or id(creation.call.node) in reported:
                    continue
                if _is_wasted(source, step, norm):
                    reported.add(id(creation.call.node))
                    yield self.found(
                        Channel.SOURCE,
                        source.place(creation.call.node),
                        f"{_word(step.kind)} adds a bias that the batch norm behind it subtracts",
                        "Pass bias=False",
                        fix=_fix(source, creation),
                    )

    def check_model(self, model: ModelView) -> Iterator[Finding]:
        """Report layers by their operations, or without a tape by their place in a Sequential."""
        pairs = _on_the_tape(model.tape) if model.tape is not None else _in_sequentials(model)
        for layer, norm in pairs:
            bias: Any = getattr(layer.module, "bias", None)
            if bias is not None and _fits(layer.module, norm.module):
                numbers = counted(bias.numel(), "number")
                yield self.found(
                    Channel.MODEL,
                    layer.place,
                    f"{_word(layer.kind)} {layer.path!r} adds a bias of {numbers} "
                    f"that batch norm {norm.path!r} subtracts again",
                    "Make the layer with bias=False",
                )


def _word(kind: str | None) -> str:
    return "linear layer" if kind == "linear" else "convolution"


def _is_wasted(source: Source, step: Step, norm: Step) -> bool:
    """Whether a layer has a bias, and its result only goes to batch norms that count its channels.

    Of a linear layer on (N, L, C) the batch norm counts L, and the bias is one for each C.
    """
    if step.kind not in AFFINE or step.creation is None or not _has_bias(source, step.creation):
        return False
    if not all(_goes_to_norms_alone(source, same) for same in _calls_of(source, step)):
        return False
    made, counted = _output(step.creation), _argument(norm.creation, "num_features", 0)
    if made is None or counted is None:
        return step.kind != "linear"
    same_text = source.segment(made) == source.segment(counted)
    numbers = (source.constant(made), source.constant(counted))
    is_known = all(isinstance(number, int) for number in numbers)
    return numbers[0] == numbers[1] if is_known else same_text or step.kind != "linear"


def _calls_of(source: Source, step: Step) -> list[Step]:
    """Return every step that applies the same layer."""
    assert step.creation is not None
    made = step.creation.call.node
    return [one for one in source.steps if one.creation and one.creation.call.node is made]


def _goes_to_norms_alone(source: Source, step: Step) -> bool:
    """Whether a result, perhaps by a name, is given to batch norms and used nowhere else."""
    users = source.users_of(step)
    if any(user.kind not in BATCH_NORMS for user in users):
        return False
    if step.creation is not None and step.node is step.creation.call.node:
        return all(user.creation and user.node is user.creation.call.node for user in users)
    readers = _readers(source, step.node)
    norms = {id(user.node) for user in users}
    return bool(readers) and all(id(source.parent_of(reader)) in norms for reader in readers)


def _readers(source: Source, node: ast.AST) -> list[ast.AST]:
    """Return what stands for a call's result: itself, or a name that it is assigned to."""
    statement = source.parent_of(node)
    if not isinstance(statement, ast.Assign) or len(statement.targets) != 1:
        return [node]
    target = statement.targets[0]
    if not isinstance(target, ast.Name):
        return []
    return [
        one
        for one in ast.walk(source.function_of(node).node)
        if isinstance(one, ast.Name) and one.id == target.id and isinstance(one.ctx, ast.Load)
        if any(binding.value is node for binding in source.definitions(one))
    ]


def _has_bias(source: Source, creation: Creation) -> bool:
    if creation.call.has_unknown_arguments:
        return False
    bias = _argument(creation, "bias", BIAS[creation.kind])
    return bias is None or source.constant(bias) is True


def _output(creation: Creation) -> ast.expr | None:
    found = [_argument(creation, name, 1) for name in OUTPUTS]
    return next((argument for argument in found if argument is not None), None)


def _argument(creation: Creation | None, keyword: str, position: int) -> ast.expr | None:
    if creation is None:
        return None
    is_lazy = "Lazy" in (creation.call.name or "")
    return creation.call.argument(keyword, position - 1 if is_lazy and position else position)


def _fix(source: Source, creation: Creation) -> Fix | None:
    """Return bias=False in place of bias=True, or as the last argument."""
    does = "Pass bias=False; checkpoints that hold the bias no longer load as they are"
    bias = _argument(creation, "bias", BIAS[creation.kind])
    if bias is not None:
        if not isinstance(bias, ast.Constant):
            return None
        return Fix(does, (Edit(source.span(bias), "False"),), is_safe=False)
    call = creation.call.node
    before = source.segment(call)[:-1].rstrip()
    if "#" in before.splitlines()[-1]:
        return None
    separator = " " if before.endswith(",") else ", " if call.args or call.keywords else ""
    edit = Edit(_end_of(source.span(call), before), f"{separator}bias=False")
    return Fix(does, (edit,), is_safe=False)


def _end_of(span: Span, text: str) -> Span:
    """Return the empty span behind a text that begins where `span` does."""
    lines = text.split("\n")
    line = span.line + len(lines) - 1
    column = len(lines[-1]) + (span.column if len(lines) == 1 else 1)
    return Span(line, column, line, column)


def _fits(layer: Any, norm: Any) -> bool:
    outputs = [getattr(layer, name) for name in OUTPUTS if hasattr(layer, name)]
    return outputs[:1] == [norm.num_features]


def _on_the_tape(tape: Tape) -> Iterator[tuple[Layer, Layer]]:
    for operation in tape.operations:
        users = tape.users_of(operation)
        norms = [user.layer for user in users if user.kind in BATCH_NORMS and user.layer]
        is_alone = len(norms) == len(users) and operation not in tape.outputs
        if norms and is_alone and operation.layer is not None and _adds_to_channels(operation):
            yield operation.layer, norms[0]


def _adds_to_channels(operation: Operation) -> bool:
    """Whether its bias is one number for each channel: a linear layer's on (N, L, C) is not."""
    is_matrix = operation.shape is None or len(operation.shape) == len(("N", "C"))
    return operation.kind in AFFINE and (operation.kind != "linear" or is_matrix)


def _in_sequentials(model: ModelView) -> Iterator[tuple[Layer, Layer]]:
    for parent in model.of_kind(["sequential"]):
        children = model.children_of(parent)
        for layer, norm in pairwise(children):
            if layer.kind in AFFINE and norm.kind in BATCH_NORMS:
                yield layer, norm
