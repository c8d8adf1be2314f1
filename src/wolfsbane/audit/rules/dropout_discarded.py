"""WB104."""

import ast
from collections.abc import Iterator

from wolfsbane.audit.finding import Channel, Finding, Fix, Severity
from wolfsbane.audit.rule import Example, Rule
from wolfsbane.audit.source.file import Call, Creation, Source, Step
from wolfsbane.audit.source.patterns.corrections import inserted_before
from wolfsbane.audit.source.patterns.evaluation import is_test
from wolfsbane.audit.traits.dropping import signature_of
from wolfsbane.audit.vocabulary import DROPOUTS

INPLACE = 1
"""Position of `inplace` when a layer is made."""

USED = """
import torch
import torch.nn.functional as F
from torch import nn

class Net(nn.Module):
    def __init__(self, inplace):
        super().__init__()
        self.drop = nn.Dropout(0.5)
        self.inplace = nn.Dropout(0.5, True)
        self.perhaps = nn.Dropout(0.5, inplace=inplace)

    def forward(self, x):
        x = self.drop(x)
        self.inplace(x)
        self.perhaps(x)
        F.dropout(x, 0.5, self.training, True)
        torch.dropout_(x, 0.5, self.training)
        return self.drop(x)

def measure(num_calls):
    x = torch.ones(9)
    for _ in range(num_calls):
        F.dropout(x, 0.5)

def test_a_wrong_rate_raises(x):
    try:
        F.dropout(x, 2.0)
    except ValueError:
        return x
"""

FUNCTION = """
import torch.nn.functional as F
from torch import nn

class Net(nn.Module):
    def forward(self, x):
        for block in self.blocks:
            x = block(x)
            F.dropout(x, 0.1, training=self.training)
        return x
"""

MADE = """
from torch import nn

class Net(nn.Module):
    def forward(self, x):
        x = self.fc(x)
        nn.Dropout(0.5)
        return x
"""


class DropoutDiscarded(Rule):
    """A dropout whose result is thrown away.

    ## What it does

    Finds dropout called as a statement: `self.drop(x)` where `x = self.drop(x)` is meant. Dropout
    in place is left alone, as are tests and calls whose input nobody reads afterwards.

    ## Why is this bad?

    Dropout returns a new tensor and leaves its input as it was. The line costs time and random
    numbers, and nothing is dropped.

    ## Example

    ```python
    from torch import nn

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.drop = nn.Dropout(0.5)

        def forward(self, x):
            self.drop(x)
            return x
    ```

    ## Use instead

    ```python
    from torch import nn

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.drop = nn.Dropout(0.5)

        def forward(self, x):
            x = self.drop(x)
            return x
    ```

    ## When to ignore it

    Where the call is made for its side effect alone, such as drawing random numbers.

    ## References

    - [torch.nn.Dropout](https://docs.pytorch.org/docs/stable/generated/torch.nn.Dropout.html)
    """

    code = "WB104"
    name = "dropout-discarded"
    severity = Severity.ERROR
    examples = (
        Example(USED, Channel.SOURCE, is_invalid=False),
        Example(FUNCTION, Channel.SOURCE, is_invalid=True),
        Example(MADE, Channel.SOURCE, is_invalid=True),
    )

    def check_source(self, source: Source) -> Iterator[Finding]:
        is_dropping = source.may_have(DROPOUTS)
        for call in source.calls if is_dropping else ():
            if _is_statement(source, call) and _is_thrown_away(source, source.step_of(call)):
                yield self._of_call(source, call)
        for creation in source.creations:
            if creation.kind in DROPOUTS and _is_made_for_nothing(source, creation):
                yield self._of_layer(source, creation)

    def _of_call(self, source: Source, call: Call) -> Finding:
        taken = call.argument("input", 0)
        name = source.segment(taken) if isinstance(taken, ast.Name | ast.Attribute) else ""
        kept = f", and {name} stays as it was" if name else ""
        message = f"the result of {source.segment(call.node.func)}(...) is thrown away{kept}"
        help = f"Assign it: {name} = {source.segment(call.node)}" if name else "Assign it"
        fix = None
        if name:
            edit = inserted_before(source, call.node, f"{name} = ")
            fix = Fix(f"Assign the result to {name}", (edit,), is_safe=False)
        return self.found(Channel.SOURCE, source.place(call.node), message, help, fix=fix)

    def _of_layer(self, source: Source, creation: Creation) -> Finding:
        call = creation.call
        message = f"{source.segment(call.node)} is made and thrown away: it is applied to nothing"
        help = "Make it in __init__, and apply it in forward: x = self.drop(x)"
        return self.found(Channel.SOURCE, source.place(call.node), message, help)


def _is_statement(source: Source, call: Call) -> bool:
    """Whether a call is a statement, and not one of the module's own."""
    statement = source.parent_of(call.node)
    if not isinstance(statement, ast.Expr):
        return False
    return not isinstance(source.parent_of(statement), ast.Module)


def _is_thrown_away(source: Source, step: Step | None) -> bool:
    """Whether it is a dropout's result that a call drops although its input is read again."""
    if step is None or step.call is None or step.kind not in DROPOUTS:
        return False
    if _is_in_place(source, step) or is_test(source, step.node):
        return False
    taken = step.call.argument("input", 0)
    return not isinstance(taken, ast.Name) or _is_read_again(source, taken)


def _is_in_place(source: Source, step: Step) -> bool:
    """Whether a call may change its input."""
    call = step.creation.call if step.creation is not None else step.call
    assert call is not None
    if call.has_unknown_arguments or (call.name or "").endswith("_"):
        return True
    signature = signature_of(call.name or "")
    if step.creation is not None:
        position = INPLACE
    elif signature is None or "inplace" not in signature.parameters:
        return False
    else:
        position = signature.position("inplace")
    given = call.argument("inplace", position)
    return given is not None and source.constant(given) is not False


def _is_read_again(source: Source, taken: ast.Name) -> bool:
    """Whether a name is read in its function behind this place."""
    body = source.function_of(taken).node
    return any(
        isinstance(node, ast.Name)
        and node.id == taken.id
        and isinstance(node.ctx, ast.Load)
        and node is not taken
        and node.lineno > taken.lineno
        for node in ast.walk(body)
    )


def _is_made_for_nothing(source: Source, creation: Creation) -> bool:
    """Whether a layer is made as a statement of a function."""
    node = creation.call.node
    is_statement = isinstance(source.parent_of(node), ast.Expr)
    in_function = isinstance(source.function_of(node).node, ast.FunctionDef)
    return is_statement and in_function and not is_test(source, node)
