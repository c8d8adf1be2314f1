"""WB302."""

import ast
from collections.abc import Iterator
from typing import TYPE_CHECKING

from wolfsbane.audit.finding import Channel, Edit, Finding, Fix, Severity
from wolfsbane.audit.model.view import ModelView
from wolfsbane.audit.rule import Example, Rule
from wolfsbane.audit.source.file import Call, Source
from wolfsbane.audit.source.patterns.corrections import one_minus
from wolfsbane.audit.spellings import kind_of_class, kind_of_function
from wolfsbane.audit.traits.batch_norms import listed
from wolfsbane.audit.vocabulary import BATCH_NORMS

if TYPE_CHECKING:
    from wolfsbane.audit.layer import Layer

HALF = 0.5
"""With this momentum both conventions mean the same; above it one batch outweighs all before."""

LAYER = {"eps": 1, "momentum": 2}
FUNCTION = {"eps": 7, "momentum": 6}
"""Positions of the arguments of a batch norm, and of `F.batch_norm`."""


class BatchnormMomentumOfTensorflow(Rule):
    """A batch norm's momentum is given as TensorFlow counts it: torch's is 1 minus that.

    ## What it does

    Finds batch norms with a momentum between 0.5 and 1, such as 0.9 or 0.99, and those whose second
    argument, which is eps, is such a number.

    ## Why is this bad?

    In torch the momentum is the share of the new batch: running = (1 - momentum) * running +
    momentum * batch. In TensorFlow and Keras it is the share of the old value. With 0.99 in torch
    the running statistics are those of the last batch alone: training looks right, and evaluation
    depends on which samples came last.

    ## Example

    ```python
    from torch import nn

    norm = nn.BatchNorm2d(64, eps=1e-3, momentum=0.99)
    ```

    ## Use instead

    ```python
    from torch import nn

    norm = nn.BatchNorm2d(64, eps=1e-3, momentum=0.01)
    ```

    ## When to ignore it

    Where the last batch is meant to decide, as in adaptation at test time. `momentum=1.0`, with
    which nothing else can be meant, and `momentum=None`, the plain average, are not reported.

    ## References

    - [torch.nn.BatchNorm2d](https://docs.pytorch.org/docs/stable/generated/torch.nn.BatchNorm2d.html),
      its note on momentum
    - [vision#8250](https://github.com/pytorch/vision/issues/8250)
    - [transformers#19454](https://github.com/huggingface/transformers/issues/19454)
    - [ludwig#2100](https://github.com/ludwig-ai/ludwig/pull/2100)
    - [pretrained-models.pytorch#44](https://github.com/Cadene/pretrained-models.pytorch/issues/44)
    - [PyTorch-GAN#116](https://github.com/eriklindernoren/PyTorch-GAN/issues/116): Keras' momentum
      as torch's eps
    """

    code = "WB302"
    name = "batchnorm-momentum-of-tensorflow"
    severity = Severity.WARNING
    examples = (
        Example(
            "from torch import nn\nnorm = nn.BatchNorm2d(64, 0.8)\n",
            Channel.SOURCE,
            is_invalid=True,
        ),
        Example(
            "import functools\nfrom torch import nn\n"
            "norm_layer = functools.partial(nn.BatchNorm2d, eps=1e-3, momentum=0.99)\n",
            Channel.SOURCE,
            is_invalid=True,
        ),
        Example(
            "from torch import nn\n"
            "last_batch = nn.BatchNorm2d(64, momentum=1.0)\n"
            "average = nn.BatchNorm2d(64, momentum=None)\n"
            "half = nn.BatchNorm2d(64, momentum=0.5)\n",
            Channel.SOURCE,
            is_invalid=False,
        ),
        Example(
            "from torch import nn\nmodel = nn.Sequential(nn.BatchNorm1d(4, momentum=0.9))\n",
            Channel.MODEL,
            is_invalid=True,
        ),
        Example(
            "from torch import nn\nmodel = nn.Sequential(nn.BatchNorm1d(4, momentum=0.1))\n",
            Channel.MODEL,
            is_invalid=False,
        ),
    )

    def check_source(self, source: Source) -> Iterator[Finding]:
        """Report calls that make a batch norm with such a number, also as a partial."""
        for call in source.calls:
            positions = _positions(source, call)
            for name, position in positions.items():
                given = call.argument(name, position)
                value = None if given is None else source.constant(given)
                # eps as a keyword was not meant to be the momentum, however large it is.
                is_meant = name == "momentum" or given in call.node.args
                if given is not None and is_meant and _is_share_of_the_old(value):
                    yield self._in_source(source, call, name, given, float(str(value)))

    def check_model(self, model: ModelView) -> Iterator[Finding]:
        """Report batch norms by the number they have, once for each number."""
        for name in ("momentum", "eps"):
            found: dict[float, list[Layer]] = {}
            for layer in model.of_kind(BATCH_NORMS):
                value = getattr(layer.module, name, None)
                if _is_share_of_the_old(value):
                    found.setdefault(float(str(value)), []).append(layer)
            for value, layers in found.items():
                have = "have" if len(layers) > 1 else "has"
                message = f"{listed(layers)} {have} {_explained(name, value)}"
                yield self.found(Channel.MODEL, layers[0].place, message, _help(value))

    def _in_source(
        self, source: Source, call: Call, name: str, given: ast.expr, value: float
    ) -> Finding:
        keyword = "" if name == "momentum" and given not in call.node.args else "momentum="
        literal = isinstance(given, ast.Constant)
        meant = f"{_other(value):g}" if literal else one_minus(source, given)
        is_followed = given in call.node.args[:-1]  # No positional may follow a keyword.
        text = meant if is_followed and name == "momentum" else keyword + meant
        fix = Fix(
            f"Set momentum to {_other(value):g}", (Edit(source.span(given), text),), is_safe=False
        )
        return self.found(
            Channel.SOURCE,
            source.place(given),
            f"batch norm has {_explained(name, value)}",
            _help(value),
            fix=None if is_followed and name == "eps" else fix,
        )


def _positions(source: Source, call: Call) -> dict[str, int | None]:
    """Return where a call takes eps and momentum; nothing where it makes no batch norm."""
    name = call.name
    if name == "functools.partial" and call.node.args:
        name = source.name_of(call.node.args[0])
        return {"momentum": None} if name and kind_of_class(name) in BATCH_NORMS else {}
    if name is not None and kind_of_class(name) in BATCH_NORMS:
        return {**LAYER}
    if name is not None and kind_of_function(name) in BATCH_NORMS:
        return {**FUNCTION}
    return {}


def _is_share_of_the_old(value: object) -> bool:
    return isinstance(value, float) and HALF < value < 1


def _explained(name: str, value: float) -> str:
    if name == "eps":
        return (
            f"eps={value:g}, which is its second argument: as Keras' momentum that would be "
            f"momentum={_other(value):g}"
        )
    return (
        f"momentum={value:g}, so that each batch makes up {100 * value:.4g}% of the running "
        f"statistics: as TensorFlow's momentum that would be {_other(value):g}"
    )


def _other(momentum: float) -> float:
    return round(1 - momentum, 10)


def _help(value: float) -> str:
    return f"Use momentum={_other(value):g}: torch's momentum is 1 - TensorFlow's"
