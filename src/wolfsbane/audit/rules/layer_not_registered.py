"""WB205."""

import ast
from collections.abc import Iterator
from typing import TYPE_CHECKING

from wolfsbane.audit.finding import Channel, Edit, Finding, Fix, Severity, Span
from wolfsbane.audit.rule import Example, Rule
from wolfsbane.audit.run.observer import Observer
from wolfsbane.audit.source.file import Source
from wolfsbane.audit.source.patterns.containers import Unregistered, unregistered_layers
from wolfsbane.audit.traits.dependence import listed
from wolfsbane.audit.wording import counted

if TYPE_CHECKING:
    from wolfsbane.audit.model.view import ModelView

SETUP = """
import torch
from torch import nn

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = {layers}
        self.out = nn.Linear(4, 2)

    def forward(self, x):
        for layer in self.layers:
            x = layer(x)
        return self.out(x)

torch.manual_seed(0)
model = Net()
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
for step in range(3):
    optimizer.zero_grad()
    model(torch.randn(5, 4)).square().mean().backward()
    optimizer.step()
"""
PLAIN = "[nn.Linear(4, 4), nn.Dropout(0.3)]"

HOLD = "Hold them in an nn.ModuleList or nn.ModuleDict"
ASSIGN = "Assign it with setattr(self, name, layer), which registers it"


class LayerNotRegistered(Rule):
    """Layers in a plain list, tuple or dict, of which their module knows nothing.

    ## What it does

    Finds attributes of modules that hold layers in a list, tuple, set or dict: those made in a
    class, those of a model that exists (also where an attribute was set past `__setattr__`), and
    modules that a model calls in a run and does not own.

    ## Why is this bad?

    A module registers what is assigned to its attributes, and does not look into containers of
    Python. `parameters()` leaves such layers out, so that they are never trained; `state_dict()`
    does not save them; `eval()` does not reach them, and their dropout goes on dropping; `to()`
    leaves them on another device.

    ## Example

    ```python
    from torch import nn

    class Net(nn.Module):
        def __init__(self, width, depth):
            super().__init__()
            self.layers = [nn.Linear(width, width) for _ in range(depth)]

        def forward(self, x):
            for layer in self.layers:
                x = layer(x).relu()
            return x
    ```

    ## Use instead

    ```python
    from torch import nn

    class Net(nn.Module):
        def __init__(self, width, depth):
            super().__init__()
            self.layers = nn.ModuleList([nn.Linear(width, width) for _ in range(depth)])

        def forward(self, x):
            for layer in self.layers:
                x = layer(x).relu()
            return x
    ```

    ## When to ignore it

    Where a module is hidden on purpose. The known ways to do so are not reported: a list of one,
    `self.teacher = [teacher]`, a weak reference, a module without trainable parameters that is in
    evaluation mode, and modules that the same model has in another place. In the source, the
    same holds for classes that register modules by name, or override `parameters` or `modules`.

    ## References

    - [torch.nn.ModuleList](https://docs.pytorch.org/docs/stable/generated/torch.nn.ModuleList.html)
    - [mt-dnn#45](https://github.com/namisan/mt-dnn/issues/45)
    """

    code = "WB205"
    name = "layer-not-registered"
    severity = Severity.ERROR
    examples = tuple(
        Example(SETUP.format(layers=layers), channel, is_invalid=layers == PLAIN)
        for channel in (Channel.MODEL, Channel.RUN)
        for layers in (PLAIN, f"nn.ModuleList({PLAIN})")
    )

    def check_source(self, source: Source) -> Iterator[Finding]:
        for one in unregistered_layers(source):
            first = source.segment(one.layers[0].func)
            yield self.found(
                Channel.SOURCE,
                source.place(one.node),
                f"'self.{one.attribute}' of {one.owner.name} holds layers ({first}) in a plain "
                f"{_kind(one)}: they are neither trained, nor saved, nor set to eval",
                f"Use nn.{'ModuleDict' if _kind(one) == 'dict' else 'ModuleList'}",
                fix=_fix(source, one),
            )

    def check_model(self, model: "ModelView") -> Iterator[Finding]:
        from wolfsbane.audit.model.unregistered import unregistered

        held = unregistered(model.layers)
        for key in dict.fromkeys((one.holder.path, one.attribute) for one in held):
            found = [one for one in held if (one.holder.path, one.attribute) == key]
            number = sum(each.numel() for one in found for each in one.module.parameters())
            names = listed(f"{type(one.module).__name__} {one.path!r}" for one in found)
            yield self.found(
                Channel.MODEL,
                found[0].holder.place,
                f"{found[0].holder} does not know {counted(len(found), 'module')} that it holds in "
                f"'{key[1]}': {names}; {_missed(number)}",
                ASSIGN if found[0].path == key[1] else HOLD,
            )

    def observer(self) -> Observer:
        from wolfsbane.audit.run.measures.strangers import Strangers

        return Strangers(self)


def _missed(number: int) -> str:
    """Say what of the model's does not see that many parameters."""
    if not number:
        return "eval() does not reach them"
    verb = "is" if number == 1 else "are"
    return f"{counted(number, 'parameter')} {verb} neither in parameters() nor saved"


def _kind(one: Unregistered) -> str:
    """Return what the container is: of the statement that fills it, where it is filled later."""
    made = one.container
    if isinstance(made, ast.Dict | ast.DictComp):
        return "dict"
    if isinstance(made, ast.Call) and isinstance(made.func, ast.Name | ast.Attribute):
        return made.func.id.lower() if isinstance(made.func, ast.Name) else made.func.attr.lower()
    return "tuple" if isinstance(made, ast.Tuple) else "list"


def _fix(source: Source, one: Unregistered) -> Fix | None:
    """Wrap a list in nn.ModuleList, a dict with strings for keys in nn.ModuleDict."""
    made, package = one.container, _package(source, one)
    behind = source.origins(made) if isinstance(made, ast.Name) else [made]
    if behind and all(isinstance(one, ast.List | ast.ListComp | ast.Tuple) for one in behind):
        wrapper = "ModuleList"
    elif isinstance(made, ast.Dict) and all(_is_text(key) for key in made.keys):
        wrapper = "ModuleDict"
    else:
        return None
    # An unparenthesised tuple is no argument; one in parentheses has them in its text.
    if package is None or (
        isinstance(made, ast.Tuple) and not source.segment(made).startswith("(")
    ):
        return None
    assert made is not None
    span = source.span(made)
    start = Span(span.line, span.column, span.line, span.column)
    end = Span(span.end_line, span.end_column, span.end_line, span.end_column)
    edits = (Edit(start, f"{package}{wrapper}("), Edit(end, ")"))
    return Fix(f"Wrap it in {package}{wrapper}", edits, is_safe=False)


def _package(source: Source, one: Unregistered) -> str | None:
    """Return how the class spells torch.nn, with its dot: its base or a layer shows it."""
    for node in (*(layer.func for layer in one.layers), *one.owner.node.bases):
        if isinstance(node, ast.Attribute) and source.name_of(node.value) == "torch.nn":
            return f"{source.segment(node.value)}."
    return None


def _is_text(node: ast.expr | None) -> bool:
    is_literal = (
        isinstance(node, ast.Constant) and isinstance(node.value, str) and "." not in node.value
    )
    return is_literal and bool(node)
