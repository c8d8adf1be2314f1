"""WB108."""

import ast
from collections.abc import Iterator

from wolfsbane.audit.finding import Channel, Edit, Finding, Fix, Severity
from wolfsbane.audit.model.rates import own_operations, rate_of, rate_of_layer
from wolfsbane.audit.model.subject import place_of, subject_of
from wolfsbane.audit.model.view import ModelView
from wolfsbane.audit.rule import Example, Rule
from wolfsbane.audit.source.file import Source
from wolfsbane.audit.source.patterns.rates import Rate, numbers_of, rates_of

NEARLY_ONE = 1 - 1e-9
"""Of what is dropped at this rate, not one of a billion numbers is kept."""

MODES = ("training", "is_training", "is_train")
"""Names of a mode."""

HELP = (
    "Write the fraction that is dropped; 1 is what keeps everything where a keep_prob is asked for"
)


class DropoutDropsEverything(Rule):
    """A drop rate of 1, which leaves nothing but zeros: `nn.Dropout(1)`, `nn.Dropout(True)`.

    ## What it does

    Finds drop rates of 1 in layers and functions, also those that are written as `True` (which
    counts as 1), and a mode that is passed as the rate: in `F.dropout(x, self.training)` the second
    argument is `p`.

    ## Why is this bad?

    In training the output is zero, and no gradient comes back through it. In evaluation the same
    layer passes everything on, so what is behind it meets numbers it has never seen. PyTorch allows
    it and says nothing.

    ## Example

    ```python
    from torch import nn

    class Head(nn.Module):
        def __init__(self):
            super().__init__()
            self.keep = nn.Dropout(1.0)
            self.out = nn.Linear(64, 10)

        def forward(self, x):
            return self.out(self.keep(x))
    ```

    ```python model
    from torch import nn

    model = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Dropout(True), nn.Linear(64, 10))
    ```

    ## Use instead

    ```python
    from torch import nn

    class Head(nn.Module):
        def __init__(self):
            super().__init__()
            self.drop = nn.Dropout(0.5)
            self.out = nn.Linear(64, 10)

        def forward(self, x):
            return self.out(self.drop(x))
    ```

    ```python model
    from torch import nn

    model = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Dropout(0.2), nn.Linear(64, 10))
    ```

    ## When to ignore it

    Where a branch is to be cut off in training on purpose, as in a test or an ablation.

    ## References

    - [torch.nn.Dropout](https://docs.pytorch.org/docs/stable/generated/torch.nn.Dropout.html)
    - [tf.compat.v1.nn.dropout](https://www.tensorflow.org/api_docs/python/tf/compat/v1/nn/dropout),
      where `keep_prob=1` keeps everything
    """

    code = "WB108"
    name = "dropout-drops-everything"
    severity = Severity.ERROR
    examples = (
        Example(
            "import torch.nn.functional as F\n"
            "from torch import nn\n"
            "class Net(nn.Module):\n"
            "    def forward(self, x):\n"
            "        return F.dropout(x, self.training)\n",
            Channel.SOURCE,
            is_invalid=True,
        ),
        Example(
            "import torch.nn.functional as F\n"
            "from torch import nn\n"
            "class Net(nn.Module):\n"
            "    def forward(self, x):\n"
            "        return F.dropout(x, training=self.training)\n",
            Channel.SOURCE,
            is_invalid=False,
        ),
    )

    def check_source(self, source: Source) -> Iterator[Finding]:
        for rate in rates_of(source):
            if _is_mode(rate.expression):
                yield self.found(
                    Channel.SOURCE,
                    source.place(rate.expression),
                    f"the mode is passed as {rate.name}'s {rate.keyword}: in training that is "
                    f"{rate.keyword}=1, and everything is dropped",
                    "Pass the mode as training=, and a rate as p=",
                    fix=_fix(source, rate),
                )
            for written, value in numbers_of(source, rate):
                if NEARLY_ONE <= value <= 1 and not (value is True and rate.kind == "recurrent"):
                    yield self.found(
                        Channel.SOURCE,
                        source.place(written),
                        f"{rate.keyword}={value} of {rate.name} drops everything: in training "
                        "only zeros come out",
                        HELP,
                    )

    def check_model(self, model: ModelView) -> Iterator[Finding]:
        for layer in model.layers:
            rate = rate_of_layer(layer)
            if rate is not None and NEARLY_ONE <= rate <= 1:
                message = f"{layer} has a drop rate of {rate:g}: in training only zeros come out"
                yield self.found(Channel.MODEL, layer.place, message, HELP)
        for operation in own_operations(model):
            rate = rate_of(operation) or 0.0
            if NEARLY_ONE <= rate <= 1:
                message = f"{subject_of(operation)} has p={rate:g}: in training only zeros come out"
                yield self.found(Channel.MODEL, place_of(operation), message, HELP)


def _is_mode(expression: ast.expr) -> bool:
    is_attribute = isinstance(expression, ast.Attribute) and expression.attr == "training"
    return is_attribute or (isinstance(expression, ast.Name) and expression.id in MODES)


def _fix(source: Source, rate: Rate) -> Fix | None:
    if rate.kind == "attention" or rate.call.argument("training", 2) is not None:
        return None
    edit = Edit(source.span(rate.expression), f"training={source.segment(rate.expression)}")
    is_positional = rate.expression in rate.call.node.args[-1:] and not rate.call.node.keywords
    does = "Pass the mode as training="
    return Fix(does, (edit,), is_safe=False) if is_positional else None
