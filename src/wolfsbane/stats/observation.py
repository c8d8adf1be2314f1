"""Batch norms watched while a model runs: the moments of all that they are called with."""

import contextlib
import inspect
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn import Module

from wolfsbane.anatomy.places import Member, path_of
from wolfsbane.errors import ShapeError
from wolfsbane.nn import SyncBatchNorm
from wolfsbane.stats.moments import moments_of, no_values
from wolfsbane.stats.ranks import merged_over, num_ranks

STATISTICS = ("running_mean", "running_var", "num_batches_tracked")


@dataclass
class Progress:
    """Where the passes over the batches are.

    Args:
        batch: index of the batch that the model is called with.
        is_shared: whether all ranks call the model now, so that batch norms may communicate.
    """

    batch: int = 0
    is_shared: bool = False


class Watch:
    """What one batch norm is called with.

    It is a forward pre-hook. The layer is in evaluation mode, and gets the statistics of what it is
    called with as its running ones before each call: so it normalises as in training, whatever its
    class, and drops nothing, counts nothing and communicates nothing of its own.

    Attributes:
        member: the layer and where it hangs.
        moments: of all calls together.
        num_calls: how often it was called.
    """

    def __init__(self, member: Member, progress: Progress) -> None:
        self.member = member
        layer: Any = member.module
        self.layer = layer
        self.progress = progress
        self.moments = no_values(layer.num_features, layer.running_mean.device)
        self.num_calls = 0
        self._signature = inspect.signature(layer.forward)

    def __call__(self, layer: Module, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> None:
        values = self._values_of(args, kwargs)
        if values is None:
            return
        own = moments_of(values.detach())
        batch = own
        if self.progress.is_shared and shares_statistics(layer):
            batch = merged_over(own, self.layer.process_group)
        if batch.count == 1:
            raise self._one_value(values.shape)
        if own.count:
            self.moments = self.moments.merged(own)
            self.num_calls += 1
        if batch.count:
            self._show("running_mean", batch.mean)
            self._show("running_var", batch.biased_var)

    def _values_of(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Tensor | None:
        """Return what a batch norm takes its statistics from, as (N, C, *).

        None where it will not accept it: its own error says why. Two kinds of layer have other
        values than all of (N, C, *): one with `feature_dim = -1` has its channels last, and one
        whose forward takes a `mask` counts the positions where that is True.
        """
        try:
            given = self._signature.bind(*args, **kwargs).arguments
        except TypeError:
            return None
        input = next(iter(given.values()), None)
        if not isinstance(input, Tensor) or input.dim() < 2:  # noqa: PLR2004
            return None
        features_second = input.movedim(getattr(self.layer, "feature_dim", 1), 1)
        if features_second.size(1) != self.layer.num_features or not input.is_floating_point():
            return None
        mask = given.get("mask")
        if mask is None:
            return features_second
        features_last = features_second.movedim(1, -1)
        return features_last[mask] if mask.shape == features_last.shape[:-1] else None

    def _show(self, name: str, value: Tensor) -> None:
        shown = value.to(getattr(self.layer, name).dtype, copy=True)
        self.layer._buffers[name] = shown  # noqa: SLF001

    def _one_value(self, shape: torch.Size) -> ShapeError:
        return ShapeError(
            f"Expected more than 1 value per channel when training, got input size {tuple(shape)} "
            f"in {path_of(self.member.path)} ({type(self.layer).__name__}), batch "
            f"{self.progress.batch}, counted from 0. Use larger batches, or drop the last one: "
            "DataLoader(..., drop_last=True). Nothing was changed"
        )


@contextlib.contextmanager
def watched(chosen: Sequence[Member], progress: Progress) -> Iterator[list[Watch]]:
    """Watch batch norms inside the block; then put their very statistics back."""
    watches = [Watch(member, progress) for member in chosen]
    originals = [dict(watch.layer._buffers) for watch in watches]  # noqa: SLF001
    handles = []
    try:
        for watch in watches:
            handles.append(watch.layer.register_forward_pre_hook(watch, with_kwargs=True))
            tracked = watch.layer.num_batches_tracked
            if tracked is not None:  # in case `forward` puts the model in training mode
                watch.layer._buffers["num_batches_tracked"] = tracked.clone()  # noqa: SLF001
        yield watches
    finally:
        for handle in handles:
            handle.remove()
        for watch, buffers in zip(watches, originals, strict=True):
            for name in STATISTICS:
                watch.layer._buffers[name] = buffers[name]  # noqa: SLF001


def shares_statistics(layer: Module) -> bool:
    """Whether a batch norm in training normalises with the batches of several ranks."""
    if not isinstance(layer, (SyncBatchNorm, torch.nn.SyncBatchNorm)):
        return False
    return num_ranks(layer.process_group) > 1
