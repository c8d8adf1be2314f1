"""WB402."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from wolfsbane.audit.finding import Channel, Finding, Fix, Severity
from wolfsbane.audit.model.outputs import ending_of
from wolfsbane.audit.rule import Rule
from wolfsbane.audit.run.measures.loss_inputs import LossInputs, LossSite, name_of
from wolfsbane.audit.source.patterns.losses import predictions_from
from wolfsbane.audit.source.patterns.removal import removal_of
from wolfsbane.audit.traits.rectifiers import is_rectifier
from wolfsbane.audit.vocabulary import AFFINE, BCE_WITH_LOGITS

if TYPE_CHECKING:
    from torch import Tensor

    from wolfsbane.audit.model.view import ModelView
    from wolfsbane.audit.run.observer import Observer
    from wolfsbane.audit.source.file import Source

BETWEEN_0_AND_1 = frozenset({"sigmoid", "hardsigmoid", "softmax", "sparsemax"})

ENOUGH_ELEMENTS = 256
"""How many predictions of unknown origin have to lie between 0 and 1 before that is no accident.
Logits of a fresh network are as often negative as positive, so 256 independent ones do so with a
probability below 2**-256; but those of one batch hang together, which is why ENOUGH_CALLS are
wanted as well."""

ENOUGH_CALLS = 4

HELP = "Give the loss the logits, and apply sigmoid only where probabilities are read"
EFFECT = "a positive costs at least 0.31 and a negative at least ln 2 = 0.69"


class SigmoidBeforeBceWithLogits(Rule):
    """Binary cross-entropy with logits that is given probabilities: it applies the sigmoid itself.

    ## What it does

    Finds a sigmoid (or softmax) whose result goes into `BCEWithLogitsLoss` or
    `F.binary_cross_entropy_with_logits` as the prediction. In a model: its last operation is one,
    and its loss is that. In a run: what the loss is given lies between 0 and 1 in every sampled
    step, and either a sigmoid made it, or what made it is unknown and there were many values. Where
    a linear layer or convolution made it, it is a logit, whatever its value.

    ## Why is this bad?

    The loss applies the sigmoid to its input. Of a probability it makes one between 0.5 and 0.73: a
    negative example costs at least ln 2 = 0.69 and a positive one at least 0.31, however good the
    model is, and a gradient passes two sigmoids. Training goes on, slower and to a worse end;
    nothing is raised. Thresholds suffer too: no negative is ever predicted at 0.5.

    ## Example

    ```python
    import torch
    from torch import nn


    class Tagger(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc = nn.Linear(20, 5)

        def forward(self, x):
            return torch.sigmoid(self.fc(x))


    def loss_of(x, y):
        tagger = Tagger()
        return nn.BCEWithLogitsLoss()(tagger(x), y)
    ```

    ```python model
    from torch import nn

    model = nn.Sequential(nn.Linear(20, 1), nn.Sigmoid())
    loss = nn.BCEWithLogitsLoss()
    ```

    ```python run
    import torch
    from torch import nn

    model = nn.Sequential(nn.Linear(20, 1), nn.Sigmoid())
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    criterion = nn.BCEWithLogitsLoss()
    for _ in range(4):
        optimizer.zero_grad()
        criterion(model(torch.randn(8, 20)), torch.rand(8, 1).round()).backward()
        optimizer.step()
    ```

    ## Use instead

    ```python
    import torch
    from torch import nn


    class Tagger(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc = nn.Linear(20, 5)

        def forward(self, x):
            return self.fc(x)


    def loss_of(x, y):
        tagger = Tagger()
        return nn.BCEWithLogitsLoss()(tagger(x), y)
    ```

    ```python model
    from torch import nn

    model = nn.Sequential(nn.Linear(20, 1), nn.Sigmoid())
    loss = nn.BCELoss()
    ```

    ```python run
    import torch
    from torch import nn

    model = nn.Sequential(nn.Linear(20, 1))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    criterion = nn.BCEWithLogitsLoss()
    for _ in range(4):
        optimizer.zero_grad()
        criterion(model(torch.randn(8, 20)), torch.rand(8, 1).round()).backward()
        optimizer.step()
    ```

    ## When to ignore it

    Where a score between 0 and 1 is meant as a logit, such as a similarity that a learnt scale
    multiplies later. Then multiply before the loss.

    ## References

    - [torch.nn.BCEWithLogitsLoss](https://docs.pytorch.org/docs/stable/generated/torch.nn.BCEWithLogitsLoss.html)
    - [GSCNN#62](https://github.com/nv-tlabs/GSCNN/issues/62)
    """

    code = "WB402"
    name = "sigmoid-before-bce-with-logits"
    severity = Severity.ERROR

    def check_source(self, source: "Source") -> Iterator[Finding]:
        for step, losses in predictions_from(source, {BCE_WITH_LOGITS}, BETWEEN_0_AND_1):
            edits = removal_of(source, step)
            line = source.span(losses[0].node).line
            yield self.found(
                Channel.SOURCE,
                source.place(step.node),
                f"the result of this {step.kind} is the prediction of the loss in line {line},"
                " which applies the sigmoid itself",
                HELP,
                related=tuple((source.place(loss.node), "the loss") for loss in losses),
                fix=Fix(f"Remove the {step.kind}", edits, is_safe=False) if edits else None,
            )

    def check_model(self, model: "ModelView") -> Iterator[Finding]:
        ending = ending_of(model) if model.loss_kind == BCE_WITH_LOGITS else None
        if ending is not None and ending.kind in BETWEEN_0_AND_1:
            yield self.found(
                Channel.MODEL,
                ending.place,
                f"the model ends with {ending}, and its loss applies the sigmoid itself: {EFFECT}",
                HELP,
            )

    def observer(self) -> "Observer":
        return _Watch()


class _Watch(LossInputs):
    losses = (BCE_WITH_LOGITS,)

    def is_suspicious(self, prediction: "Tensor", site: LossSite) -> bool:
        if is_rectifier(site.origin) or (site.origin is not None and site.origin.kind in AFFINE):
            return False
        low, high = prediction.aminmax()
        return bool(low >= 0 and high <= 1)

    def findings(self) -> Iterator[Finding]:
        for place, site in self.sites.items():
            if not site.is_always_suspicious or not _is_certain(site):
                continue
            origin = site.origin
            made = "" if origin is None else f", made by {name_of(origin)}"
            related = () if origin is None else ((origin.place, "made the predictions"),)
            yield SigmoidBeforeBceWithLogits.found(
                Channel.RUN,
                place,
                f"all {site.num_elements:,} predictions given to BCE with logits in"
                f" {site.num_calls} sampled calls lie between 0 and 1{made}: {EFFECT}",
                HELP,
                related=related,
            )


def _is_certain(site: LossSite) -> bool:
    if site.origin is not None and site.origin.kind in BETWEEN_0_AND_1:
        return True
    return site.num_elements >= ENOUGH_ELEMENTS and site.num_calls >= ENOUGH_CALLS
