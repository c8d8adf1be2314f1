"""WB102."""

import ast
from collections.abc import Iterator

from wolfsbane.audit.finding import Channel, Finding, Fix, Severity
from wolfsbane.audit.model.view import ModelView
from wolfsbane.audit.operation import Operation
from wolfsbane.audit.rule import Example, Rule
from wolfsbane.audit.run.measures.evaluation_drops import EvaluationDrops
from wolfsbane.audit.source.file import Binding, Call, Function, Source
from wolfsbane.audit.source.patterns.corrections import argument_added, replaced
from wolfsbane.audit.source.patterns.evaluation import mode_in_reach, runs_in_evaluation
from wolfsbane.audit.traits.dropping import (
    ATTENTION,
    ATTENTIONS,
    described,
    placed,
    rate_of,
    signature_of,
)

DEEPEST = 6
"""Names of names that are followed."""

CONSTRUCTORS = frozenset({"__init__", "<module>"})
"""Functions that run once for each object, or once for all."""

HELP = "Pass dropout_p=p if self.training else 0.0"
HELP_WITH_A_SWITCH = "Pass training=self.training"

NET = """
import torch
import torch.nn.functional as F
from torch import nn

class Attention(nn.Module):
    def __init__(self, dropout):
        super().__init__()
        self.qkv = nn.Linear(8, 24)
        self.proj = nn.Linear(8, 8)
        self.dropout = dropout

    def forward(self, x):
        q, k, v = self.qkv(x).chunk(3, -1)
        return self.proj(F.scaled_dot_product_attention(q, k, v, dropout_p={rate}))

torch.manual_seed(0)
model, example_inputs = Attention(0.1), torch.randn(4, 5, 8)
"""
ALWAYS, GATED = "self.dropout", "self.dropout if self.training else 0.0"

TRAINING = """
optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
for _ in range(3):
    model.train()
    optimizer.zero_grad()
    F.mse_loss(model(example_inputs), example_inputs).backward()
    optimizer.step()
    model.eval()
    with torch.no_grad():
        model(example_inputs)
"""

SWITCHED = """
import torch.nn.functional as F
from torch import nn

class Attention(nn.Module):
    def __init__(self, p):
        super().__init__()
        self.drop = nn.Dropout(p)
        self.p = p

    def forward(self, q, k, v):
        p = self.p
        if not self.training:
            p = 0.0
        out = F.scaled_dot_product_attention(q, k, v, None, p)
        if self.training:
            out = F.scaled_dot_product_attention(q, k, out, dropout_p=self.drop.p)
        return attend(q, k, out, self.drop.p if self.training else 0.0)

def attend(q, k, v, dropout_p=0.0):
    return F.scaled_dot_product_attention(q, k, v, dropout_p=dropout_p)
"""


class AttentionDropoutAlwaysOn(Rule):
    """Attention whose dropout is on in evaluation too: a `dropout_p` that ignores the mode.

    ## What it does

    Finds `scaled_dot_product_attention` with a `dropout_p` that is fixed when the layer is made,
    and `multi_head_attention_forward` without `training=`. In a model or a run, it finds them
    dropping while the model is in eval mode.

    A rate that callers outside the file decide on is left alone.

    ## Why is this bad?

    `scaled_dot_product_attention` drops whenever `dropout_p` is not zero: it has no mode.
    `model.eval()` does not reach it: evaluation and generation go on dropping attention weights.

    ## Example

    ```python
    import torch.nn.functional as F
    from torch import nn

    class Attention(nn.Module):
        def __init__(self, dropout):
            super().__init__()
            self.dropout = dropout

        def forward(self, q, k, v):
            return F.scaled_dot_product_attention(q, k, v, dropout_p=self.dropout)
    ```

    ## Use instead

    ```python
    import torch.nn.functional as F
    from torch import nn

    class Attention(nn.Module):
        def __init__(self, dropout):
            super().__init__()
            self.dropout = dropout

        def forward(self, q, k, v):
            p = self.dropout if self.training else 0.0
            return F.scaled_dot_product_attention(q, k, v, dropout_p=p)
    ```

    ## When to ignore it

    Where samples are wanted in evaluation, as for Monte-Carlo dropout.

    ## References

    - [torch.nn.functional.scaled_dot_product_attention](https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.scaled_dot_product_attention.html)
    - [nanoGPT#240](https://github.com/karpathy/nanoGPT/issues/240),
      [timm#1978](https://github.com/huggingface/pytorch-image-models/issues/1978),
      [torchtune#1791](https://github.com/pytorch/torchtune/issues/1791),
      [pytorch#124464](https://github.com/pytorch/pytorch/issues/124464)
    """

    code = "WB102"
    name = "attention-dropout-always-on"
    severity = Severity.ERROR
    examples = (
        Example(NET.format(rate=ALWAYS), Channel.MODEL, is_invalid=True),
        Example(NET.format(rate=GATED), Channel.MODEL, is_invalid=False),
        Example(NET.format(rate=ALWAYS) + TRAINING, Channel.RUN, is_invalid=True),
        Example(NET.format(rate=GATED) + TRAINING, Channel.RUN, is_invalid=False),
        Example(SWITCHED, Channel.SOURCE, is_invalid=False),
    )

    def check_source(self, source: Source) -> Iterator[Finding]:
        for step in source.functions_of(ATTENTIONS):
            if step.call is None:
                continue
            rate = _rate_always_given(source, step.call)
            if rate is not None and runs_in_evaluation(source, step.node):
                yield self._at_call(source, step.call, rate)

    def _at_call(self, source: Source, call: Call, rate: ast.expr) -> Finding:
        mode = mode_in_reach(source, call.node)
        called = source.segment(call.node.func)
        given = " ".join(source.segment(rate).split())
        message = f"{called}(...) drops weights in evaluation too, with dropout_p={given}"
        place = source.place(call.node)
        help = HELP_WITH_A_SWITCH if _has_switch(call) else HELP
        fix = _fix(source, call, rate, mode) if mode else None
        return self.found(Channel.SOURCE, place, message, help, fix=fix)

    def check_model(self, model: ModelView) -> Iterator[Finding]:
        if model.tape is None or model.tape.training:
            return
        for operation in model.tape.operations:
            if _is_on(operation):
                message = f"{described(operation)} was on when the model ran in eval mode"
                help = HELP if operation.kind == ATTENTION else HELP_WITH_A_SWITCH
                yield self.found(Channel.MODEL, placed(operation), message, help)

    def observer(self) -> EvaluationDrops:
        return EvaluationDrops(_is_on, self._in_run)

    def _in_run(self, operation: Operation, num_calls: int) -> Finding:
        times = "1 call" if num_calls == 1 else f"{num_calls} calls"
        message = f"{described(operation)} was on in {times} of the model in eval mode"
        help = HELP if operation.kind == ATTENTION else HELP_WITH_A_SWITCH
        return self.found(Channel.RUN, placed(operation), message, help)


def _is_on(operation: Operation) -> bool:
    return operation.kind in ATTENTIONS and rate_of(operation) > 0


def _has_switch(call: Call) -> bool:
    signature = signature_of(call.name or "")
    return signature is not None and signature.training is not None


def _rate_always_given(source: Source, call: Call) -> ast.expr | None:
    """Return the rate of an attention that is on in both modes; None where it may not be."""
    signature = signature_of(call.name or "")
    if signature is None:
        return None
    rate = call.argument(signature.rate, signature.position(signature.rate))
    if rate is None or source.is_gated(rate) or not _is_fixed(source, rate, 0):
        return None
    if signature.training is not None:
        training = call.argument(signature.training, signature.position(signature.training))
        is_on = call.has_unknown_arguments is False if training is None else _is_true(training)
        return rate if is_on else None
    return rate


def _is_true(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value == 1


def _is_fixed(source: Source, node: ast.expr, depth: int) -> bool:
    """Whether a rate is not zero, and fixed when the program is written or the layer is made."""
    if isinstance(node, ast.Constant):
        return isinstance(node.value, float | int) and node.value > 0
    if depth > DEEPEST:
        return False
    if isinstance(node, ast.Name):
        bindings = source.definitions(node)
        return bool(bindings) and all(_is_fixed_by(source, one, depth) for one in bindings)
    if not isinstance(node, ast.Attribute):
        return False
    owners = source.owners(node.value)
    bindings = [one for owner in owners for one in source.attribute(owner, node.attr)]
    if bindings:
        return all(_is_made_once(source, one) for one in bindings)
    return _is_fixed(source, node.value, depth + 1)


def _is_fixed_by(source: Source, binding: Binding, depth: int) -> bool:
    """Whether a name is given a fixed rate, where it is a parameter by all its callers."""
    if binding.how == "assign" and binding.value is not None and not binding.path:
        return _is_fixed(source, binding.value, depth + 1)
    if binding.how != "parameter":
        return False
    given = [_given(source, binding, call) for call in source.callers(_owner(source, binding))]
    return bool(given) and all(
        value is not None and _is_fixed(source, value, depth + 1) for value in given
    )


def _given(source: Source, binding: Binding, call: Call) -> ast.expr | None:
    """Return what a call gives a parameter; its default where it gives none."""
    assert isinstance(binding.node, ast.arg)
    function = _owner(source, binding)
    names = [parameter.arg for parameter in function.parameters]
    is_bound = function.owner is not None and not function.is_static
    if binding.node.arg not in names or call.has_unknown_arguments:
        return None
    position = names.index(binding.node.arg) - is_bound
    return call.argument(binding.node.arg, position) or binding.value


def _owner(source: Source, binding: Binding) -> Function:
    return source.function_of(binding.node)


def _is_made_once(source: Source, binding: Binding) -> bool:
    """Whether an attribute gets its value, which is not zero, when its object is made."""
    function = source.function_of(binding.node)
    is_zero = binding.value is not None and source.constant(binding.value) in (0, None)
    return binding.how == "assign" and function.name in CONSTRUCTORS and not is_zero


def _fix(source: Source, call: Call, rate: ast.expr, mode: str) -> Fix | None:
    if _has_switch(call):
        edit = argument_added(source, call.node, f"training={mode}")
        given = call.argument("training", 13)
        if given is not None:
            edit = replaced(source, given, mode)
        is_safe = given is None
        return None if edit is None else Fix(f"Pass training={mode}", (edit,), is_safe)
    text = f"{source.segment(rate)} if {mode} else 0.0"
    return Fix(f"Pass {text}", (replaced(source, rate, text),), is_safe=True)
