"""A prediction batch after batch: what is asked for, and what is known so far."""

from dataclasses import dataclass, replace

import torch
from torch import Tensor
from torch.nn import Module

from wolfsbane.anatomy.places import path_of
from wolfsbane.anatomy.rates import drop_rates
from wolfsbane.errors import DataError, ModelError, UnsupportedError
from wolfsbane.uncertainty import batches
from wolfsbane.uncertainty.batches import Batch, Forward
from wolfsbane.uncertainty.masks import Masks
from wolfsbane.uncertainty.other_draws import OtherDraws
from wolfsbane.uncertainty.passes import Observation, Passes, observe
from wolfsbane.uncertainty.prediction import McPrediction
from wolfsbane.uncertainty.sampling import Automatic, Named, Trusted
from wolfsbane.uncertainty.summary import Summary

Sampler = Automatic | Named | Trusted


@dataclass(frozen=True)
class Task:
    """What is predicted, and how."""

    model: Module
    forward: Forward
    samples: int
    strategy: str
    outputs: str


class Prediction:
    """The statistics of the batches seen so far.

    Args:
        task: what is asked for.
        keep_samples: keep every sample, too.
    """

    def __init__(self, task: Task, keep_samples: bool) -> None:
        self._task, self._keeps = task, keep_samples
        self._summaries: list[Summary] = []
        self._last: Sampler | None = None
        self._rows_of_choice = 0

    def add(self, batch: Batch, masks: Masks) -> None:
        """Predict a batch."""
        passes = self._passes(batch, masks)
        sampler = self._sampler(passes)
        summary = Summary(self._task.outputs, self._keeps)
        for outputs in sampler.run():
            summary.add(outputs)
        self._summaries.append(summary)
        self._last = sampler

    def _passes(self, batch: Batch, masks: Masks) -> Passes:
        parameter = next(self._task.model.parameters(), None)
        device = batches.tensors(batch)[0].device if parameter is None else parameter.device

        def forward(part: Batch) -> Tensor:
            return self._task.forward(self._task.model, part)

        rows = batches.num_rows(batch)
        return Passes(forward, batch, rows, device, masks, OtherDraws(device))

    def _sampler(self, passes: Passes) -> Sampler:
        samples, strategy = self._task.samples, self._task.strategy
        if self._last is not None:
            choice = self._last.choice
            chunk = choice.chunk * self._rows_of_choice // max(1, passes.rows)
            choice = replace(choice, chunk=min(max(1, chunk), samples))
            return Trusted(passes, samples, choice, may_change=strategy == "auto")
        self._rows_of_choice = passes.rows
        seen = observe(passes, 0)
        _check_drops(seen, passes.masks, self._task.model)
        if strategy == "auto":
            return Automatic(passes, samples, seen)
        return Named(passes, samples, strategy, seen)

    def result(self) -> McPrediction:
        """Return the statistics of all batches, one after another.

        Raises:
            DataError: there was none.
        """
        if self._last is None:
            raise DataError(
                "inputs gave no batch. An iterator can be gone through only once: pass the "
                "DataLoader itself, or a list"
            )
        every = self._summaries
        return McPrediction(
            mean=torch.cat([each.mean for each in every]),
            variance=torch.cat([each.variance for each in every]),
            num_samples=self._task.samples,
            strategy=self._last.choice.strategy,
            reason=self._last.choice.reason,
            _entropy=_joined([each.entropy for each in every]),
            _mutual_information=_joined([each.mutual_information for each in every]),
            _samples=_joined([each.samples for each in every], dim=1),
        )


def _joined(parts: list[Tensor | None], dim: int = 0) -> Tensor | None:
    there = [part for part in parts if part is not None]
    return torch.cat(there, dim) if there else None


def _check_drops(seen: Observation, masks: Masks, model: Module) -> None:
    """Raise where nothing dropped; or not for all rows alike, where that was asked for."""
    if masks.is_consistent and seen.has_other_draws:
        raise UnsupportedError(
            "consistent=True needs all that is random to be a dropout with a mask, but the model "
            "draws random numbers of its own, such as torch.rand or bernoulli_. Use wolfsbane.nn's "
            "layers (DropPath in the place of timm's), or consistent=False"
        )
    if seen.num_drawn or seen.has_other_draws:
        return
    raise ModelError(
        "nothing drops in this model, so its output would be the same in every sample and the "
        "variance zero. Looked for were dropout layers, MultiheadAttention, recurrent nets, "
        "F.dropout with p > 0, attention with a rate from an attribute of its module, and random "
        f"numbers of any kind. {_rates_found(model)}"
    )


def _rates_found(model: Module) -> str:
    rates = drop_rates(model)
    if not rates:
        return "Put a dropout in, before a layer with weights: torch.nn.Dropout(0.1)"
    found = ", ".join(f"{path_of(rate.path)}: {rate.value:g}" for rate in rates[:6])
    more = ", ..." if len(rates) > 6 else ""  # noqa: PLR2004
    return f"Rates found: {found}{more}. Set them above 0, and see that the layers are called"
