"""WB110."""

import ast
from collections.abc import Iterator, Mapping
from dataclasses import replace

from wolfsbane.audit.finding import Channel, Edit, Finding, Fix, Severity, Span
from wolfsbane.audit.model.view import ModelView
from wolfsbane.audit.rule import Example, Rule
from wolfsbane.audit.source.calls import Call
from wolfsbane.audit.source.file import Source

DROPOUT_AT: Mapping[str, int] = {"RNN": 6, "LSTM": 5, "GRU": 5}
NUM_LAYERS_AT = 2

HELP = "Leave dropout out, or put an nn.Dropout behind the layer, or set num_layers to 2 or more"


class RnnDropoutOneLayer(Rule):
    """`dropout=` of a recurrent layer that has one level, where it does nothing.

    ## What it does

    Finds `nn.LSTM`, `nn.GRU` and `nn.RNN` that are given `dropout=`, and have one level: the
    default of `num_layers`.

    ## Why is this bad?

    A recurrent layer drops between its levels, behind all but the last. With one level there is no
    between, and nothing is dropped, whatever the rate. PyTorch warns of it once, in the middle of
    all that a start prints.

    ## Example

    ```python
    from torch import nn

    encoder = nn.LSTM(128, 256, batch_first=True, dropout=0.5)
    ```

    ```python model
    from torch import nn

    model = nn.GRU(16, 32, dropout=0.3)
    ```

    ## Use instead

    ```python
    from torch import nn

    encoder = nn.LSTM(128, 256, num_layers=2, batch_first=True, dropout=0.5)
    ```

    ```python model
    from torch import nn

    model = nn.GRU(16, 32, num_layers=2, dropout=0.3)
    ```

    ## When to ignore it

    Where the number of levels is about to grow: `# noqa: WB110`. A number that is not written in
    the call is no finding in a program's text.

    ## References

    - [torch.nn.LSTM](https://docs.pytorch.org/docs/stable/generated/torch.nn.LSTM.html)
    - [pyro#1415](https://github.com/pyro-ppl/pyro/issues/1415)
    - [allennlp#2768](https://github.com/allenai/allennlp/pull/2768)
    """

    code = "WB110"
    name = "rnn-dropout-one-layer"
    severity = Severity.WARNING
    examples = (
        Example(
            "from torch import nn\n"
            "class Tagger(nn.Module):\n"
            "    def __init__(self, num_layers=1, dropout=0.5):\n"
            "        super().__init__()\n"
            "        self.rnn = nn.LSTM(8, 8, num_layers, dropout=dropout)\n"
            "        self.one = nn.GRU(8, 8, 1, dropout=0)\n"
            "        self.two = nn.GRU(8, 8, **dict(dropout=0.1))\n"
            "tagger = Tagger()\n",
            Channel.SOURCE,
            is_invalid=False,
        ),
    )

    def check_source(self, source: Source) -> Iterator[Finding]:
        for creation in source.creations:
            if creation.kind != "recurrent" or creation.call.has_unknown_arguments:
                continue
            call = creation.call
            name = (call.name or "").rpartition(".")[2]
            dropout = call.argument("dropout", DROPOUT_AT.get(name))
            if dropout is None or source.constant(dropout) == 0 or not _has_one_level(source, call):
                continue
            yield self.found(
                Channel.SOURCE,
                source.place(dropout),
                f"dropout={source.segment(dropout)} of {name} does nothing: it drops between "
                "levels, and num_layers is 1",
                HELP,
                fix=_fix(source, call, dropout),
            )

    def check_model(self, model: ModelView) -> Iterator[Finding]:
        for layer in model.of_kind({"recurrent"}):
            rate = getattr(layer.module, "dropout", 0)
            if getattr(layer.module, "num_layers", 2) == 1 and rate:
                message = (
                    f"dropout={rate:g} of {layer} does nothing: it drops between levels, and "
                    "num_layers is 1"
                )
                yield self.found(Channel.MODEL, layer.place, message, HELP)


def _has_one_level(source: Source, call: Call) -> bool:
    """Return whether the call says so itself, or a name that was given 1 and nothing else."""
    given = call.argument("num_layers", NUM_LAYERS_AT)
    if given is None:
        return True
    # Through a parameter, another caller may give another number.
    is_assigned = all(
        origin is given or isinstance(source.parent_of(origin), ast.Assign | ast.AnnAssign)
        for origin in source.origins(given)
    )
    return is_assigned and source.constant(given) == 1


def _fix(source: Source, call: Call, dropout: ast.expr) -> Fix | None:
    """Return the removal of a keyword with the comma before it, where nothing else is between."""
    given = [*call.node.args, *call.node.keywords]
    keyword = next((one for one in call.node.keywords if one.value is dropout), None)
    if keyword is None:
        return None
    own = source.span(keyword)
    before = max((source.span(one) for one in given if source.span(one) < own), default=None)
    if before is None:
        return None
    removed = Span(before.end_line, before.end_column, own.end_line, own.end_column)
    if _text(source, replace(removed, end_line=own.line, end_column=own.column)).strip() != ",":
        return None
    does = "Remove dropout, which has no effect here"
    return Fix(does, (Edit(removed, ""),), is_safe=True)


def _text(source: Source, span: Span) -> str:
    lines = list(source.lines[span.line - 1 : span.end_line])
    lines[-1] = lines[-1][: span.end_column - 1]
    lines[0] = lines[0][span.column - 1 :]
    return "\n".join(lines)
