"""WB114."""

from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

from wolfsbane.audit.finding import Channel, Finding, Severity
from wolfsbane.audit.model.rates import rate_of
from wolfsbane.audit.model.subject import place_of, subject_of
from wolfsbane.audit.model.view import ModelView
from wolfsbane.audit.rule import Example, Rule
from wolfsbane.audit.source.file import Source
from wolfsbane.audit.source.patterns.rates import drops_nothing
from wolfsbane.audit.traits.chains import HasKind, before
from wolfsbane.audit.vocabulary import DROPOUTS, SHAPE_ONLY

SOFTMAX = "softmax"
SCORES = "matmul"
MASKING = SHAPE_ONLY | {"add", "sub", "mul", "div", "masked_fill", "where", "clamp"}
"""What is done to scores on their way to the softmax."""

HELP = "Put the dropout behind the softmax, on the attention weights"

Node = TypeVar("Node", bound=HasKind)


class DropoutBeforeAttentionSoftmax(Rule):
    """Dropout on attention scores, before their softmax, where it drops nothing.

    ## What it does

    Finds dropout between the product of queries and keys and its softmax, also with scaling and
    masking between.

    ## Why is this bad?

    A score of 0 is no weight of 0. The softmax gives a dropped score the weight exp(0), which is
    more than the weight of every negative score; and what is kept is multiplied by 1/(1-p), which
    makes training's attention sharper than evaluation's. Dropout is meant to take weights away, and
    has to come behind the softmax.

    ## Example

    ```python
    import torch
    from torch import nn

    class Attention(nn.Module):
        def __init__(self):
            super().__init__()
            self.drop = nn.Dropout(0.1)

        def forward(self, q, k, v):
            scores = self.drop(torch.matmul(q, k.transpose(-2, -1)) / q.shape[-1] ** 0.5)
            return torch.softmax(scores, dim=-1) @ v
    ```

    ```python model
    import torch
    from torch import nn

    class Attention(nn.Module):
        def __init__(self):
            super().__init__()
            self.drop = nn.Dropout(0.1)

        def forward(self, q, k, v):
            scores = self.drop(torch.matmul(q, k.transpose(-2, -1)) / q.shape[-1] ** 0.5)
            return torch.softmax(scores, dim=-1) @ v

    model = Attention()
    example_inputs = tuple(torch.randn(3, 2, 5, 4))
    ```

    ## Use instead

    ```python
    import torch
    from torch import nn

    class Attention(nn.Module):
        def __init__(self):
            super().__init__()
            self.drop = nn.Dropout(0.1)

        def forward(self, q, k, v):
            scores = torch.matmul(q, k.transpose(-2, -1)) / q.shape[-1] ** 0.5
            return self.drop(torch.softmax(scores, dim=-1)) @ v
    ```

    ```python model
    import torch
    from torch import nn

    class Attention(nn.Module):
        def __init__(self):
            super().__init__()
            self.drop = nn.Dropout(0.1)

        def forward(self, q, k, v):
            scores = torch.matmul(q, k.transpose(-2, -1)) / q.shape[-1] ** 0.5
            return self.drop(torch.softmax(scores, dim=-1)) @ v

    model = Attention()
    example_inputs = tuple(torch.randn(3, 2, 5, 4))
    ```

    ## When to ignore it

    Where published weights were trained that way and are to be trained on. Masking random keys with
    minus infinity, as DropKey does (Li et al. 2023, arXiv:2208.02646), is no dropout, and no
    finding.

    ## References

    - A. Vaswani et al., "Attention Is All You Need", 2017, [arXiv:1706.03762](https://arxiv.org/abs/1706.03762)
    - [Parakeet#76](https://github.com/PaddlePaddle/Parakeet/pull/76), which takes back a dropout
      "to logits before softmax"
    """

    code = "WB114"
    name = "dropout-before-attention-softmax"
    severity = Severity.WARNING
    examples = (
        Example(
            "import torch.nn.functional as F\n"
            "def attend(q, k, v, bias, p, training):\n"
            "    bias = F.dropout(bias, p, training)\n"
            "    return (q @ k.mT + bias).softmax(-1) @ v\n",
            Channel.SOURCE,
            is_invalid=False,
        ),
        Example(
            "import torch.nn.functional as F\n"
            "def attend(q, k, v, mask, p, training):\n"
            "    scores = F.dropout(q @ k.mT, p, training)\n"
            "    return (scores * 0.125).masked_fill(mask, -1e9).softmax(-1) @ v\n",
            Channel.SOURCE,
            is_invalid=True,
        ),
    )

    def check_source(self, source: Source) -> Iterator[Finding]:
        for step in source.steps_of({SOFTMAX}) if source.may_have(DROPOUTS) else ():
            for drop in _dropped_scores(step, source.inputs_of):
                if not drops_nothing(source, drop):
                    yield self.found(
                        Channel.SOURCE,
                        source.place(drop.node),
                        "dropout of attention scores before their softmax: a dropped score of 0 "
                        "still gets the weight exp(0)",
                        HELP,
                        related=((source.place(step.node), "the softmax"),),
                    )

    def check_model(self, model: ModelView) -> Iterator[Finding]:
        for operation in model.tape.operations if model.tape is not None else ():
            for drop in _dropped_scores(operation, lambda taking: taking.inputs):
                if rate_of(drop):
                    yield self.found(
                        Channel.MODEL,
                        place_of(drop),
                        f"{subject_of(drop)} p={rate_of(drop):g} drops attention scores before "
                        "their softmax: a dropped score of 0 still gets the weight exp(0)",
                        HELP,
                    )


def _dropped_scores(softmax: Node, inputs_of: Callable[[Node], Iterable[Node]]) -> Iterator[Node]:
    """Yield the dropouts on the way from a product to a softmax."""
    if softmax.kind != SOFTMAX:
        return
    for drop in before(softmax, inputs_of, MASKING):
        if drop.kind in DROPOUTS and any(
            node.kind == SCORES for node in before(drop, inputs_of, MASKING)
        ):
            yield drop
