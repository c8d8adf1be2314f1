"""WB207."""

import math
from collections.abc import Iterator, Sequence

from wolfsbane.audit.finding import Channel, Finding, Place, Severity
from wolfsbane.audit.rule import Rule
from wolfsbane.audit.run.observer import ModeGap, Observer, OperationCall, Watched
from wolfsbane.audit.vocabulary import BATCH_NORMS, LOSSES

FEWEST_STEPS = 100
"""Steps before which nothing is said. Running statistics lag behind weights that still change fast:
residual networks at a high learning rate were far apart after 60 steps and together after 100."""
RATIO = 2.0
"""How many times the training loss the evaluation loss has to be."""
SHARE = 0.1
"""How much more it has to be, in terms of the first loss: of two losses that are both next to
nothing, one may well be many times the other."""
REMAINS = 0.5
"""A layer is to blame when, it alone in training mode, at most this share of the gap remains."""
MOST_NAMED = 3
LASTING = 3
"""Comparisons in a row that have to show it. A residual network at a rate of 0.1 was far apart at
two of them in one training of forty, and together again at the next."""


class EvalFarWorseThanTrain(Rule):
    """A model that is far worse in evaluation than in training, on the very same batch.

    ## What it does

    Puts a training batch through a copy of the model, once in training mode and once in
    evaluation mode, after 20, 40, 80, 160 steps and so on, and at the end. Finds a model whose loss
    in evaluation is more than twice that in training, at the last three comparisons, after 100
    steps or more. Names the batch norms that close the gap when they alone are in training mode.

    ## Why is this bad?

    The data are the same, so it is no overfitting. In evaluation batch norm takes its running
    statistics. Where those are not what the batches have (a momentum so small that they never leave
    their initial values, batches of two, batches that hold one class or one source of data each),
    the model is another one than was trained, and its validation and deployment are bad.

    ## Example

    ```python
    import torch
    from torch import nn

    model = nn.Sequential(
        nn.Linear(8, 16), nn.BatchNorm1d(16, momentum=0.0001), nn.ReLU(), nn.Linear(16, 2)
    )
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    for _ in range(120):
        y = torch.randint(2, (32,))
        x = 20 + y[:, None] + torch.randn(32, 8)
        loss = nn.functional.cross_entropy(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    ```

    ## Use instead

    ```python
    import torch
    from torch import nn

    model = nn.Sequential(
        nn.Linear(8, 16), nn.BatchNorm1d(16, momentum=0.1), nn.ReLU(), nn.Linear(16, 2)
    )
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    for _ in range(120):
        y = torch.randint(2, (32,))
        x = 20 + y[:, None] + torch.randn(32, 8)
        loss = nn.functional.cross_entropy(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    ```

    ## When to ignore it

    While a training is so young, or its learning rate so high, that running statistics cannot
    follow. Where evaluation is never used, as with a network that is trained anew for each picture.

    ## References

    - Ioffe and Szegedy (2015), Batch Normalization,
      [arXiv:1502.03167](https://arxiv.org/abs/1502.03167), section 3.1
    - Wu and Johnson (2021), Rethinking "Batch" in BatchNorm,
      [arXiv:2105.07576](https://arxiv.org/abs/2105.07576), sections 3 and 5
    - [discuss.pytorch.org 3323](https://discuss.pytorch.org/t/3323), "Performance highly degraded
      when eval() is activated in the test phase"
    - [discuss.pytorch.org 7146](https://discuss.pytorch.org/t/7146), "What does model.eval() do for
      batchnorm layer?"
    """

    code = "WB207"
    name = "eval-far-worse-than-train"
    severity = Severity.WARNING

    def observer(self) -> Observer:
        return _Gaps()


class _Gaps(Observer):
    """Keeps the gaps of each model, and the first loss that was seen."""

    def __init__(self) -> None:
        self._gaps: dict[Watched, list[ModeGap]] = {}
        self._first: dict[Watched, float] = {}

    def on_operation(self, call: OperationCall) -> None:
        is_loss = call.operation.kind in LOSSES and call.grad and call.output.numel() == 1
        if is_loss and call.watched is not None and call.watched not in self._first:
            self._first[call.watched] = abs(float(call.output))

    def on_mode_gap(self, gap: ModeGap) -> None:
        self._gaps.setdefault(gap.watched, []).append(gap)

    def findings(self) -> Iterator[Finding]:
        for watched, gaps in self._gaps.items():
            scale = self._first.get(watched, max(gap.train_loss or 0.0 for gap in gaps))
            is_old = gaps[-1].step >= FEWEST_STEPS and len(gaps) >= LASTING
            if is_old and all(_is_wide(gap, scale) for gap in gaps[-LASTING:]):
                yield _finding(gaps[-1])


def _is_wide(gap: ModeGap, scale: float) -> bool:
    if gap.train_loss is None or gap.eval_loss is None or not math.isfinite(gap.train_loss):
        return False
    more = gap.eval_loss - gap.train_loss
    return more > SHARE * scale and gap.eval_loss > RATIO * gap.train_loss


def _finding(gap: ModeGap) -> Finding:
    assert gap.train_loss is not None
    assert gap.eval_loss is not None
    more = gap.eval_loss - gap.train_loss
    to_blame = [
        (layer.path, remaining)
        for layer, remaining in gap.responsible
        if layer.kind in BATCH_NORMS and remaining - gap.train_loss <= REMAINS * more
    ]
    return EvalFarWorseThanTrain.found(
        Channel.RUN,
        Place(module=to_blame[0][0] if to_blame else ""),
        f"on the same batch the loss of {gap.watched.name or 'the model'} is "
        f"{gap.train_loss:.3g} in training mode and {gap.eval_loss:.3g} in evaluation mode, after "
        f"{gap.step} steps{_blame(to_blame)}",
        "Let the running statistics become those of the data: mix and enlarge the batches, use "
        "momentum=0.1; or recalibrate them with wolfsbane.stats.recalibrate"
        if to_blame
        else "Compare what each layer returns in both modes",
    )


def _blame(to_blame: Sequence[tuple[str, float]]) -> str:
    if not to_blame:
        return ""
    named = [f"{path!r} ({loss:.3g})" for path, loss in to_blame[:MOST_NAMED]]
    return f"; with only one batch norm in training mode it is less: {', '.join(named)}"
