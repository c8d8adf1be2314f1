"""WB101."""

import ast
from collections.abc import Iterator

from wolfsbane.audit.finding import Channel, Finding, Fix, Severity
from wolfsbane.audit.model.view import ModelView
from wolfsbane.audit.operation import Operation
from wolfsbane.audit.rule import Example, Rule
from wolfsbane.audit.run.measures.evaluation_drops import EvaluationDrops
from wolfsbane.audit.source.file import Call, Source
from wolfsbane.audit.source.patterns.corrections import argument_added, replaced
from wolfsbane.audit.source.patterns.evaluation import (
    is_explained,
    is_given_by_strangers,
    mode_in_reach,
    runs_in_evaluation,
)
from wolfsbane.audit.spellings import kind_of_function
from wolfsbane.audit.traits.dropping import described, placed, rate_of, signature_of
from wolfsbane.audit.vocabulary import DROPOUTS

HELP = "Pass training=self.training"
HELP_WITHOUT_A_MODEL = "Take the mode as a parameter, and pass it on as {}="

MODEL = """
import torch
import torch.nn.functional as F
from torch import nn

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(4, 3)

    def forward(self, x):
        return self.fc({call})

model = Net()
example_inputs = torch.randn(2, 4)
"""

RUN = """
import torch
import torch.nn.functional as F
from torch import nn

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(4, 8)
        self.head = nn.Linear(8, 1)

    def forward(self, x):
        h = torch.tanh(self.fc(x))
        return self.head({call})

torch.manual_seed(0)
model, x = Net(), torch.randn(16, 4)
optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
for _ in range(3):
    model.train()
    optimizer.zero_grad()
    nn.functional.mse_loss(model(x), x[:, :1]).backward()
    optimizer.step()
    model.eval()
    with torch.no_grad():
        model(x)
"""

PRENET = """
import torch.nn.functional as F
from torch import nn

class Prenet(nn.Module):
    def forward(self, x):
        for layer in self.layers:
            x = F.dropout(F.relu(layer(x)), p=0.5, training=True)
        return x
"""

GATED = """
import functools
import torch
import torch.nn.functional as F
from torch import nn

class Net(nn.Module):
    def forward(self, x):
        p = self.p if self.training else 0.0
        x = F.dropout(x, p)
        if self.training:
            x = F.dropout(x, 0.1)
        if not self.training:
            return x
        return self.noise(functools.partial(F.dropout, training=self.training)(x))

    def noise(self, x, is_train=True):
        return helper(F.dropout(x, 0.2, is_train), self.training)

def attention(scores, value, dropout_p=0.0):
    return F.dropout(scores.softmax(-1), dropout_p) @ value

def helper(x, mode):
    return F.dropout(F.dropout(x, 0.0), 0.5, mode)

class Sampler(nn.Module):
    def forward(self, x):
        # Stays on in evaluation: each pass has to be another sample.
        return F.dropout(x, 0.5, training=True)

subjects = {"dropout": lambda x: F.dropout(x, 0.5)}

def test_it_drops():
    assert (F.dropout(torch.ones(99), 0.5) == 0).any()
"""


class DropoutAlwaysOn(Rule):
    """Dropout that is on in evaluation too: `F.dropout` without `training=`.

    ## What it does

    Finds `torch.nn.functional.dropout` and its relatives called without `training`, or with
    `training=True`. In a model or a run, it finds them dropping while the model is in eval mode.

    Calls under `if self.training:`, with a rate that depends on the mode or that callers elsewhere
    decide on, in tests, in a script's own lines, and in functions that call `backward()` themselves
    are left alone.

    ## Why is this bad?

    The function's default is `training=True`. A layer knows its mode; a function does not, so
    `model.eval()` does not reach it: evaluation and deployment go on dropping, and their results
    are random and worse.

    ## Example

    ```python
    import torch.nn.functional as F
    from torch import nn

    class Net(nn.Module):
        def forward(self, x):
            return F.dropout(x, 0.5)
    ```

    ## Use instead

    ```python
    import torch.nn.functional as F
    from torch import nn

    class Net(nn.Module):
        def forward(self, x):
            return F.dropout(x, 0.5, training=self.training)
    ```

    ## When to ignore it

    Where dropout is meant to be on in evaluation, as in Tacotron 2's prenet: `# noqa: WB101`, or a
    comment at the call that says so ("always applies dropout"), in the source;
    `audit.allow(model.prenet, "WB101", reason="...")` for a model.

    ## References

    - [torch.nn.functional.dropout](https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.dropout.html)
    - [pytorch#26338](https://github.com/pytorch/pytorch/issues/26338)
    - J. Shen et al. (2018), Natural TTS synthesis by conditioning WaveNet on mel spectrogram
      predictions, arXiv:1712.05884: the prenet whose dropout stays on
    """

    code = "WB101"
    name = "dropout-always-on"
    severity = Severity.ERROR
    examples = (
        Example(MODEL.format(call="F.dropout(x, 0.5)"), Channel.MODEL, is_invalid=True),
        Example(
            MODEL.format(call="F.dropout(x, 0.5, self.training)"), Channel.MODEL, is_invalid=False
        ),
        Example(RUN.format(call="F.dropout(h, 0.5)"), Channel.RUN, is_invalid=True),
        Example(RUN.format(call="F.dropout(h, 0.5, self.training)"), Channel.RUN, is_invalid=False),
        Example(PRENET, Channel.SOURCE, is_invalid=True),
        Example(GATED, Channel.SOURCE, is_invalid=False),
    )

    def check_source(self, source: Source) -> Iterator[Finding]:
        for call in source.calls:
            if call.name is None or kind_of_function(call.name) not in DROPOUTS:
                continue
            defect = _always_on(source, call)
            if defect is not None and runs_in_evaluation(source, call.node):
                yield self._at_call(source, call, *defect)

    def _at_call(self, source: Source, call: Call, defect: str, switch: str) -> Finding:
        mode = mode_in_reach(source, call.node)
        help = HELP if mode else HELP_WITHOUT_A_MODEL.format(switch)
        fix = _fix(source, call, switch, mode) if mode else None
        called = source.segment(call.node.func)
        return self.found(
            Channel.SOURCE,
            source.place(call.node),
            f"{called}(...) {defect}, so it drops in evaluation too",
            help,
            fix=fix,
        )

    def check_model(self, model: ModelView) -> Iterator[Finding]:
        if model.tape is None or model.tape.training:
            return
        for operation in model.tape.operations:
            if _is_on(operation):
                place = placed(operation)
                message = f"{described(operation)} was on when the model ran in eval mode"
                yield self.found(Channel.MODEL, place, message, HELP)

    def observer(self) -> EvaluationDrops:
        return EvaluationDrops(_is_on, self._in_run)

    def _in_run(self, operation: Operation, num_calls: int) -> Finding:
        times = "1 call" if num_calls == 1 else f"{num_calls} calls"
        message = f"{described(operation)} was on in {times} of the model in eval mode"
        return self.found(Channel.RUN, placed(operation), message, HELP)


def _always_on(source: Source, call: Call) -> tuple[str, str] | None:
    """Return why a call always drops, and the parameter that says when; None where it may not."""
    signature = signature_of(call.name or "")
    if signature is None or signature.training is None or is_explained(source, call.node):
        return None
    switch = signature.training
    training = call.argument(switch, signature.position(switch))
    if training is None and signature.default_training and not call.has_unknown_arguments:
        defect = f"is given no {switch}=, which is True by default"
    elif isinstance(training, ast.Constant) and training.value == 1:
        defect = f"is given {switch}=True"
    else:
        return None
    # Where the rate comes from is asked last: following it is what takes time.
    rate = call.argument(signature.rate, signature.position(signature.rate))
    may_drop = signature.default_rate if rate is None else not _may_be_zero(source, rate)
    return (defect, switch) if may_drop else None


def _may_be_zero(source: Source, rate: ast.expr) -> bool:
    """Whether a rate is zero, depends on the mode, or is what callers elsewhere decide on."""
    is_zero = source.constant(rate) in (0, None)
    return is_zero or source.is_gated(rate) or is_given_by_strangers(source, rate)


def _fix(source: Source, call: Call, switch: str, mode: str) -> Fix | None:
    signature = signature_of(call.name or "")
    assert signature is not None
    given = call.argument(switch, signature.position(switch))
    does = f"Pass {switch}={mode}"
    if given is not None:  # training=True was written on purpose, perhaps for a reason.
        return Fix(does, (replaced(source, given, mode),), is_safe=False)
    edit = argument_added(source, call.node, f"{switch}={mode}")
    return None if edit is None else Fix(does, (edit,), is_safe=True)


def _is_on(operation: Operation) -> bool:
    return operation.kind in DROPOUTS and rate_of(operation) > 0
