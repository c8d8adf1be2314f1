"""Section 6, a module of one's own: which of its layers train(), eval() and parameters() reach."""

from collections.abc import Iterator

from torch import Tensor, nn

from wolfsbane.audit import check_source
from wolfsbane.learn.blocks import Block, Cell, Mark, Outcome, Printed, Table, Text
from wolfsbane.learn.experiments.tables import row
from wolfsbane.learn.practice.found import as_block
from wolfsbane.learn.practice.running import FILE, fresh_start, run

PROGRAM = '''\
import torch
from torch import nn

class Hidden(nn.Module):
    """One hidden layer of a collection of one's own: linear, batch norm, ReLU, dropout."""

    def __init__(self, inputs, outputs, p):
        super().__init__()
        self.linear = nn.Linear(inputs, outputs)
        self.norm = nn.BatchNorm1d(outputs)
        self.drop = nn.Dropout(p)

    def forward(self, x):
        return self.drop(torch.relu(self.norm(self.linear(x))))

class Network(nn.Module):
    def __init__(self):
        super().__init__()
{keep}
        self.head = nn.Linear(100, 2)

    def forward(self, x):
{call}
        return self.head(x)

model = Network()
model.eval()
x = torch.randn(8, 20)
print("parameters:", sum(parameter.numel() for parameter in model.parameters()))
print("two calls in evaluation are equal:", torch.equal(model(x), model(x)))
'''

WALK = "        for layer in {layers}:\n            x = layer(x)"
MADE = "[Hidden(20, 100, 0.3), Hidden(100, 100, 0.3)]"
KEPT: dict[str, tuple[str, str]] = {
    "attributes": (
        "        self.first = Hidden(20, 100, 0.3)\n        self.second = Hidden(100, 100, 0.3)",
        "        x = self.second(self.first(x))",
    ),
    "module_list": (
        f"        self.layers = nn.ModuleList({MADE})",
        WALK.format(layers="self.layers"),
    ),
    "list": (f"        self.layers = {MADE}", WALK.format(layers="self.layers")),
    "dict": (
        '        self.layers = {"first": Hidden(20, 100, 0.3), "second": Hidden(100, 100, 0.3)}',
        WALK.format(layers="self.layers.values()"),
    ),
    "forward": (
        "        self.first = Hidden(20, 100, 0.3)\n        self.second = Hidden(100, 100, 0.3)",
        "        x = nn.Dropout(0.5)(self.second(self.first(x)))",
    ),
}
"""How the hidden layers are kept: lines of __init__ and of forward."""


def registered(kept: str, seed: int) -> Iterator[Block]:
    """Build a network that keeps its layers so, and list what eval() has reached."""
    keep, call = KEPT[kept]
    program = PROGRAM.format(keep=keep, call=call)
    with fresh_start(seed):
        ran = run(program)
        model = ran.names["model"]
        called = _called_layers(model, ran.names["x"])
    yield Printed(program, ran.output, ran.error)
    yield _table(called, model)
    findings = list(check_source(program, FILE))
    for each in findings:
        yield as_block(each)
    if not findings:
        yield Text("The auditor, reading this program, finds nothing.")
    training = sum(layer.training for layer in called)
    choice = 0 if training == 0 else 2 if training == len(called) else 1
    yield Outcome(
        choice,
        f"After `model.eval()`, {training} of {len(called)} dropout and batch norm layers are "
        f"still in training mode. {_agreement(ran.output)}",
    )


def _agreement(output: str) -> str:
    """Say what the program's last line does, whether two calls in evaluation are equal."""
    are_equal = output.rstrip().endswith("True")
    return f"Two calls in evaluation {'agree' if are_equal else 'differ'}."


def _called_layers(model: nn.Module, x: Tensor) -> list[nn.Module]:
    """Return every dropout and batch norm that one call of the network passes, in order."""
    called: list[nn.Module] = []

    def note(module: nn.Module, *_: object) -> None:
        if isinstance(module, nn.Dropout | nn.BatchNorm1d):
            called.append(module)

    handle = nn.modules.module.register_module_forward_hook(note)
    try:
        model(x)
    finally:
        handle.remove()
    return called


def _table(called: list[nn.Module], model: nn.Module) -> Table:
    names = {id(module): name for name, module in model.named_modules()}
    rows = []
    for layer in called:
        name = names.get(id(layer))
        mode = Cell("training", Mark.WORSE) if layer.training else Cell("evaluation")
        rows.append(row(type(layer).__name__, (name or "not known to the model", mode)))
    return Table(
        "The dropout and batch norm layers that one call passes, after model.eval()",
        ("layer", "its name in the model", "mode"),
        tuple(rows),
    )
