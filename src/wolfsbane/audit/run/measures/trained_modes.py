"""In which mode layers are in the training steps of a run: WB201 and WB202."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from torch.optim import Optimizer

from wolfsbane.audit.finding import Channel, Finding, Place
from wolfsbane.audit.layer import Layer
from wolfsbane.audit.rule import Rule
from wolfsbane.audit.run.observer import Forward, ModeSet, Observer, Step, Watched
from wolfsbane.audit.traits.dependence import dependent_on_mode, is_frozen


@dataclass(eq=False)
class History:
    """What happened to one layer.

    Args:
        layer: the layer.
        label: how a message calls it.
        num_evaluating: training steps in which it was in evaluation mode.
        num_within_root: those of them in which the whole model was.
        was_training: whether it trained in training mode, or was put into it.
        set_at: where it was last put into evaluation mode.
        whole: the largest part of the model around it that was in evaluation mode too.
        is_part_trained: whether the optimizer has parameters of that part.
    """

    layer: Layer
    label: str
    num_evaluating: int = 0
    num_within_root: int = 0
    was_training: bool = False
    set_at: Place | None = None
    whole: Layer | None = None
    is_part_trained: bool = False


@dataclass(eq=False)
class Account:
    """What happened to one model's layers that depend on the mode."""

    watched: Watched
    num_steps: int = 0
    evaluating: list[History] = field(default_factory=list)
    is_root_evaluating: bool = False
    has_forward: bool = False
    known: Sequence[Layer] | None = None
    histories: dict[int, History] = field(default_factory=dict)

    def refresh(self) -> None:
        """Take in the layers that there are now."""
        if self.known is self.watched.layers:
            return
        self.known = self.watched.layers
        for layer in self.known:
            label = dependent_on_mode(layer)
            if label is not None and id(layer.module) not in self.histories:
                self.histories[id(layer.module)] = History(layer, label)


class TrainedModes(Observer):
    """Base: counts the training steps in which layers were in evaluation mode.

    Args:
        rule: whose findings these are.
    """

    def __init__(self, rule: Rule) -> None:
        self.rule = rule
        self.accounts: dict[int, Account] = {}

    def _account(self, watched: Watched) -> Account:
        account = self.accounts.setdefault(id(watched), Account(watched))
        account.refresh()
        return account

    def on_mode(self, event: ModeSet) -> None:
        below = f"{event.layer.path}." if event.layer.path else ""
        for history in self._account(event.watched).histories.values():
            if f"{history.layer.path}.".startswith(below):
                if event.training:
                    history.was_training = True
                else:
                    history.set_at = event.place

    def on_forward(self, forward: Forward) -> None:
        if forward.grad:
            account = self._account(forward.watched)
            account.has_forward = True
            account.is_root_evaluating = not forward.watched.model.training
            account.evaluating = [
                history
                for history in account.histories.values()
                if not history.layer.module.training
            ]

    def on_step(self, step: Step) -> None:
        for watched in step.watched:
            account = self._account(watched)
            if account.has_forward:
                account.has_forward = False
                account.num_steps += 1
                _count(account, step.optimizer)

    def findings(self) -> Iterator[Finding]:
        for account in self.accounts.values():
            found = [one for one in account.histories.values() if not is_frozen(one.layer)]
            yield from self.findings_of(account, found)

    def findings_of(self, account: Account, histories: Sequence[History]) -> Iterator[Finding]:
        """Tell what was found about one model; layers whose parameters are frozen are left out."""
        raise NotImplementedError


class Restoration(TrainedModes):
    """WB201: the whole model had been in training mode, and then trained in evaluation mode."""

    def findings_of(self, account: Account, histories: Sequence[History]) -> Iterator[Finding]:
        found = [one for one in histories if one.was_training and one.num_within_root]
        if found:
            first = found[0]
            yield self.rule.found(
                Channel.RUN,
                _place(first),
                f"{first.label} was in eval mode in {first.num_within_root} of "
                f"{account.num_steps} training steps{_others(found)}{_of(account)}{_set_at(first)}",
                "Call train() before each epoch's training steps, or where the evaluation ends",
            )


class NeverTraining(TrainedModes):
    """WB202: a part of the model, or all of it, trains and never was in training mode."""

    def findings_of(self, account: Account, histories: Sequence[History]) -> Iterator[Finding]:
        by_part: dict[str, list[History]] = {}
        for one in histories:
            is_always = one.num_evaluating == account.num_steps > 0 and not one.was_training
            # A dropout or batch norm that is alone in evaluation mode was put there on purpose.
            is_alone = one.whole is None or one.whole is one.layer
            if is_always and one.is_part_trained and not is_alone and one.whole is not None:
                by_part.setdefault(one.whole.path, []).append(one)
        for part, found in by_part.items():
            first = found[0]
            shown = f"{part!r}" if part else "the model"
            yield self.rule.found(
                Channel.RUN,
                _place(first),
                f"{shown} trains, but was never in training mode: {first.label} was in eval mode "
                f"in {_all_steps(account)}{_others(found)}{_of(account)}"
                f"{_set_at(first)}",
                "Call train() on the model before training, or freeze what is not to be trained",
            )


def _count(account: Account, optimizer: Optimizer) -> None:
    evaluating = {id(history) for history in account.evaluating}
    for history in account.histories.values():
        if id(history) not in evaluating:
            history.was_training = True
            continue
        history.num_evaluating += 1
        history.num_within_root += account.is_root_evaluating
        if history.whole is None:
            history.whole = whole_in_evaluation(history.layer, account.watched.layers)
            history.is_part_trained = is_trained(history.whole, optimizer)


def whole_in_evaluation(layer: Layer, layers: Sequence[Layer]) -> Layer:
    """Return the largest part of a model around a layer that is in evaluation mode like it."""
    by_path = {one.path: one for one in layers}
    while layer.parent is not None and not by_path[layer.parent].module.training:
        layer = by_path[layer.parent]
    return layer


def is_trained(layer: Layer, optimizer: Optimizer) -> bool:
    """Whether an optimizer has parameters of a layer that get gradients."""
    held = {id(one) for group in optimizer.param_groups for one in group["params"]}
    return any(one.requires_grad and id(one) in held for one in layer.module.parameters())


def _all_steps(account: Account) -> str:
    number = account.num_steps
    return "the one training step" if number == 1 else f"all {number} training steps"


def _others(found: Sequence[History]) -> str:
    rest = len(found) - 1
    if rest == 1:
        return ", and so was 1 other layer"
    return f", and so were {rest} other layers" if rest else ""


def _of(account: Account) -> str:
    return f", in {account.watched.name}" if account.watched.name else ""


def _set_at(history: History) -> str:
    place = history.set_at
    if place is None or place.file is None or place.span is None:
        return ""
    return f"; mode was last set at {Path(place.file).name}:{place.span.line}"


def _place(history: History) -> Place:
    at = history.set_at or Place()
    return Place(at.file, at.span, at.cell, history.layer.path)
