"""WB207."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from wolfsbane.audit.finding import Channel, Finding, Place, Severity
from wolfsbane.audit.rule import Rule
from wolfsbane.audit.run.observer import ModeGap, Observer

if TYPE_CHECKING:
    from wolfsbane.audit.run.observer import Watched

FEWEST_STEPS = 20
"""Steps before which nothing is said: at momentum 0.1 an eighth of the running statistics is still
the initial value after so many."""
RATIO = 2.0
"""How many times the training loss the evaluation loss has to be."""


class EvalFarWorseThanTrain(Rule):
    """x.

    ## What it does
    """

    code = "WB207"
    name = "eval-far-worse-than-train"
    severity = Severity.WARNING

    def observer(self) -> Observer:
        return _Observer()


class _Observer(Observer):
    def __init__(self) -> None:
        self.last: dict[int, ModeGap] = {}

    def on_mode_gap(self, gap: ModeGap) -> None:
        import os

        if os.environ.get("GAP"):
            print(
                gap.step,
                gap.train_loss,
                gap.eval_loss,
                gap.distance,
                [(l.path, round(x, 3)) for l, x in gap.responsible],
            )
        self.last[id(gap.watched)] = gap

    def findings(self):
        return iter(())
