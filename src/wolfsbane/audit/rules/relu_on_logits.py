"""WB403."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from wolfsbane.audit.finding import Channel, Finding, Fix, Severity
from wolfsbane.audit.model.outputs import PASSED_THROUGH, ending_of
from wolfsbane.audit.rule import Rule
from wolfsbane.audit.run.measures.loss_inputs import LossInputs, LossSite, name_of
from wolfsbane.audit.source.patterns.losses import predictions_from
from wolfsbane.audit.source.patterns.removal import removal_of
from wolfsbane.audit.traits.rectifiers import is_rectifier
from wolfsbane.audit.vocabulary import AFFINE, BCE_WITH_LOGITS, CROSS_ENTROPY, POOLS, RECTIFIERS

if TYPE_CHECKING:
    from torch import Tensor

    from wolfsbane.audit.model.view import ModelView
    from wolfsbane.audit.run.observer import Observer
    from wolfsbane.audit.source.file import Source

CLASSIFICATION = frozenset(
    {CROSS_ENTROPY, BCE_WITH_LOGITS, "nll_loss", "multi_margin_loss", "soft_margin_loss",
     "multilabel_soft_margin_loss"}
)  # fmt: skip
"""Losses of logits. What is regressed may well be never negative."""

THROUGH = PASSED_THROUGH | {"log_softmax"}

NOT_RECTIFIED = AFFINE | POOLS | {"mean", "sum"}
"""Kinds that make logits of any sign, or that average evidence over places, as SqueezeNet does."""

MANY_ZEROS = 0.05
"""Share of exact zeros from which an input of unknown origin is taken for a ReLU's. Float logits
are hardly ever exactly 0."""

ENOUGH_CALLS = 3
"""How often predictions that no ReLU is known to have made have to look so."""

HELP = "Give the loss what the last linear layer makes, without the ReLU"
EFFECT = "no logit can be negative, and where it would be no gradient flows"


class ReluOnLogits(Rule):
    """Logits that went through a ReLU before the loss of a classifier.

    ## What it does

    Finds a ReLU (or ReLU6) whose result goes into a classifier's loss: cross-entropy, negative
    log-likelihood after log-softmax, BCE with logits, margin losses. In a model: its last operation
    is one, and such a loss was given. In a run: no prediction is ever negative, and many are
    exactly 0, in every sampled step. Without a loss nothing is reported: encoders end with a ReLU.

    ## Why is this bad?

    A logit is meant to take any value. After a ReLU a class can never be argued against, only for;
    and wherever the value before it is negative the gradient is zero, so an example whose true
    class was cut off teaches the model nothing about it. For BCE no probability falls below 0.5.

    ## Example

    ```python
    import torch.nn.functional as F
    from torch import nn


    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.hidden = nn.Linear(20, 32)
            self.out = nn.Linear(32, 5)

        def forward(self, x):
            x = F.relu(self.hidden(x))
            return F.relu(self.out(x))


    def loss_of(x, y):
        net = Net()
        return F.cross_entropy(net(x), y)
    ```

    ```python model
    from torch import nn

    model = nn.Sequential(nn.Linear(20, 32), nn.ReLU(), nn.Linear(32, 5), nn.ReLU())
    loss = nn.CrossEntropyLoss()
    ```

    ```python run
    import torch
    from torch import nn

    model = nn.Sequential(nn.Linear(20, 32), nn.ReLU(), nn.Linear(32, 5), nn.ReLU())
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for _ in range(4):
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(torch.randn(32, 20)), torch.randint(5, (32,)))
        loss.backward()
        optimizer.step()
    ```

    ## Use instead

    ```python
    import torch.nn.functional as F
    from torch import nn


    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.hidden = nn.Linear(20, 32)
            self.out = nn.Linear(32, 5)

        def forward(self, x):
            x = F.relu(self.hidden(x))
            return self.out(x)


    def loss_of(x, y):
        net = Net()
        return F.cross_entropy(net(x), y)
    ```

    ```python model
    from torch import nn

    model = nn.Sequential(nn.Linear(20, 32), nn.ReLU(), nn.Linear(32, 1), nn.ReLU())
    loss = nn.MSELoss()
    ```

    ```python run
    import torch
    from torch import nn

    model = nn.Sequential(nn.Linear(20, 32), nn.ReLU(), nn.Linear(32, 5))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for _ in range(4):
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(torch.randn(32, 20)), torch.randint(5, (32,)))
        loss.backward()
        optimizer.step()
    ```

    ## When to ignore it

    Where scores are counts or evidence that cannot be negative, as in evidential classification.

    ## References

    - [pytorch/tutorials#1644](https://github.com/pytorch/tutorials/issues/1644): the official
      beginners' tutorial did so
    """

    code = "WB403"
    name = "relu-on-logits"
    severity = Severity.WARNING

    def check_source(self, source: "Source") -> Iterator[Finding]:
        for relu, losses in predictions_from(source, CLASSIFICATION, RECTIFIERS, THROUGH):
            if relu.call is not None and relu.call.attribute == "clamp_min":
                continue
            edits = removal_of(source, relu)
            line = source.span(losses[0].node).line
            yield self.found(
                Channel.SOURCE,
                source.place(relu.node),
                f"the result of this ReLU goes into the classifier's loss in line {line}: {EFFECT}",
                HELP,
                related=tuple((source.place(loss.node), "the loss") for loss in losses),
                fix=Fix("Remove the ReLU", edits, is_safe=False) if edits else None,
            )

    def check_model(self, model: "ModelView") -> Iterator[Finding]:
        ending = ending_of(model, THROUGH) if model.loss_kind in CLASSIFICATION else None
        if ending is not None and ending.is_rectifier:
            yield self.found(
                Channel.MODEL,
                ending.place,
                f"the model ends with {ending}, and its loss is a classifier's: {EFFECT}",
                HELP,
            )

    def observer(self) -> "Observer":
        return _Watch()


class _Watch(LossInputs):
    losses = CLASSIFICATION
    through = THROUGH

    def is_suspicious(self, prediction: "Tensor", site: LossSite) -> bool:
        is_relu = is_rectifier(site.origin)
        if site.loss.kind == "nll_loss":
            return is_relu
        if site.origin is not None and site.origin.kind in NOT_RECTIFIED:
            return False
        num_zeros = prediction.numel() - int(prediction.count_nonzero())
        site.num_zeros += num_zeros
        is_cut = bool(prediction.min() == 0) and bool(prediction.max() > 0)
        return is_cut and num_zeros >= MANY_ZEROS * prediction.numel()

    def findings(self) -> Iterator[Finding]:
        for place, site in self.sites.items():
            is_certain = site.num_calls >= ENOUGH_CALLS or is_rectifier(site.origin)
            if not site.is_always_suspicious or not is_certain:
                continue
            origin = site.origin
            made = "" if origin is None else f" made by {name_of(origin)}"
            related = () if origin is None else ((origin.place, "made the predictions"),)
            yield ReluOnLogits.found(
                Channel.RUN,
                place,
                f"a classifier's loss was given predictions{made} that are never"
                f" negative{_zeros(site)} in {site.num_calls} of {site.num_calls} sampled calls:"
                f" {EFFECT}",
                HELP,
                related=related,
            )


def _zeros(site: LossSite) -> str:
    share = site.num_zeros / max(site.num_elements, 1)
    return f", and exactly 0 in {share:.0%} of places," if site.num_zeros else ""
