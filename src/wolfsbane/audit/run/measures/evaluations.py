"""Calls of a model without gradients in training mode: WB203 and WB206."""

import weakref
from collections.abc import Iterator
from dataclasses import dataclass, field

from torch import Tensor

from wolfsbane.audit.finding import Channel, Finding, Place
from wolfsbane.audit.layer import Layer
from wolfsbane.audit.rule import Rule
from wolfsbane.audit.run.functions import tensors_in
from wolfsbane.audit.run.observer import Forward, ModeSet, Observer, Watched
from wolfsbane.audit.traits.dependence import (
    dependent_on_mode,
    drop_rate,
    listed,
    moves_statistics,
)
from wolfsbane.audit.vocabulary import BATCH_NORMS

FEW = 2
"""Repetitions on one input from which calls are taken for samples."""


@dataclass(eq=False)
class Account:
    """The calls of one model without gradients, in training mode.

    Args:
        watched: the model.
        has_trained: whether it was called with gradients already.
        num_inputs: calls on an input that was not the last one.
        num_repeated: calls on the same input as the call before, with no training step in between.
        dropouts: by path, those that dropped.
        updated: by path, batch norms whose running statistics moved.
        resting: by path, batch norms with momentum 0, which normalised by the batch all the same.
        set_at: where training mode was last set.
    """

    watched: Watched
    has_trained: bool = False
    num_inputs: int = 0
    num_repeated: int = 0
    dropouts: dict[str, str] = field(default_factory=dict)
    updated: dict[str, str] = field(default_factory=dict)
    resting: dict[str, str] = field(default_factory=dict)
    set_at: Place = field(default_factory=Place)
    last: "weakref.ref[Tensor] | None" = None
    last_step: int = -1
    trained_on: "weakref.ref[Tensor] | None" = None

    @property
    def is_sampling(self) -> bool:
        """Whether the calls are samples of one input, as in Monte-Carlo dropout."""
        return self.num_repeated >= max(FEW, self.num_inputs)

    def is_last(self, tensor: Tensor | None, step: int) -> bool:
        """Whether a tensor is the last call's input, in the same training step."""
        return tensor is not None and step == self.last_step and _is(self.last, tensor)


class EvaluationsInTraining(Observer):
    """Base: counts calls without gradients in which dropout was on or batch norm updated.

    Args:
        rule: whose findings these are.
    """

    def __init__(self, rule: Rule) -> None:
        self.rule = rule
        self.accounts: dict[int, Account] = {}

    def _account(self, watched: Watched) -> Account:
        return self.accounts.setdefault(id(watched), Account(watched))

    def on_mode(self, event: ModeSet) -> None:
        if event.training and event.layer.path == "":
            self._account(event.watched).set_at = event.place

    def on_forward(self, forward: Forward) -> None:
        account = self._account(forward.watched)
        tensor = next(tensors_in((forward.inputs, forward.kwargs)), None)
        if forward.grad:
            self._train(account, tensor, forward.step)
        elif account.has_trained and forward.watched.model.training:
            self._evaluate(account, tensor, forward.step)

    @staticmethod
    def _train(account: Account, tensor: Tensor | None, step: int) -> None:
        account.has_trained = True
        account.trained_on = None if tensor is None else weakref.ref(tensor)
        if account.is_last(tensor, step):  # It belonged to the training step: self-conditioning.
            account.num_inputs -= 1
        account.last = None

    @staticmethod
    def _evaluate(account: Account, tensor: Tensor | None, step: int) -> None:
        on = [layer for layer in account.watched.layers if layer.module.training]
        norms = [layer for layer in on if layer.kind in BATCH_NORMS]
        is_recomputed = any(_is_cumulative(layer) for layer in norms)
        is_trained_on = tensor is not None and _is(account.trained_on, tensor)
        if is_recomputed or is_trained_on:
            return
        found = {layer.path: label for layer in on if (label := dependent_on_mode(layer))}
        if not found:
            return
        if account.is_last(tensor, step):
            account.num_repeated += 1
        else:
            account.num_inputs += 1
        account.last, account.last_step = None if tensor is None else weakref.ref(tensor), step
        account.dropouts.update({one.path: found[one.path] for one in on if drop_rate(one)})
        for norm in norms:
            if norm.path in found:
                kept = account.updated if moves_statistics(norm) else account.resting
                kept[norm.path] = found[norm.path]

    def findings(self) -> Iterator[Finding]:
        for account in self.accounts.values():
            yield from self.findings_of(account)

    def findings_of(self, account: Account) -> Iterator[Finding]:
        """Tell what was found about one model."""
        raise NotImplementedError


class EvaluatedInTraining(EvaluationsInTraining):
    """WB203: evaluated without eval()."""

    def findings_of(self, account: Account) -> Iterator[Finding]:
        if account.is_sampling or account.num_inputs < 1:
            return
        parts = []
        if account.dropouts:
            parts.append(f"{listed(account.dropouts.values())} dropped")
        if account.updated:
            parts.append(f"{listed(account.updated.values())} updated")
        if account.resting:
            parts.append(f"{listed(account.resting.values())} normalised by the batch")
        number = account.num_inputs + account.num_repeated
        calls = "one call" if number == 1 else f"{number} calls"
        yield self.rule.found(
            Channel.RUN,
            _place(account),
            f"{account.watched.name or 'the model'} was in training mode in {calls} without "
            f"gradients: {' and '.join(parts)}",
            "Call eval() before an evaluation, and train() before training goes on",
        )


class SampledInTraining(EvaluationsInTraining):
    """WB206: samples of dropout that change batch norm."""

    def findings_of(self, account: Account) -> Iterator[Finding]:
        if account.is_sampling and account.updated and account.dropouts:
            number = account.num_repeated + account.num_inputs
            yield self.rule.found(
                Channel.RUN,
                _place(account),
                f"{listed(account.updated.values())} updated the running statistics in "
                f"{number} calls without gradients, repeated on the same input while "
                f"{listed(account.dropouts.values())} was on",
                "Use wolfsbane.mc_dropout, or call eval() on the model and train() on its dropouts "
                "alone",
            )


def _is_cumulative(layer: Layer) -> bool:
    """Whether a batch norm averages over all batches: its statistics are being recomputed."""
    return getattr(layer.module, "momentum", 0.1) is None


def _is(held: "weakref.ref[Tensor] | None", tensor: Tensor) -> bool:
    return held is not None and held() is tensor


def _place(account: Account) -> Place:
    at = account.set_at
    return Place(at.file, at.span, at.cell, "")
