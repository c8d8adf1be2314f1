"""WB401."""

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING

from wolfsbane.audit.finding import Channel, Finding, Fix, Severity
from wolfsbane.audit.model.outputs import ending_of
from wolfsbane.audit.rule import Rule
from wolfsbane.audit.run.measures.loss_inputs import LossInputs, LossSite, name_of
from wolfsbane.audit.source.patterns.losses import predictions_from
from wolfsbane.audit.source.patterns.removal import removal_of
from wolfsbane.audit.vocabulary import CROSS_ENTROPY

if TYPE_CHECKING:
    from torch import Tensor

    from wolfsbane.audit.model.view import ModelView
    from wolfsbane.audit.run.observer import Observer
    from wolfsbane.audit.source.file import Source

SOFTMAXES = frozenset({"softmax", "sparsemax"})
"""log_softmax is not among them: log_softmax of log_softmax is log_softmax, so nothing breaks."""

SUM_TOLERANCE = 0.01
"""By how much a row of probabilities may miss 1: bfloat16 keeps 8 bits, and many are added up."""

HELP = "Give the loss the logits, and apply softmax only where probabilities are read"


class SoftmaxBeforeCrossEntropy(Rule):
    """Cross-entropy that is given probabilities: it applies log-softmax itself, to logits.

    ## What it does

    Finds a softmax whose result goes into `CrossEntropyLoss` or `F.cross_entropy` as the
    prediction. In a model: its last operation is a softmax, and its loss is cross-entropy. In a
    run: what the loss is given is never negative, and adds up to 1 over the classes, in every
    sampled step.

    ## Why is this bad?

    Cross-entropy applies log-softmax to its input. Of probabilities, which lie between 0 and 1, it
    makes nearly uniform ones: with C classes the loss cannot fall below ln(e + C - 1) - 1, which is
    1.46 for ten classes, and gradients shrink with it. Training goes on, slower and to a worse end;
    nothing is raised.

    ## Example

    ```python
    import torch.nn.functional as F
    from torch import nn


    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc = nn.Linear(20, 5)

        def forward(self, x):
            return F.softmax(self.fc(x), dim=1)


    def train(loader, optimizer):
        net = Net()
        criterion = nn.CrossEntropyLoss()
        for x, y in loader:
            optimizer.zero_grad()
            criterion(net(x), y).backward()
            optimizer.step()
    ```

    ```python model
    from torch import nn

    model = nn.Sequential(nn.Linear(20, 5), nn.Softmax(dim=1))
    loss = nn.CrossEntropyLoss()
    ```

    ```python run
    import torch
    from torch import nn

    model = nn.Sequential(nn.Linear(20, 5), nn.Softmax(dim=1))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for _ in range(4):
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(torch.randn(8, 20)), torch.randint(5, (8,)))
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
            self.fc = nn.Linear(20, 5)

        def forward(self, x):
            return self.fc(x)

        def probabilities(self, x):
            return F.softmax(self(x), dim=1)


    def train(loader, optimizer):
        net = Net()
        criterion = nn.CrossEntropyLoss()
        for x, y in loader:
            optimizer.zero_grad()
            criterion(net(x), y).backward()
            optimizer.step()
    ```

    ```python model
    from torch import nn

    model = nn.Sequential(nn.Linear(20, 5))
    loss = nn.CrossEntropyLoss()
    ```

    ```python run
    import torch
    from torch import nn

    model = nn.Sequential(nn.Linear(20, 5))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for _ in range(4):
        optimizer.zero_grad()
        targets = torch.randn(8, 5).softmax(1)
        loss = nn.functional.cross_entropy(model(torch.randn(8, 20)), targets)
        loss.backward()
        optimizer.step()
    ```

    ## When to ignore it

    Where the floor is wanted, as a strong smoothing of labels: then `label_smoothing=` says so.
    Probabilities as targets are right and are not reported; neither is `log_softmax` before
    cross-entropy, which changes nothing.

    ## References

    - [torch.nn.CrossEntropyLoss](https://docs.pytorch.org/docs/stable/generated/torch.nn.CrossEntropyLoss.html):
      "The input is expected to contain the unnormalized logits for each class"
    - [laplace-redux#1](https://github.com/runame/laplace-redux/issues/1)
    """

    code = "WB401"
    name = "softmax-before-cross-entropy"
    severity = Severity.ERROR

    def check_source(self, source: "Source") -> Iterator[Finding]:
        for softmax, losses in predictions_from(source, {CROSS_ENTROPY}, SOFTMAXES):
            edits = removal_of(source, softmax)
            line = source.span(losses[0].node).line
            yield self.found(
                Channel.SOURCE,
                source.place(softmax.node),
                f"the result of this softmax is the prediction of the cross-entropy in line {line},"
                " which applies log-softmax itself",
                HELP,
                related=tuple((source.place(loss.node), "the loss") for loss in losses),
                fix=Fix("Remove the softmax", edits, is_safe=False) if edits else None,
            )

    def check_model(self, model: "ModelView") -> Iterator[Finding]:
        ending = ending_of(model) if model.loss_kind == CROSS_ENTROPY else None
        if ending is not None and ending.kind in SOFTMAXES:
            yield self.found(
                Channel.MODEL,
                ending.place,
                f"the model ends with {ending}, and its loss is cross-entropy, which applies"
                f" log-softmax itself: {_floor(ending.num_classes)}",
                HELP,
            )

    def observer(self) -> "Observer":
        return _Watch()


class _Watch(LossInputs):
    losses = (CROSS_ENTROPY,)

    def is_suspicious(self, prediction: "Tensor", site: LossSite) -> bool:
        if site.num_classes == 1:
            return False
        dim = min(1, prediction.ndim - 1)
        sums = prediction.double().sum(dim)
        return bool(prediction.min() >= 0 and (sums - 1).abs().max() <= SUM_TOLERANCE)

    def findings(self) -> Iterator[Finding]:
        for place, site in self.sites.items():
            if not site.is_always_suspicious:
                continue
            origin, lowest = site.origin, site.lowest
            made = "" if origin is None else f", made by {name_of(origin)}"
            seen = "" if lowest is None else f" (the lowest seen is {lowest:.4g})"
            related = () if origin is None else ((origin.place, "made the probabilities"),)
            yield SoftmaxBeforeCrossEntropy.found(
                Channel.RUN,
                place,
                f"cross-entropy was given probabilities in {site.num_calls} of {site.num_calls}"
                f" sampled calls{made}: {_floor(site.num_classes)}{seen}",
                HELP,
                related=related,
            )


def _floor(num_classes: int | None) -> str:
    """Say how low the loss can get: p = 1 for the right class gives ln(e + C - 1) - 1."""
    if num_classes is None:
        return "the loss cannot fall below ln(e + C - 1) - 1 with C classes"
    floor = math.log(math.e + num_classes - 1) - 1
    return (
        f"with {num_classes} classes the loss cannot fall below"
        f" ln(e + {num_classes - 1}) - 1 = {floor:.4g}"
    )
