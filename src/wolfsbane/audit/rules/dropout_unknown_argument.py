"""WB107."""

import ast
import linecache
import re
from collections.abc import Iterator

from wolfsbane.audit.finding import Channel, Edit, Finding, Fix, Severity, Span
from wolfsbane.audit.rule import Example, Rule
from wolfsbane.audit.run.observer import Failure, Observer
from wolfsbane.audit.source.file import Call, Source
from wolfsbane.audit.source.patterns.corrections import one_minus
from wolfsbane.audit.source.patterns.evaluation import is_test

LAYERS = frozenset(
    {"Dropout", "Dropout1d", "Dropout2d", "Dropout3d", "AlphaDropout", "FeatureAlphaDropout"}
)
FUNCTIONS = frozenset(
    {"dropout", "dropout1d", "dropout2d", "dropout3d", "alpha_dropout", "feature_alpha_dropout"}
)
LAYER_ARGUMENTS = ("p", "inplace")
FUNCTION_ARGUMENTS = ("input", "p", "training", "inplace")
LAYER_PACKAGES = ("torch.nn", "torch.nn.modules", "torch.nn.modules.dropout")
BASE_OF_LAYERS = "_DropoutNd"
"""The class of torch whose __init__ all dropout layers have, and which its message names."""

RATES = frozenset(
    {"rate", "drop_prob", "drop_rate", "dropout", "dropout_prob", "dropout_rate", "dropout_p"}
    | {"prob", "probability", "p_drop", "drop", "ratio", "dropout_ratio"}
)
"""What other libraries, and papers, call the probability of dropping."""

KEEPS = frozenset({"keep_prob", "keep_rate", "keep", "p_keep", "keep_p", "keep_probability"})
"""What those call it that state the probability of keeping, as TensorFlow 1 did."""

MODES = frozenset({"train", "is_training", "is_train", "train_mode"})
UNEXPECTED = re.compile(r"(?:(\w+)\.__init__|(\w+))\(\) got an unexpected keyword argument '(\w+)'")

FUNCTION = """
import torch.nn.functional as F
from torch import nn

class Net(nn.Module):
    def forward(self, x):
        return F.dropout(x, rate=0.1, training=self.training)
"""
KEEP = """
from torch import nn

net = nn.Sequential(nn.Linear(3, 3), nn.Dropout2d(keep_prob=0.9))
"""
KNOWN = """
import torch.nn.functional as F
from torch import nn
from keras.layers import Dropout

first = Dropout(rate=0.5)
second = nn.Dropout(p=0.5, inplace=False)
third = nn.Dropout(**{"p": 0.5})

def dropout(x, rate):
    return F.dropout(x, p=rate, training=False)

dropout(1.0, rate=0.5)
"""
RUN = """
import torch
from torch import nn

torch.manual_seed(0)
model = nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Dropout({rate}), nn.Linear(8, 1))
x = torch.randn(16, 4)
optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
for _ in range(3):
    optimizer.zero_grad()
    nn.functional.mse_loss(model(x), x[:, :1]).backward()
    optimizer.step()
"""


class DropoutUnknownArgument(Rule):
    """A dropout with an argument that it does not have, such as `rate=` or `keep_prob=`.

    ## What it does

    Finds keyword arguments that torch's dropout layers and functions do not take. In a run, it
    explains the TypeError that they raise.

    ## Why is this bad?

    It raises, perhaps only when the line is reached. The usual cause is another library's habit:
    Keras says `rate`, TensorFlow 1 said `keep_prob`, which is the opposite: `keep_prob=0.9` is
    `p=0.1`.

    ## Example

    ```python
    from torch import nn

    drop = nn.Dropout(rate=0.5)
    ```

    ## Use instead

    ```python
    from torch import nn

    drop = nn.Dropout(p=0.5)
    ```

    ## When to ignore it

    Where the name `nn` or `F` is given to another library at run time.

    ## References

    - [torch.nn.Dropout](https://docs.pytorch.org/docs/stable/generated/torch.nn.Dropout.html)
    - [tf.compat.v1.nn.dropout](https://www.tensorflow.org/api_docs/python/tf/compat/v1/nn/dropout):
      `keep_prob`, and `rate = 1 - keep_prob`
    """

    code = "WB107"
    name = "dropout-unknown-argument"
    severity = Severity.ERROR
    examples = (
        Example(FUNCTION, Channel.SOURCE, is_invalid=True),
        Example(KEEP, Channel.SOURCE, is_invalid=True),
        Example(KNOWN, Channel.SOURCE, is_invalid=False),
        Example(RUN.format(rate="rate=0.5"), Channel.RUN, is_invalid=True),
        Example(RUN.format(rate="p=0.5"), Channel.RUN, is_invalid=False),
    )

    def check_source(self, source: Source) -> Iterator[Finding]:
        for call in source.calls:
            known = _arguments_of(call.name)
            if not known or is_test(source, call.node):
                continue
            for given in call.node.keywords:
                if given.arg is not None and given.arg not in known:
                    yield self._at(source, call, given, known)

    def _at(
        self, source: Source, call: Call, given: ast.keyword, known: tuple[str, ...]
    ) -> Finding:
        assert given.arg is not None
        name = source.segment(call.node.func)
        message = f"{name} has no argument {given.arg!r}, and raises TypeError"
        is_free = not any(one.arg == "p" for one in call.node.keywords) and (
            len(call.node.args) <= known.index("p")
        )
        fix = _fix(source, given) if is_free and not call.has_unknown_arguments else None
        return self.found(
            Channel.SOURCE, source.place(given), message, _help(given.arg, known), fix=fix
        )

    def observer(self) -> Observer:
        return _Errors(self)

    def explained(self, failure: Failure) -> Finding | None:
        """Return what the error that ended a run means, if it is this one."""
        found = UNEXPECTED.search(str(failure.error))
        if found is None or not isinstance(failure.error, TypeError):
            return None
        layer, function, argument = found.groups()
        known: tuple[str, ...]
        if layer == BASE_OF_LAYERS:
            called, known = "a dropout layer", LAYER_ARGUMENTS
        elif function in FUNCTIONS and not _is_own(failure.error, function):
            called, known = f"F.{function}", FUNCTION_ARGUMENTS
        else:
            return None
        message = f"the run ended with a TypeError: {called} has no argument {argument!r}"
        return self.found(Channel.RUN, failure.place, message, _help(argument, known))


class _Errors(Observer):
    """Waits for the error."""

    def __init__(self, rule: DropoutUnknownArgument) -> None:
        self._rule = rule
        self._found: list[Finding] = []

    def on_failure(self, failure: Failure) -> None:
        finding = self._rule.explained(failure)
        if finding is not None:
            self._found.append(finding)

    def findings(self) -> Iterator[Finding]:
        return iter(self._found)


def _arguments_of(name: str | None) -> tuple[str, ...]:
    """Return the arguments of a dropout of torch; none for anything else."""
    package, _, last = (name or "").rpartition(".")
    if last in LAYERS and package in LAYER_PACKAGES:
        return LAYER_ARGUMENTS
    return FUNCTION_ARGUMENTS if last in FUNCTIONS and package == "torch.nn.functional" else ()


def _help(argument: str, known: tuple[str, ...]) -> str:
    if argument in KEEPS:
        return f"Pass p=, the probability of dropping: 1 - {argument}"
    if argument in RATES:
        return "Pass p=, the probability of dropping"
    if argument in MODES or argument == "training":
        if "training" in known:
            return "Pass training="
        return "Leave it out: model.train() and model.eval() set a layer's mode"
    return f"Pass what it has: {', '.join(known)}"


def _fix(source: Source, given: ast.keyword) -> Fix | None:
    assert given.arg is not None
    span = source.span(given)
    end = Span(span.line, span.column, span.line, span.column + len(given.arg))
    if given.arg in RATES:
        return Fix("Rename it to p", (Edit(end, "p"),), is_safe=False)
    if given.arg not in KEEPS:
        return None
    value = source.constant(given.value)
    if isinstance(given.value, ast.Constant) and isinstance(value, float | int):
        text = f"{round(1 - value, 12):g}"
    else:
        text = one_minus(source, given.value)
    edits = (Edit(end, "p"), Edit(source.span(given.value), text))
    return Fix(f"Pass p={text}", edits, is_safe=False)


def _is_own(error: BaseException, function: str) -> bool:
    """Whether the line that raised calls a function of the program's own that has this name."""
    traceback = error.__traceback__
    if traceback is None:
        return False
    while traceback.tb_next is not None:
        traceback = traceback.tb_next
    frame = traceback.tb_frame
    meant = {**frame.f_globals, **frame.f_locals}.get(function)
    if meant is None or getattr(meant, "__module__", "").startswith("torch."):
        return False
    line = linecache.getline(frame.f_code.co_filename, traceback.tb_lineno)
    return f".{function}(" not in line
