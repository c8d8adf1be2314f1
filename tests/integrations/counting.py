"""A rule that tells how often a model was trained, which every training can be asked."""

from wolfsbane.audit import Channel, Place, Rule, Severity
from wolfsbane.audit.run.observer import Observer


class CountsSteps(Rule):
    """Tells for how many steps a model was trained, and what ended it."""

    code = "WB199"
    name = "counts-steps"
    severity = Severity.NOTE

    def observer(self):
        return _Counter()


class _Counter(Observer):
    def __init__(self):
        self.num_steps = 0
        self.error = None

    def on_step(self, step):
        self.num_steps += 1

    def on_failure(self, failure):
        self.error = failure.error

    def findings(self):
        ended = "" if self.error is None else f", then {self.error}"
        message = f"{self.num_steps} steps{ended}"
        yield CountsSteps.found(Channel.RUN, Place(module=""), message, "Look at it")
