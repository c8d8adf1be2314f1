"""WB106."""

import ast
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from wolfsbane.arguments import LARGEST_PERCENTAGE, SMALLEST_PERCENTAGE
from wolfsbane.audit.finding import Channel, Edit, Finding, Fix, Severity
from wolfsbane.audit.rule import Example, Rule
from wolfsbane.audit.run.observer import Failure, Observer
from wolfsbane.audit.source.file import Source
from wolfsbane.audit.source.patterns.rates import Rate, numbers_of, rates_of

REFUSED = re.compile(
    r"dropout probability has to be between 0 and 1, but got (?P<given>[^\s,]+?)\.?(\s|$)"
    r"|dropout should be a number in range \[0, 1\]"
)
"""How torch, and this project, refuse a rate; the second is the recurrent layers' way."""


class DropoutRateOutOfRange(Rule):
    """A drop rate that is not between 0 and 1, often a percentage: `nn.Dropout(30)`.

    ## What it does

    Finds drop rates below 0 or above 1, in layers (`nn.Dropout`, `nn.LSTM`, `nn.MultiheadAttention`
    and their relatives) and in functions (`F.dropout`). In a run it explains the error that PyTorch
    raises: which layer, which line, which rate was meant.

    ## Why is this bad?

    A rate is the fraction that is dropped. PyTorch refuses any other number, but some layers only
    when they are called in training for the first time, which may be long after the data was
    loaded, and its message names neither the layer nor the way out.

    ## Example

    ```python
    from torch import nn

    head = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Dropout(30), nn.Linear(64, 10))
    ```

    ## Use instead

    ```python
    from torch import nn

    head = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Dropout(0.3), nn.Linear(64, 10))
    ```

    ## When to ignore it

    Where such a rate is refused on purpose: `# noqa: WB106`. Within `pytest.raises` and its like it
    is no finding.

    ## References

    - [torch.nn.Dropout](https://docs.pytorch.org/docs/stable/generated/torch.nn.Dropout.html)
    """

    code = "WB106"
    name = "dropout-rate-out-of-range"
    severity = Severity.ERROR
    examples = (
        Example(
            "import torch\n"
            "from torch import nn\n"
            "model = nn.Sequential(nn.Linear(4, 4), nn.Dropout(), nn.Linear(4, 2))\n"
            "optimizer = torch.optim.SGD(model.parameters(), lr=0.1)\n"
            "for rate in (0.5, 50):\n"
            "    model[1].p = rate\n"
            "    model(torch.randn(8, 4)).square().mean().backward()\n"
            "    optimizer.step()\n",
            Channel.RUN,
            is_invalid=True,
        ),
        Example(
            "import torch\n"
            "from torch import nn\n"
            "model = nn.Sequential(nn.Linear(4, 4), nn.Dropout(), nn.Linear(4, 2))\n"
            "optimizer = torch.optim.SGD(model.parameters(), lr=0.1)\n"
            "for rate in (0.5, 0.6):\n"
            "    model[1].p = rate\n"
            "    model(torch.randn(8, 4)).square().mean().backward()\n"
            "    optimizer.step()\n",
            Channel.RUN,
            is_invalid=False,
        ),
        Example(
            "import torch.nn.functional as F\n"
            "def noise(x, training):\n"
            "    return F.dropout(x, p=-0.1, training=training)\n",
            Channel.SOURCE,
            is_invalid=True,
        ),
        Example(
            "from torch import nn\nRATE = 0\ndrop, full = nn.Dropout(RATE), nn.Dropout(p=1)\n",
            Channel.SOURCE,
            is_invalid=False,
        ),
    )

    def check_source(self, source: Source) -> Iterator[Finding]:
        for rate in rates_of(source):
            for written, value in numbers_of(source, rate):
                if _is_refused(rate, value) and not _is_expected(source, rate.call.node):
                    yield self.found(
                        Channel.SOURCE,
                        source.place(written),
                        _message(f"{rate.keyword}={value} of {rate.name}"),
                        _help(rate.keyword, value),
                        fix=_fix(source, written, value),
                    )

    def observer(self) -> Observer:
        return _Refusals()


class _Refusals(Observer):
    def __init__(self) -> None:
        self.failure: Failure | None = None

    def on_failure(self, failure: Failure) -> None:
        self.failure = failure

    def findings(self) -> Iterator[Finding]:
        failure = self.failure
        refused = REFUSED.search(str(failure.error)) if failure else None
        if failure is None or refused is None:
            return
        given = str(refused["given"] or _innermost(failure.error).get("dropout", "of a layer"))
        keyword = "p" if refused["given"] else "dropout"
        what = f"drop rate {given}"
        place = failure.place
        if failure.stack:
            layer = failure.stack[-1][0]
            what += f", used in {layer}," if layer.path else ""
            place = replace(place, module=layer.path)
        value = float(given) if re.fullmatch(r"-?[\d.]+", given) else -1.0
        ended = f"{_message(what)}, so the run ended with a {type(failure.error).__name__}"
        yield DropoutRateOutOfRange.found(Channel.RUN, place, ended, _help(keyword, value))


def _innermost(error: BaseException) -> Mapping[str, Any]:
    """Return the variables of the function that raised an error."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return {} if trace is None else trace.tb_frame.f_locals


def _is_expected(source: Source, node: ast.AST | None) -> bool:
    """Return whether the refusal itself is tested, as in `with pytest.raises(ValueError):`."""
    while node is not None:
        if isinstance(node, ast.With) and any(
            isinstance(item.context_expr, ast.Call)
            and "raises" in ast.unparse(item.context_expr.func).lower()
            for item in node.items
        ):
            return True
        node = source.parent_of(node)
    return False


def _is_refused(rate: Rate, value: float | bool) -> bool:
    if isinstance(value, bool):
        return rate.kind == "recurrent"  # Elsewhere it counts as 0 or 1.
    return not 0 <= value <= 1


def _from_percentage(value: float) -> float | None:
    """Return the fraction that was meant, where a percentage may have been."""
    is_percentage = SMALLEST_PERCENTAGE <= value <= LARGEST_PERCENTAGE
    return value / LARGEST_PERCENTAGE if is_percentage else None


def _fix(source: Source, written: ast.expr, value: float) -> Fix | None:
    meant = _from_percentage(value)
    if meant is None:
        return None
    edit = Edit(source.span(written), f"{meant:g}")
    return Fix(f"Write the percentage as a fraction: {meant:g}", (edit,), is_safe=False)


def _message(what: str) -> str:
    return f"{what} is not a number between 0 and 1"


def _help(keyword: str, value: float) -> str:
    meant = _from_percentage(value)
    advice = "Write the fraction that is dropped, between 0 and 1"
    return advice if meant is None else f"{advice}. As a percentage that is {keyword}={meant:g}"
