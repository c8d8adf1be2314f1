"""WB109."""

import ast
from collections.abc import Iterator

from wolfsbane.audit.finding import Channel, Finding, Severity
from wolfsbane.audit.layer import Layer
from wolfsbane.audit.model.rates import own_operations, rate_of, rate_of_layer
from wolfsbane.audit.model.view import ModelView
from wolfsbane.audit.rule import Example, Rule
from wolfsbane.audit.source.file import Source
from wolfsbane.audit.source.patterns.rates import Rate, rates_of
from wolfsbane.audit.vocabulary import DROPOUTS

OFF_BY_DEFAULT = frozenset({"DropPath", "drop_path"})
"""Whose rate is 0 unless another is given: a 0 that is written there says nothing."""


class DropoutDropsNothing(Rule):
    """A drop rate of 0, with which a layer does nothing: `nn.Dropout(0)`.

    ## What it does

    Finds layers and functions whose rate is written as 0, `0.0` or `False`. Of a model that exists
    it tells, in one note, that no drop layer in it drops anything; but only where an optimizer is
    given with it, for most pretrained models have such dials, all at zero.

    A rate that comes from elsewhere, such as a configuration or an argument with the default 0, is
    no finding in a program's text: it is a dial, at its zero. Nor are layers that drop nothing
    unless they are told to, such as `nn.LSTM(..., dropout=0)`.

    ## Why is this bad?

    The layer looks like regularisation and is none. PyTorch says nothing about it. It is mostly a
    leftover of an experiment, or of a rate that was to be filled in later.

    ## Example

    ```python
    from torch import nn

    head = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Dropout(p=0), nn.Linear(64, 10))
    ```

    ```python model
    from torch import nn, optim

    rate = 0.0  # from a configuration that nobody filled in
    model = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Dropout(rate), nn.Linear(64, 10))
    optimizer = optim.AdamW(model.parameters())
    ```

    ## Use instead

    ```python
    from torch import nn

    head = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Dropout(p=0.2), nn.Linear(64, 10))
    ```

    ```python model
    from torch import nn, optim

    rate = 0.2
    model = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Dropout(rate), nn.Linear(64, 10))
    optimizer = optim.AdamW(model.parameters())
    ```

    ## When to ignore it

    Where the layer keeps a place, for a rate that is set later. A comment at the layer that says so
    does not silence the rule; `# noqa: WB109` does.

    ## References

    - [torch.nn.Dropout](https://docs.pytorch.org/docs/stable/generated/torch.nn.Dropout.html)
    """

    code = "WB109"
    name = "dropout-drops-nothing"
    severity = Severity.WARNING
    examples = (
        Example(
            "import torch.nn.functional as F\n"
            "from torch import nn\n"
            "class Net(nn.Module):\n"
            "    def forward(self, x):\n"
            "        return F.dropout(x, False, self.training)\n",
            Channel.SOURCE,
            is_invalid=True,
        ),
        Example(
            "from torch import nn\n"
            "class Net(nn.Module):\n"
            "    def __init__(self, dropout=0.0, num_layers=1):\n"
            "        super().__init__()\n"
            "        self.drop = nn.Dropout(dropout)\n"
            "        self.rnn = nn.LSTM(8, 8, 2, dropout=0.0)\n"
            "        self.last = nn.Dropout(0.1 if num_layers > 1 else 0.0)\n"
            "net = Net()\n",
            Channel.SOURCE,
            is_invalid=False,
        ),
        Example(
            "from torch import nn\n"
            "from torch.optim import SGD\n"
            "model = nn.Sequential(nn.Dropout(0.0), nn.Linear(4, 4), nn.Dropout(0.1))\n"
            "optimizer = SGD(model.parameters(), lr=0.1)\n",
            Channel.MODEL,
            is_invalid=False,
        ),
        Example(
            "from torch import nn\nmodel = nn.LSTM(8, 8, 2)\n", Channel.MODEL, is_invalid=False
        ),
    )

    def check_source(self, source: Source) -> Iterator[Finding]:
        for rate in rates_of(source):
            if rate.kind in DROPOUTS and rate.name not in OFF_BY_DEFAULT and _is_zero(rate):
                written = rate.expression
                yield self.found(
                    Channel.SOURCE,
                    source.place(written),
                    f"{rate.keyword}={source.segment(written)} of {rate.name} drops nothing",
                    "Give the fraction that is to be dropped, or leave the dropout out",
                )

    def check_model(self, model: ModelView) -> Iterator[Finding]:
        if model.optimizer is None:
            return
        layers = model.of_kind(DROPOUTS)
        rates = [rate_of_layer(layer) for layer in model.layers]
        rates += [rate_of(operation) for operation in own_operations(model)]
        if not layers or any(rates) or any(_may_drop_too(layer) for layer in model.layers):
            return
        first = layers[0]
        subject = (
            f"{first} is the only drop layer, and its rate is 0"
            if len(layers) == 1
            else f"all {len(layers)} drop layers, from {first} on, have a rate of 0"
        )
        yield self.found(
            Channel.MODEL,
            first.place,
            f"{subject}, so that nothing is dropped",
            "Set a rate where regularisation is wanted",
            severity=Severity.NOTE,
        )


def _may_drop_too(layer: Layer) -> bool:
    """Return whether a layer has an unknown rate, or a name that says it drops somehow."""
    if layer.kind in DROPOUTS:
        return rate_of_layer(layer) is None
    return layer.kind is None and "drop" in type(layer.module).__name__.lower()


def _is_zero(rate: Rate) -> bool:
    """Return whether a 0 stands in the call itself."""
    written = rate.expression
    return isinstance(written, ast.Constant) and written.value in (0, 0.0, False)
