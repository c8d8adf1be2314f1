"""Exact population statistics for the batch norms of a model."""

import contextlib
import sys
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from typing import Any

import torch
from torch.nn import Module

from wolfsbane.anatomy.modes import preserved_modes
from wolfsbane.anatomy.places import Member
from wolfsbane.arguments import explain_unknown_arguments
from wolfsbane.errors import ArgumentError, ArgumentTypeError, ModelError
from wolfsbane.stats.batches import call, check_batches
from wolfsbane.stats.drift import DriftReport
from wolfsbane.stats.layers import check_model, divided, left_because, uninitialised
from wolfsbane.stats.moments import Moments
from wolfsbane.stats.observation import Progress, shares_statistics, watched
from wolfsbane.stats.ranks import Ranks
from wolfsbane.stats.replacement import replaced

Forward = Callable[[Module, Any], Any]


@explain_unknown_arguments
def recalibrate(
    model: Module, batches: Iterable[Any], forward: Forward | None = None
) -> DriftReport:
    r"""Give every batch norm in training mode the exact statistics of a data set.

    $$\mu = \frac{1}{n} \sum_{i=1}^{n} x_i, \qquad
    \sigma^2 = \frac{1}{n - 1} \sum_{i=1}^{n} (x_i - \mu)^2$$

    over all n values that a channel of the layer sees in all batches, however they are cut, in all
    calls of the layer, and on all ranks where torch.distributed is initialised. They replace the
    running mean and variance; `num_batches_tracked` becomes the number of inputs that they were
    taken from (over all ranks), so that a layer with momentum=None averages on from there. Momentum
    is not touched. Use it after weight averaging, after training with small batches, or for data of
    another kind.

    **During the passes** each of these layers normalises with the statistics of the batch it is
    called with, as in training, and its own inputs are counted: in a deep model the result depends
    on how the data is cut into batches, so use batches as large as in training. Everything else is
    in evaluation mode: nothing is dropped, also by `F.dropout(x, p, self.training)`. Batch norms in
    evaluation mode, frozen ones and those without running statistics are left and listed. Compiled
    parts run uncompiled. No gradients are recorded. Afterwards, or after an exception, all is as
    before, except for the new statistics, which are written when all batches are done.

    **Ranks** hold the same model in the same modes, and may have different numbers of batches, or
    none. A SyncBatchNorm normalises with the batches of its group while every rank has one, and
    then with its rank's own. If one rank fails, all raise and none changes (but where the ranks
    normalise together, the others wait until torch.distributed's timeout, as in training).

    Args:
        model: any model; DistributedDataParallel's and torch.compile's wrappers are looked through.
        batches: what to run it on, once: a DataLoader, a list, a generator. A batch is a tensor; a
            tuple or list, of which the first element is the model's input (the rest may be labels);
            or a dict of keyword arguments. Tensors are passed as they are: put them on the model's
            device, or use `forward`.
        forward: called with (model, batch) instead, for example
            `lambda model, batch: model(batch["image"].cuda())`. What it returns is not used.

    Returns:
        A report of old and new statistics, layer by layer, and of what was left; print it.

    Raises:
        ArgumentTypeError: `batches`, a batch or `forward` is of no such type, or the model is not a
            module.
        ArgumentError: there are no batches, on any rank.
        ShapeError: a batch norm sees one value per channel in a batch.
        ModelError: the new statistics would not be finite; a lazy layer has not seen its first
            batch; another rank failed.

    Examples:
        >>> model = torch.nn.Sequential(torch.nn.Dropout(0.5), torch.nn.BatchNorm1d(1))
        >>> report = recalibrate(model, [torch.tensor([[1.0], [3.0]]), torch.tensor([[8.0]] * 2)])
        >>> model[1].running_mean, model[1].running_var
        (tensor([5.]), tensor([12.6667]))
        >>> report.layers[0].max_shift
        1.404...

    References:
        Wu, Johnson 2021, arXiv:2105.07576, section 3 ("PreciseBN"). Izmailov et al. 2018,
        arXiv:1803.05407, section 3.2. Chan, Golub, LeVeque 1979, STAN-CS-79-773.
    """
    inner = check_model(model)
    check_batches(batches)
    _check_forward(forward)
    _check_initialised(inner)
    chosen, left = divided(inner)
    if not chosen:
        return DriftReport(model=type(inner).__name__, layers=(), left=tuple(left))
    in_step = any(shares_statistics(member.module) for member in chosen)
    ranks = Ranks(_device_of(chosen[0].module), in_step)
    try:
        found = _observed(inner, batches, forward or call, chosen, ranks)
    except Exception:
        ranks.fail()
        raise
    seen = [(member, moments, calls) for member, moments, calls in found if moments.count]
    left += [left_because(member, "saw no values") for member, n, _ in found if not n.count]
    return DriftReport(
        model=type(inner).__name__,
        layers=replaced(seen),
        left=tuple(left),
        num_batches=ranks.num_batches,
    )


def _observed(
    model: Module, batches: Iterable[Any], forward: Forward, chosen: list[Member], ranks: Ranks
) -> list[tuple[Member, Moments, int]]:
    """Run the model over all batches, and return what each batch norm has seen on all ranks."""
    progress = Progress()
    with torch.no_grad(), _uncompiled(), preserved_modes(model), watched(chosen, progress) as seen:
        _evaluate(model)
        for index, (batch, is_shared) in enumerate(ranks.shared_out(batches)):
            progress.batch, progress.is_shared = index, is_shared
            forward(model, batch)
    if not ranks.num_batches:
        raise ArgumentError(
            "batches has to hold at least one batch, but it was empty. A generator can be read "
            "only once: make a new one. Nothing was changed"
        )
    merged = ranks.merged([watch.moments for watch in seen], [watch.num_calls for watch in seen])
    return [(watch.member, *totals) for watch, totals in zip(seen, merged, strict=True)]


def _evaluate(model: Module) -> None:
    # Not eval(): a train() of the model's own may do more than set a flag, such as merge weights.
    for module in model.modules():
        module.__dict__["training"] = False


def _uncompiled() -> AbstractContextManager[Any]:
    """Run what is compiled as it was written: a compiled module may not see hooks set later."""
    if "torch._dynamo" not in sys.modules:  # nothing is compiled, and the import takes a second
        return contextlib.nullcontext()
    stance: AbstractContextManager[Any] = torch.compiler.set_stance("force_eager")
    return stance


def _check_forward(forward: object) -> None:
    if forward is not None and not callable(forward):
        raise ArgumentTypeError(
            f"forward has to be a function of (model, batch), or None, but got {forward!r}. As in "
            "forward=lambda model, batch: model(batch['image'])"
        )


def _check_initialised(model: Module) -> None:
    path = next(uninitialised(model), None)
    if path is not None:
        raise ModelError(
            f"{path} has not seen its first batch, which would set its shapes: run one batch "
            "through the model, then recalibrate it"
        )


def _device_of(layer: Any) -> torch.device:
    device: torch.device = layer.running_mean.device
    return device
