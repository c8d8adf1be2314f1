"""An observer that keeps all events, as a rule that no test selects by accident."""

import torch

from wolfsbane.audit.finding import Severity
from wolfsbane.audit.rule import Rule
from wolfsbane.audit.run.observer import Observer


class Recording(Observer):
    """Keeps each event, by its name."""

    def __init__(self):
        self.events = []

    def of(self, name):
        return [event for kind, event in self.events if kind == name]

    def on_forward(self, event):
        self.events.append(("forward", event))

    def on_layer(self, event):
        self.events.append(("layer", event))

    def on_operation(self, event):
        self.events.append(("operation", event))

    def on_mode(self, event):
        self.events.append(("mode", event))

    def on_step(self, event):
        self.events.append(("step", event))

    def on_mode_gap(self, event):
        self.events.append(("gap", event))

    def on_failure(self, event):
        self.events.append(("failure", event))


def recording_rule():
    """Return a rule and its one observer."""
    observer = Recording()

    class Records(Rule):
        """Records."""

        code = "WB999"
        name = "recorded-in-tests"
        severity = Severity.NOTE

        def observer(self):
            return observer

    return Records, observer


def one_step(net, x, y):
    """Train a classifier for one step."""
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    torch.nn.functional.cross_entropy(net(x), y).backward()
    optimizer.step()
    optimizer.zero_grad()
