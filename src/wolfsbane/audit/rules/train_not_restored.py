"""WB201."""

import ast
from collections.abc import Iterator

from wolfsbane.audit.finding import Channel, Edit, Finding, Fix, Severity, Span
from wolfsbane.audit.rule import Example, Rule
from wolfsbane.audit.run.observer import Observer
from wolfsbane.audit.source.file import Source
from wolfsbane.audit.source.modes import Mode, Trained, modes_of

LOOPS = (ast.For, ast.AsyncFor, ast.While)


class TrainNotRestored(Rule):
    """A model that is put into evaluation mode, and then trained on in it.

    ## What it does

    Follows the mode of a model through a program: `eval()` in a validation, and no `train()` before
    the next training step, in the loop or in the functions that it calls. In a run, counts the
    training steps in which dropout was off or batch norm did not update, after `eval()` was called.

    ## Why is this bad?

    From the first validation on, dropout drops nothing and batch norm keeps its old statistics. The
    model trains on, and nothing fails: it only generalises worse. A validation that restores the
    mode in which it found the model is right, and so is `train()` at the start of each epoch.

    ## Example

    ```python
    import torch

    def validate(model, loader):
        model.eval()
        with torch.no_grad():
            return sum((model(x).argmax(1) == y).sum().item() for x, y in loader)

    def fit(model, criterion, optimizer, train_loader, val_loader):
        model.train()
        for epoch in range(10):
            for x, y in train_loader:
                optimizer.zero_grad()
                criterion(model(x), y).backward()
                optimizer.step()
            print(epoch, validate(model, val_loader))
    ```

    ## Use instead

    ```python
    import torch

    def validate(model, loader):
        model.eval()
        with torch.no_grad():
            return sum((model(x).argmax(1) == y).sum().item() for x, y in loader)

    def fit(model, criterion, optimizer, train_loader, val_loader):
        for epoch in range(10):
            model.train()
            for x, y in train_loader:
                optimizer.zero_grad()
                criterion(model(x), y).backward()
                optimizer.step()
            print(epoch, validate(model, val_loader))
    ```

    ## When to ignore it

    Where a model is meant to be fine-tuned without dropout and with fixed batch statistics after it
    has been trained with them. Parts that are put into evaluation mode while the model itself
    trains, such as a frozen backbone, are not reported; nor are layers whose parameters do not
    train. A model that never was in training mode is WB202's affair.

    ## References

    - [pytorch-fcn#57](https://github.com/wkentaro/pytorch-fcn/issues/57)
    - [vsepp#4](https://github.com/fartashf/vsepp/issues/4)
    - [optuna#1725](https://github.com/optuna/optuna/issues/1725)
    - [Module.eval](https://docs.pytorch.org/docs/stable/generated/torch.nn.Module.html#torch.nn.Module.eval)
    """

    code = "WB201"
    name = "train-not-restored"
    severity = Severity.ERROR
    examples = tuple(
        Example(
            f"""
import torch
from torch import nn

torch.manual_seed(0)
model = nn.Sequential(nn.Linear(4, 8), nn.Dropout(0.3), nn.Linear(8, 2))
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
for epoch in range(2):
    {restored}
    for step in range(3):
        optimizer.zero_grad()
        model(torch.randn(5, 4)).square().mean().backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        model(torch.randn(5, 4))
""",
            Channel.RUN,
            is_invalid=restored == "pass",
        )
        for restored in ("pass", "model.train()")
    )

    def check_source(self, source: Source) -> Iterator[Finding]:
        record, clean, reported = modes_of(source), set[tuple[int, str]](), set[int]()
        evaluated = {id(setting.node) for one in record.evaluated for setting in one.settings}
        for step in record.trained:
            key = (id(step.node), step.path)
            modes = {setting.mode for setting in step.settings}
            is_after_evaluation = step.is_owned and modes == {Mode.EVALUATION}
            for setting in step.evaluating():
                node = setting.node
                is_found = key in clean or (is_after_evaluation and id(node) in evaluated)
                if is_found and isinstance(node, ast.Call) and id(node) not in reported:
                    reported.add(id(node))
                    yield self._found_in_source(source, node, step)
            if modes <= {Mode.TRAINING, Mode.GIVEN}:
                clean.add(key)

    def _found_in_source(self, source: Source, node: ast.Call, step: Trained) -> Finding:
        called = node.func
        model = source.segment(called.value) if isinstance(called, ast.Attribute) else "the model"
        shown = model if "\n" not in model else "the model"
        return self.found(
            Channel.SOURCE,
            source.place(node),
            f"'{shown}' is still in evaluation mode in the training step in line "
            f"{step.node.lineno}: train() is not called in between",
            "Call train() before each epoch's training steps, or where the evaluation ends",
            related=((source.place(step.node), "is trained here, in evaluation mode"),),
            fix=_fix(source, node, step),
        )

    def observer(self) -> Observer:
        from wolfsbane.audit.run.measures.trained_modes import Restoration

        return Restoration(self)


def _fix(source: Source, node: ast.Call, step: Trained) -> Fix | None:
    """Put train() before the training loop, or into it if it evaluates as well."""
    model = source.segment(step.node.func)
    called = node.func
    is_same = isinstance(called, ast.Attribute) and source.segment(called.value) == model
    if not (is_same or isinstance(step.node.func, ast.Name)):
        return None
    loop = _loop_around(source, step.node)
    if loop is None:
        return None
    target = loop.body[0] if _reaches(source, loop, node) else loop
    span = source.span(target)
    indent = source.lines[span.line - 1][: span.column - 1]
    if indent.strip():
        return None
    at = Span(span.line, span.column, span.line, span.column)
    edit = Edit(at, f"{model}.train()\n{indent}")
    return Fix(f"Call {model}.train() before the training steps", (edit,), is_safe=False)


def _loop_around(source: Source, node: ast.AST) -> ast.For | ast.AsyncFor | ast.While | None:
    function = source.function_of(node)
    around = source.parent_of(node)
    while around is not None and around is not function.node:
        if isinstance(around, LOOPS):
            return around
        around = source.parent_of(around)
    return None


def _reaches(source: Source, loop: ast.AST, node: ast.Call) -> bool:
    """Whether a loop runs a call: it stands in it, or in a function that is called in it."""
    target, waiting, seen = source.function_of(node).node, [loop], set[int]()
    while waiting:
        around = waiting.pop()
        for part in ast.walk(around):
            if part is node:
                return True
            if isinstance(part, ast.Call):
                functions = [callee.node for callee in source.callees(source.call(part))]
                if target in functions:
                    return True
                waiting += [one for one in functions if id(one) not in seen]
                seen |= {id(one) for one in functions}
    return False
