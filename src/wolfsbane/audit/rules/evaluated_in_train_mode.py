"""WB203."""

import ast
import re
from collections.abc import Iterator
from pathlib import PurePath

from wolfsbane.audit.finding import Channel, Finding, Severity
from wolfsbane.audit.rule import Example, Rule
from wolfsbane.audit.run.observer import Observer
from wolfsbane.audit.source.file import Function, Source
from wolfsbane.audit.source.modes import Evaluated, Record, modes_of
from wolfsbane.audit.source.modes.makers import dependent_layers

EVALUATION = frozenset(
    {"val", "valid", "validate", "validation", "test", "testing", "eval", "evaluate", "evaluation"}
    | {"dev", "heldout", "holdout", "infer", "inference", "predict", "prediction", "predictions"}
    | {"score", "scores", "accuracy", "acc", "metric", "metrics", "correct"}
)
"""Words in names that say that something is evaluated."""

TRAINING = frozenset({"forward", "training_step"})
"""Functions that are part of a training step, whatever they do without gradients."""

MEASURES = frozenset({"argmax", "topk", "item", "eq", "tolist"})
"""Methods with which a result is measured."""

WORD = re.compile(r"[A-Za-z][a-z]*|[A-Z]+")


class EvaluatedInTrainMode(Rule):
    """A model that is evaluated in training mode: `no_grad` taken for `eval()`.

    ## What it does

    Finds evaluations under `no_grad` or `inference_mode` of a model that has dropout or batch norm
    and is in training mode: it was made in this program, or put into training mode, and nothing
    called `eval()`. In a run, counts the calls without gradients in which dropout was on or batch
    norm updated.

    ## Why is this bad?

    `no_grad` saves memory; it does not change what layers do. Dropout goes on dropping, so that the
    measured accuracy is random and too low. Batch norm goes on normalising by the batch, and moves
    its running statistics towards the validation data.

    ## Example

    ```python
    import torch
    from torch import nn

    model = nn.Sequential(nn.Linear(20, 50), nn.ReLU(), nn.Dropout(0.5), nn.Linear(50, 2))
    model.load_state_dict(torch.load("model.pt"))
    correct = 0
    with torch.no_grad():
        for x, y in test_loader:
            correct += (model(x).argmax(1) == y).sum().item()
    ```

    ## Use instead

    ```python
    import torch
    from torch import nn

    model = nn.Sequential(nn.Linear(20, 50), nn.ReLU(), nn.Dropout(0.5), nn.Linear(50, 2))
    model.load_state_dict(torch.load("model.pt"))
    model.eval()
    correct = 0
    with torch.no_grad():
        for x, y in test_loader:
            correct += (model(x).argmax(1) == y).sum().item()
    ```

    ## When to ignore it

    Where randomness is wanted, as in Monte-Carlo dropout. Then let dropout alone be in training
    mode, or use `wolfsbane.mc_dropout`; both are not reported. One input that is put through the
    model several times is taken for Monte-Carlo dropout: WB206 looks at that, and this rule does
    not. Where batch norm's statistics are recomputed and the result is thrown away, nothing is
    reported; `torch.optim.swa_utils.update_bn` does it too.

    ## References

    - [detect-gpt#17](https://github.com/eric-mitchell/detect-gpt/issues/17)
    - [Locally disabling gradient computation](https://docs.pytorch.org/docs/stable/notes/autograd.html#evaluation-mode-nn-module-eval)
    """

    code = "WB203"
    name = "evaluated-in-train-mode"
    severity = Severity.ERROR
    examples = tuple(
        Example(
            f"""
import torch
from torch import nn

torch.manual_seed(0)
model = nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.Dropout(0.3), nn.Linear(8, 2))
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
for epoch in range(2):
    model.train()
    optimizer.zero_grad()
    model(torch.randn(5, 4)).square().mean().backward()
    optimizer.step()
    {mode}
    with torch.no_grad():
        print(model(torch.randn(5, 4)).square().mean().item())
""",
            Channel.RUN,
            is_invalid=mode == "pass",
        )
        for mode in ("pass", "model.eval()")
    )

    def check_source(self, source: Source) -> Iterator[Finding]:
        record, reported = modes_of(source), set[tuple[str, int]]()
        for call in record.evaluated:
            key = (call.path, id(call.function))
            is_evaluated = call.is_training and not call.is_method and not call.is_sampling
            if not is_evaluated or key in reported or not _is_used(source, call.node):
                continue
            if _is_evaluation(source, call) and _depends_on_mode(source, record, call):
                reported.add(key)
                yield self._found_in_source(source, call)

    def _found_in_source(self, source: Source, call: Evaluated) -> Finding:
        model = source.segment(call.node.func)
        nodes = [one.node for one in call.settings if isinstance(one.node, ast.Call)]
        set_at = min(nodes, key=lambda node: node.lineno, default=None)
        since = "in which it was made" if set_at is None else f"set in line {set_at.lineno}"
        related = () if set_at is None else ((source.place(set_at), "training mode is set here"),)
        return self.found(
            Channel.SOURCE,
            source.place(call.node),
            f"'{model}' is evaluated in training mode, {since}; no_grad does not change that",
            f"Call {model}.eval() before, and {model}.train() before training goes on",
            related=related,
        )

    def observer(self) -> Observer:
        from wolfsbane.audit.run.measures.evaluations import EvaluatedInTraining

        return EvaluatedInTraining(self)


def _depends_on_mode(source: Source, record: Record, call: Evaluated) -> bool:
    """Whether the mode makes a difference; of a model made elsewhere, that its mode is set."""
    kinds = dependent_layers(source, record.makers_of(call.path))
    if kinds is not None:
        return bool(kinds)
    is_set = any(setting.node is not None for setting in call.settings)
    is_part = any(call.path.startswith(f"{path}.") for path in record.made)
    is_chosen = _sets_evaluation(call.function)
    return is_set and not is_part and not is_chosen and record.is_trained(call.path)


def _sets_evaluation(function: Function) -> bool:
    """Whether a function calls eval() on something: then the rest may be left out on purpose."""
    nodes = (node for statement in function.body for node in ast.walk(statement))
    return any(isinstance(node, ast.Attribute) and node.attr == "eval" for node in nodes)


def _is_used(source: Source, node: ast.Call) -> bool:
    """Whether anything is done with a call's result."""
    return not isinstance(source.parent_of(node), ast.Expr)


def _is_evaluation(source: Source, call: Evaluated) -> bool:
    """Whether names say so, or the result is measured."""
    if call.function.name in TRAINING:
        return False
    given = [*call.node.args, *(keyword.value for keyword in call.node.keywords)]
    over = [loop.iter for loop in call.loops if hasattr(loop, "iter")]
    is_test = PurePath(source.path).name.startswith("test_")
    words = [word for word in call.words if not (is_test and word.startswith("test_"))]
    texts = [*words, *(source.segment(node) for node in (*given, *over))]
    return any(_words(text) & EVALUATION for text in texts) or _is_measured(source, call)


def _is_measured(source: Source, call: Evaluated) -> bool:
    around: ast.AST | None = call.node
    while around is not None and not isinstance(around, ast.With | ast.FunctionDef | ast.Module):
        around = source.parent_of(around)
    for part in ast.walk(around) if isinstance(around, ast.With | ast.FunctionDef) else ():
        if isinstance(part, ast.Attribute) and part.attr in MEASURES:
            return True
        if isinstance(part, ast.Name) and _words(part.id) & EVALUATION:
            return True
    return False


def _words(text: str) -> set[str]:
    return {word.lower() for word in WORD.findall(text)}
