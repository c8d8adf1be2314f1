"""WB105."""

import ast
from collections.abc import Iterator

from wolfsbane.audit.finding import Channel, Finding, Fix, Severity
from wolfsbane.audit.rule import Example, Rule
from wolfsbane.audit.run.measures.made_in_forward import Made, MadeInForward
from wolfsbane.audit.run.observer import Observer
from wolfsbane.audit.source.file import Call, Creation, Function, Source, Step
from wolfsbane.audit.source.patterns.corrections import replaced
from wolfsbane.audit.source.patterns.evaluation import is_test, mode_in_reach, runs_in_evaluation
from wolfsbane.audit.vocabulary import DROPOUTS
from wolfsbane.audit.wording import counted

HELP = "Make it in __init__ and call that, or call F.dropout with training=self.training"
BUILDERS = frozenset({"__init__", "setup", "configure_model", "build", "reset_parameters"})
"""Methods that make layers once."""

FUNCTIONS = {
    "Dropout": "dropout",
    "Dropout1d": "dropout1d",
    "Dropout2d": "dropout2d",
    "Dropout3d": "dropout3d",
    "AlphaDropout": "alpha_dropout",
    "FeatureAlphaDropout": "feature_alpha_dropout",
}

NET = """
import torch
from torch import nn

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(4, 8)
        self.drop = nn.Dropout(0.2)
        self.head = nn.Linear(8, 1)

    def forward(self, x):
        h = torch.tanh(self.fc(x))
        return self.head({h})

torch.manual_seed(0)
model, x = Net(), torch.randn(16, 4)
optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
for _ in range(4):
    optimizer.zero_grad()
    nn.functional.mse_loss(model(x), x[:, :1]).backward()
    optimizer.step()
"""

KEPT = """
import torch
from torch import nn

class Lazy(nn.Module):
    def forward(self, x):
        if self.drop is None:
            self.drop = nn.Dropout(0.5)
        return self.drop(x)

class Told(nn.Module):
    def forward(self, x):
        drop = nn.Dropout(0.5)
        drop.train(self.training)
        if self.training:
            x = nn.Dropout(0.1)(x)
        return drop(nn.Dropout(0.5).train(self.training)(x))

def build():
    drop = nn.Dropout(0.5)
    print(drop(torch.ones(3)))
    return nn.Sequential(nn.Linear(3, 3), drop)

def test_it_drops():
    assert (nn.Dropout(0.5)(torch.ones(99)) == 0).any()
"""


class DropoutMadeInForward(Rule):
    """A dropout layer that is made where it is called, so `model.eval()` does not reach it.

    ## What it does

    Finds `nn.Dropout(p)(x)` in a method of a module, or in a function that is given `x`, and a
    layer that is made and called in the same method. In a run, it finds dropouts that no model owns
    and that are gone after the call.

    ## Why is this bad?

    A new layer is in training mode, and no model knows it: `model.eval()` does not reach it, and
    evaluation goes on dropping. Neither `print(model)` nor a change of the rate shows it.

    ## Example

    ```python
    from torch import nn

    class Net(nn.Module):
        def forward(self, x):
            return nn.Dropout(0.5)(x)
    ```

    ## Use instead

    ```python
    from torch import nn

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.drop = nn.Dropout(0.5)

        def forward(self, x):
            return self.drop(x)
    ```

    ## When to ignore it

    Where dropout is meant to be on in evaluation; `F.dropout(x, p, training=True)` says so.

    ## References

    - [NTS-Net#14](https://github.com/yangze0930/NTS-Net/issues/14)
    - [torch.nn.Module.eval](https://docs.pytorch.org/docs/stable/generated/torch.nn.Module.html#torch.nn.Module.eval)
    """

    code = "WB105"
    name = "dropout-made-in-forward"
    severity = Severity.ERROR
    examples = (
        Example(KEPT, Channel.SOURCE, is_invalid=False),
        Example(NET.format(h="nn.Dropout(0.2)(h)"), Channel.RUN, is_invalid=True),
        Example(NET.format(h="self.drop(h)"), Channel.RUN, is_invalid=False),
    )

    def check_source(self, source: Source) -> Iterator[Finding]:
        seen = set[int]()
        made = (one for one in source.creations if one.kind in DROPOUTS)
        if all(one.call.function.name in BUILDERS for one in made):
            return
        for step in source.steps_of(DROPOUTS):
            creation = step.creation
            if creation is None or step.call is None:
                continue
            if id(creation) in seen or not _is_made_here(source, step, creation):
                continue
            seen.add(id(creation))
            if runs_in_evaluation(source, step.node):
                yield self._at(source, step, creation)

    def _at(self, source: Source, step: Step, creation: Creation) -> Finding:
        node = creation.call.node
        made = source.segment(node)
        message = f"{made} is made anew in each call, so model.eval() never reaches it"
        fix = _fix(source, step, creation)
        return self.found(Channel.SOURCE, source.place(node), message, HELP, fix=fix)

    def observer(self) -> Observer:
        return MadeInForward(self._in_run)

    def _in_run(self, made: Made) -> Finding:
        times = "1 call" if made.num_calls == 1 else f"each of {made.num_calls} calls"
        evidence = f"one {made.name} p={made.rate:g} for {times}, owned by no model"
        if made.num_in_evaluation:
            evidence += f"; it was on in {counted(made.num_in_evaluation, 'call')} in eval mode"
        return self.found(Channel.RUN, made.place, f"dropout is made in forward: {evidence}", HELP)


def _is_made_here(source: Source, step: Step, creation: Creation) -> bool:
    """Whether a layer is made for this call, in a function that is given what it drops."""
    function, call = creation.call.function, step.call
    assert call is not None
    if function is not call.function or function.name in BUILDERS or is_test(source, step.node):
        return False
    if call.node.func is not creation.call.node and not _is_only_called(source, creation):
        return False
    if mode_in_reach(source, call.node) is not None:
        return True
    taken = call.argument("input", 0)
    return taken is not None and not _names_in(taken).isdisjoint(_given_to(function))


def _given_to(function: Function) -> set[str]:
    """Return the names in a function whose values come from its parameters."""
    found = {parameter.arg for parameter in function.parameters}
    for name, bindings in function.bindings.items():  # In the order in which they are first bound.
        values = [binding.value for binding in bindings if binding.value is not None]
        if any(not _names_in(value).isdisjoint(found) for value in values):
            found.add(name)
    return found


def _names_in(node: ast.expr) -> set[str]:
    return {part.id for part in ast.walk(node) if isinstance(part, ast.Name)}


def _is_only_called(source: Source, creation: Creation) -> bool:
    """Whether a layer gets a local name, and nothing but calls is done with it."""
    statement = source.parent_of(creation.call.node)
    if not isinstance(statement, ast.Assign) or len(statement.targets) != 1:
        return False
    target = statement.targets[0]
    if not isinstance(target, ast.Name):
        return False
    for node in ast.walk(creation.call.function.node):
        if isinstance(node, ast.Name) and node.id == target.id and node is not target:
            user = source.parent_of(node)
            if not isinstance(user, ast.Call) or user.func is not node:
                return False
    return True


def _fix(source: Source, step: Step, creation: Creation) -> Fix | None:
    """Return the fix of `nn.Dropout(p)(x)` in a method of a module."""
    assert step.call is not None
    made, call = creation.call, step.call.node
    mode, functions = mode_in_reach(source, call), _functional(source, made)
    function = FUNCTIONS.get((made.name or "").rpartition(".")[2])
    is_plain = call.func is made.node and len(call.args) == 1 and not call.keywords
    if mode is None or functions is None or function is None or not is_plain:
        return None
    if made.has_unknown_arguments or {given.arg for given in made.node.keywords} > {"p", "inplace"}:
        return None
    rate, inplace = made.argument("p", 0), made.argument("inplace", 1)
    given = [source.segment(call.args[0]), "0.5" if rate is None else source.segment(rate)]
    given += [f"training={mode}"]
    given += [] if inplace is None else [f"inplace={source.segment(inplace)}"]
    text = f"{functions}.{function}({', '.join(given)})"
    return Fix(f"Call {functions}.{function}", (replaced(source, call, text),), is_safe=True)


def _functional(source: Source, made: Call) -> str | None:
    """Return what torch.nn.functional is called where a layer is made: `F`, or `nn.functional`."""
    for name, bindings in source.structure.body.bindings.items():
        if any(binding.target == "torch.nn.functional" for binding in bindings):
            return name
    package = made.receiver
    is_nn = package is not None and source.name_of(package) == "torch.nn"
    return f"{source.segment(package)}.functional" if package is not None and is_nn else None
