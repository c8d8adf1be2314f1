"""WB204."""

import ast
import re
from collections.abc import Iterator

from wolfsbane.audit.finding import Channel, Edit, Finding, Fix, Severity, Span
from wolfsbane.audit.rule import Example, Rule
from wolfsbane.audit.source.file import Class, Source

MODES = ("eval", "train")
NAME_OF_A_MODEL = re.compile(
    r"(^|_)(model|net|network|module|encoder|decoder|generator|discriminator|backbone|classifier"
    r"|student|teacher|actor|critic|policy|regressor|head|mlp|cnn|rnn|lstm|resnet\w*|vae|unet|gan)s?"
    r"(\d|_|$)|(Model|Net)\d*$|^net[A-Z]?\w?$|^[GD](_\w+)?$",
)
OF_A_MODULE = frozenset(
    {"parameters", "named_parameters", "state_dict", "load_state_dict", "zero_grad", "modules"}
)
"""Methods by whose use a module is known."""


class ModeNotCalled(Rule):
    """`model.eval` or `model.train` without parentheses, which does nothing.

    ## What it does

    Finds statements that name a model's `eval` or `train` and do not call it.

    ## Why is this bad?

    `model.eval` alone is a valid statement that computes a bound method and throws it away. The
    mode stays what it was: dropout goes on dropping in the evaluation.

    ## Example

    ```python
    import torch

    def evaluate(model, loader):
        model.eval
        with torch.no_grad():
            return [model(x) for x in loader]
    ```

    ## Use instead

    ```python
    import torch

    def evaluate(model, loader):
        model.eval()
        with torch.no_grad():
            return [model(x) for x in loader]
    ```

    ## When to ignore it

    Never, for a module. What is not known to be one, such as `dataset.train`, is not reported.

    ## References

    - [Module.eval](https://docs.pytorch.org/docs/stable/generated/torch.nn.Module.html#torch.nn.Module.eval)
    - [Expression statements](https://docs.python.org/3/reference/simple_stmts.html#expression-statements)
    """

    code = "WB204"
    name = "mode-not-called"
    severity = Severity.ERROR
    examples = (
        Example("import torch\nmnist = load()\nmnist.train\n", Channel.SOURCE, is_invalid=False),
        Example("import torch\nnet.train\n", Channel.SOURCE, is_invalid=True),
    )

    def check_source(self, source: Source) -> Iterator[Finding]:
        if not re.search(r"\.(eval|train)\b(?!\s*\()", source.text):
            return
        for node in ast.walk(source.tree):
            if not (isinstance(node, ast.Expr) and isinstance(node.value, ast.Attribute)):
                continue
            named = node.value
            if named.attr in MODES and _is_module(source, named.value):
                yield self._found_in_source(source, named)

    def _found_in_source(self, source: Source, node: ast.Attribute) -> Finding:
        text, span = source.segment(node), source.span(node)
        end = Span(span.end_line, span.end_column, span.end_line, span.end_column)
        fix = Fix(f"Call {node.attr}()", (Edit(end, "()"),), is_safe=True)
        return self.found(
            Channel.SOURCE,
            source.place(node),
            f"`{text}` is not called: the model's mode stays what it was",
            f"Write {text}()",
            fix=fix,
        )


def _is_module(source: Source, node: ast.expr) -> bool:
    """Whether an expression plausibly is a module: by its making, its use, or its name."""
    if isinstance(node, ast.Name) and node.id in ("self", "cls"):
        owner = source.class_of(source.function_of(node))
        return owner is not None and source.is_module(owner)
    name = source.name_of(node)
    if name is not None and name != source.segment(node):
        return False  # What is imported is a module of Python, or a function.
    modules = {one.name: one for one in source.classes}
    for call in source.makers(node):
        made = modules.get(call.name or "")
        if isinstance(made, Class):
            return source.is_module(made)
    last = node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")
    return bool(NAME_OF_A_MODEL.search(last)) or _is_used_as_module(source, node)


def _is_used_as_module(source: Source, node: ast.expr) -> bool:
    text = ast.unparse(node)
    return any(
        call.attribute in OF_A_MODULE
        and call.receiver is not None
        and ast.unparse(call.receiver) == text
        for call in source.calls
    )
