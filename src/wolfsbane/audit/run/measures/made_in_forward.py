"""Dropouts that are made for one call, and are gone after it."""

import weakref
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from wolfsbane.audit.finding import Finding, Place
from wolfsbane.audit.run.observer import Forward, LayerCall, Observer, Step
from wolfsbane.audit.vocabulary import DROPOUTS

if TYPE_CHECKING:
    from torch.nn import Module


@dataclass
class Made:
    """The dropouts that one line makes.

    Args:
        place: the line that called them.
        name: their class.
        rate: their p.
        num_calls: how many of them were called and are gone.
        num_in_evaluation: how many of these calls dropped although the model was in eval mode.
    """

    place: Place
    name: str
    rate: float
    num_calls: int = 0
    num_in_evaluation: int = 0


@dataclass
class _Line:
    made: Made
    pending: "list[tuple[weakref.ref[Module], bool]]" = field(default_factory=list)


class MadeInForward(Observer):
    """Watches the dropouts that no model owns, and whether they outlive the call of the model.

    One that is held in a list lives on: it is not registered, but it is not made anew either.

    Args:
        tell: makes a finding of what one line makes.
    """

    def __init__(self, tell: Callable[[Made], Finding]) -> None:
        self._tell = tell
        self._lines: dict[Place, _Line] = {}

    def on_layer(self, call: LayerCall) -> None:
        if call.layer is not None or call.kind not in DROPOUTS:
            return
        rate = getattr(call.module, "p", None)
        if not isinstance(rate, float | int) or not rate:
            return
        line = self._lines.get(call.place)
        if line is None:
            made = Made(call.place, type(call.module).__name__, float(rate))
            line = self._lines[call.place] = _Line(made)
        in_evaluation = call.module.training and not call.watched.model.training
        line.pending.append((weakref.ref(call.module), in_evaluation))

    def on_forward(self, forward: Forward) -> None:  # noqa: ARG002  # when is all that matters
        self._count()

    def on_step(self, step: Step) -> None:  # noqa: ARG002
        self._count()

    def _count(self) -> None:
        """Count the layers that are gone; those that are not are kept by someone."""
        for line in self._lines.values():
            for reference, in_evaluation in line.pending:
                if reference() is None:
                    line.made.num_calls += 1
                    line.made.num_in_evaluation += in_evaluation
            line.pending.clear()

    def findings(self) -> Iterator[Finding]:
        self._count()
        for line in self._lines.values():
            if line.made.num_calls:
                yield self._tell(line.made)
