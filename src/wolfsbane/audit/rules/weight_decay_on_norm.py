"""WB902."""

import ast
from collections.abc import Iterator

from wolfsbane.audit.finding import Channel, Finding, Severity
from wolfsbane.audit.model.view import ModelView
from wolfsbane.audit.rule import Example, Rule
from wolfsbane.audit.source.file import Call, Source
from wolfsbane.audit.spellings import kind_of_class
from wolfsbane.audit.vocabulary import NORMS
from wolfsbane.audit.wording import counted

DEFAULTS = {"torch.optim.AdamW": 0.01}
"""Optimizers that decay weights without being told to."""

HELP = "Put the parameters of norms into a group of their own with weight_decay=0"


class WeightDecayOnNorm(Rule):
    """Weight decay pulls at the scales and shifts of normalisation layers too.

    ## What it does

    Finds optimizers with weight decay that are given all parameters of a model with normalisation
    layers.

    ## Why is this bad?

    Weight decay keeps weights small. A norm's scale starts at 1 and says how much of a channel is
    used; pulling it to 0 regularises nothing that the weights behind it could not undo. Most
    recipes leave norms and biases out.

    ## Example

    ```python
    from torch import nn, optim

    model = nn.Sequential(nn.Linear(8, 8), nn.LayerNorm(8), nn.ReLU(), nn.Linear(8, 2))
    optimizer = optim.AdamW(model.parameters(), lr=1e-3, weight_decay=0.05)
    ```

    ## Use instead

    ```python
    from torch import nn, optim

    model = nn.Sequential(nn.Linear(8, 8), nn.LayerNorm(8), nn.ReLU(), nn.Linear(8, 2))
    matrices = [p for p in model.parameters() if p.dim() > 1]
    vectors = [p for p in model.parameters() if p.dim() <= 1]
    optimizer = optim.AdamW(
        [{"params": matrices, "weight_decay": 0.05}, {"params": vectors, "weight_decay": 0.0}],
        lr=1e-3,
    )
    ```

    ## When to ignore it

    Where the recipe that is reproduced decays them: torchvision's references did for ResNets.

    ## References

    - [solo-learn#289](https://github.com/vturrisi/solo-learn/pull/289)
    - He et al. 2019, Bag of Tricks, arXiv:1812.01187, section 3.1: no bias decay
    """

    code = "WB902"
    name = "weight-decay-on-norm"
    severity = Severity.NOTE
    examples = (
        Example(
            "from torch import nn, optim\n"
            "model = nn.Sequential(nn.Linear(4, 4), nn.LayerNorm(4))\n"
            "optimizer = optim.SGD(model.parameters(), lr=0.1, weight_decay=1e-4)\n",
            Channel.MODEL,
            is_invalid=True,
        ),
        Example(
            "from torch import nn, optim\n"
            "model = nn.Sequential(nn.Linear(4, 4), nn.LayerNorm(4))\n"
            "optimizer = optim.SGD(model.parameters(), lr=0.1)\n",
            Channel.MODEL,
            is_invalid=False,
        ),
    )

    def check_source(self, source: Source) -> Iterator[Finding]:
        """Report optimizers that get `.parameters()` of a model of this file with norms."""
        for call in source.calls:
            if not (call.name or "").startswith("torch.optim."):
                continue
            decay, model = _decay(source, call), _model(call)
            if decay is not None and model is not None and _has_norms(source, call, model):
                yield self.found(
                    Channel.SOURCE,
                    source.place(call.node),
                    f"weight_decay={decay:g} applies to all parameters of "
                    f"{source.segment(model)!r}, also those of its norms",
                    HELP,
                )

    def check_model(self, model: ModelView) -> Iterator[Finding]:
        """Report the norms in groups with weight decay, all in one."""
        decays = {
            id(parameter): group["weight_decay"]
            for group in (model.optimizer.param_groups if model.optimizer else ())
            for parameter in group["params"]
            if group.get("weight_decay", 0) > 0
        }
        norms = [
            (layer, parameter)
            for layer in model.of_kind(NORMS)
            for parameter in layer.module.parameters(recurse=False)
            if id(parameter) in decays and parameter.requires_grad
        ]
        if norms:
            layers = list(dict.fromkeys(layer for layer, _ in norms))
            name = f"norm {layers[0].path!r}"
            if len(layers) > 1:
                name = f"{len(layers)} norms (the first is {layers[0].path!r})"
            decay = decays[id(norms[0][1])]
            yield self.found(
                Channel.MODEL,
                layers[0].place,
                f"weight_decay={decay:g} applies to {counted(len(norms), 'parameter')} of {name}",
                HELP,
            )


def _decay(source: Source, call: Call) -> float | None:
    """Return the decay that an optimizer applies; None where there is none, or it is not known."""
    given = call.argument("weight_decay")
    if given is None and not call.has_unknown_arguments:
        return DEFAULTS.get(call.name or "")
    value = None if given is None else source.constant(given)
    return float(value) if isinstance(value, (int, float)) and value > 0 else None


def _model(call: Call) -> ast.expr | None:
    """Return what `.parameters()` is called on in the first argument."""
    given = call.argument("params", 0)
    if isinstance(given, ast.Call) and isinstance(given.func, ast.Attribute):
        return given.func.value if given.func.attr == "parameters" else None
    return None


def _has_norms(source: Source, call: Call, model: ast.expr) -> bool:
    """Whether a model is made in this file, of layers among which there are norms."""
    owner = source.class_of(call.function)
    if isinstance(model, ast.Name) and model.id == "self":
        return owner is not None and source.is_module(owner) and _holds(source, owner.node, set())
    made = source.makers(model)
    return bool(made) and all(_makes_norm(source, one, set()) for one in made)


def _makes_norm(source: Source, made: Call, seen: set[str]) -> bool:
    """Whether a call makes a norm, or a module of this file that holds one."""
    if made.name is None or made.name in seen:
        return False
    if kind_of_class(made.name) == "sequential":
        return _holds(source, made.node, seen)
    if kind_of_class(made.name) is not None:
        return kind_of_class(made.name) in NORMS
    classes = [
        one.node for one in source.classes if one.name == made.name and source.is_module(one)
    ]
    functions = [function.node for function in source.callees(made)]
    makers: list[ast.AST] = [*classes] or [*functions]
    return any(_holds(source, node, seen | {made.name}) for node in makers)


def _holds(source: Source, node: ast.AST, seen: set[str]) -> bool:
    """Whether a norm is made in a stretch of the program."""
    calls = [source.call(one) for one in ast.walk(node) if isinstance(one, ast.Call)]
    return any(_makes_norm(source, call, seen) for call in calls if call.node is not node)
