"""WB112."""

from collections.abc import Callable, Collection, Iterable, Iterator
from typing import TypeVar

from wolfsbane.audit.finding import Channel, Finding, Severity
from wolfsbane.audit.model.rates import rate_of
from wolfsbane.audit.model.subject import place_of, subject_of
from wolfsbane.audit.model.view import ModelView
from wolfsbane.audit.operation import Operation
from wolfsbane.audit.rule import Example, Rule
from wolfsbane.audit.source.file import Source
from wolfsbane.audit.source.patterns.rates import drops_nothing
from wolfsbane.audit.traits.chains import HasKind, before, reached
from wolfsbane.audit.vocabulary import (
    ACTIVATIONS,
    AFFINE,
    BCE_WITH_LOGITS,
    CROSS_ENTROPY,
    DROPOUTS,
    LOSSES,
    POOLS,
    PROBABILITIES,
    SHAPE_ONLY,
)

OF_ELEMENTS = DROPOUTS - {"drop_path"}
TO_LOSS = SHAPE_ONLY | PROBABILITIES
"""Kinds between logits and a loss."""

BEHIND_A_LAYER = SHAPE_ONLY | ACTIVATIONS | POOLS | {"mean"}
"""Kinds between the last weighted layer of a classifier and its output. A norm is none of them: a
model that ends with norm and dropout has no head yet, and gives features."""

OF_CLASSES = frozenset({CROSS_ENTROPY, BCE_WITH_LOGITS, "nll_loss", "bce"})
"""Losses whose input is a prediction beyond doubt; others also compare features."""

HELP = "Put the dropout before the last weighted layer"

Node = TypeVar("Node", bound=HasKind)


class DropoutOnLogits(Rule):
    """Dropout behind the last layer: on the logits, or the predictions, themselves.

    ## What it does

    Finds dropout between the last layer and the loss. In a program's text the way from the model to
    the loss has to be in one file; of a model that exists, its output has to be a dropout's.

    ## Why is this bad?

    A dropped logit is 0, which is a prediction like any other: in training the loss punishes
    answers that the model did not give, and what is kept is made larger by 1/(1-p). Dropout before
    the last layer takes away features; behind it, it takes away answers.

    ## Example

    ```python
    import torch.nn.functional as F
    from torch import nn

    model = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10), nn.Dropout(0.5))

    def loss_of(x, y):
        return F.cross_entropy(model(x), y)
    ```

    ```python model
    import torch
    from torch import nn

    model = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10), nn.Dropout(0.5))
    example_inputs = torch.randn(8, 64)
    ```

    ## Use instead

    ```python
    import torch.nn.functional as F
    from torch import nn

    model = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Dropout(0.5), nn.Linear(64, 10))

    def loss_of(x, y):
        return F.cross_entropy(model(x), y)
    ```

    ```python model
    import torch
    from torch import nn

    model = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Dropout(0.5), nn.Linear(64, 10))
    example_inputs = torch.randn(8, 64)
    ```

    ## When to ignore it

    Where what a model returns are features and no predictions, and another model is behind it.

    ## References

    - N. Srivastava, G. Hinton, A. Krizhevsky, I. Sutskever, R. Salakhutdinov, "Dropout: A Simple
      Way to Prevent Neural Networks from Overfitting", 2014: units of inputs and hidden layers are
      dropped, [JMLR 15](https://jmlr.org/papers/v15/srivastava14a.html)
    """

    code = "WB112"
    name = "dropout-on-logits"
    severity = Severity.WARNING
    examples = (
        Example(
            "from torch import nn\n"
            "class Features(nn.Module):\n"
            "    def __init__(self):\n"
            "        super().__init__()\n"
            "        self.lin, self.drop = nn.Linear(8, 8), nn.Dropout(0.1)\n"
            "    def forward(self, x):\n"
            "        return self.drop(self.lin(x))\n",
            Channel.SOURCE,
            is_invalid=False,
        ),
        Example(
            "import torch\n"
            "from torch import nn\n"
            "model = nn.Sequential(nn.Linear(8, 8), nn.ReLU(), nn.Dropout(0.1))\n"
            "example_inputs = torch.randn(4, 8)\n",
            Channel.MODEL,
            is_invalid=False,
        ),
        Example(
            "import torch\n"
            "from torch import nn\n"
            "model = nn.Sequential(nn.Linear(8, 8), nn.ReLU(), nn.Dropout(0.1))\n"
            "example_inputs = torch.randn(4, 8)\n"
            "loss = nn.CrossEntropyLoss()\n",
            Channel.MODEL,
            is_invalid=True,
        ),
    )

    def check_source(self, source: Source) -> Iterator[Finding]:
        for loss in source.steps_of(LOSSES) if source.may_have(OF_ELEMENTS) else ():
            for drop in before(loss, source.inputs_of, TO_LOSS):
                if drop.kind not in OF_ELEMENTS or drops_nothing(source, drop):
                    continue
                if loss.kind in OF_CLASSES or _is_behind_affine(drop, source.inputs_of, SHAPE_ONLY):
                    yield self.found(
                        Channel.SOURCE,
                        source.place(drop.node),
                        f"dropout is the last layer before the loss ({loss.kind}): it drops "
                        "predictions, not features",
                        HELP,
                        related=((source.place(loss.node), "the loss"),),
                    )

    def check_model(self, model: ModelView) -> Iterator[Finding]:
        if model.tape is None:
            return
        outputs = model.tape.outputs
        is_prediction = model.loss is not None and len(outputs) == 1
        for drop in reached(outputs, _first_input, TO_LOSS):
            if drop.kind not in OF_ELEMENTS or not rate_of(drop):
                continue
            between = BEHIND_A_LAYER if is_prediction else SHAPE_ONLY
            if _is_behind_affine(drop, _first_input, between):
                yield self.found(
                    Channel.MODEL,
                    place_of(drop),
                    f"{subject_of(drop)} p={rate_of(drop):g} makes the model's output: it drops "
                    "predictions, not features",
                    HELP,
                )


def _is_behind_affine(
    drop: Node, inputs_of: Callable[[Node], Iterable[Node]], between: Collection[str]
) -> bool:
    return any(node.kind in AFFINE for node in before(drop, inputs_of, between))


def _first_input(operation: Operation) -> tuple[Operation, ...]:
    return operation.inputs[:1]
