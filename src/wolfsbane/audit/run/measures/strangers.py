"""Modules that a model calls and does not know: WB205."""

import weakref
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from wolfsbane.audit.finding import Channel, Finding, Place
from wolfsbane.audit.layer import Layer
from wolfsbane.audit.model.unregistered import is_hidden, matters
from wolfsbane.audit.rule import Rule
from wolfsbane.audit.run.observer import LayerCall, Observer
from wolfsbane.audit.traits.dependence import listed
from wolfsbane.audit.wording import counted

if TYPE_CHECKING:
    from torch.nn import Module


@dataclass(eq=False)
class Stranger:
    """A module that no watched model owns.

    Args:
        held: the module.
        text: how a message calls it.
        within: the layer that calls it.
        place: where.
        parts: ids of the modules in it.
        steps: in which steps it was called.
    """

    held: "weakref.ref[Module]"
    text: str
    within: Layer
    place: Place
    parts: frozenset[int]
    steps: set[int] = field(default_factory=set)


class Strangers(Observer):
    """Watches for modules that are kept, called in a model, and unknown to it.

    Args:
        rule: whose findings these are.
    """

    def __init__(self, rule: Rule) -> None:
        self.rule = rule
        self.strangers: dict[int, Stranger] = {}

    def on_layer(self, call: LayerCall) -> None:
        if call.layer is not None or call.within is None or not call.grad:
            return
        known = self.strangers.get(id(call.module))
        if known is None or known.held() is not call.module:
            if not matters(call.module) or is_hidden(call.within.module, call.module):
                return
            known = self.strangers[id(call.module)] = _stranger(call, call.within)
        known.steps.add(call.step)

    def findings(self) -> Iterator[Finding]:
        # A module that is made in forward is another one in the next step.
        kept = {key: one for key, one in self.strangers.items() if len(one.steps) > 1}
        inner = frozenset().union(*(one.parts for one in kept.values()))
        outer = [one for key, one in kept.items() if key not in inner]
        for within in dict.fromkeys(one.within for one in outer):
            found = [one for one in outer if one.within is within]
            shown = repr(within.path) if within.path else "the model"
            yield self.rule.found(
                Channel.RUN,
                Place(found[0].place.file, found[0].place.span, None, within.path),
                f"{shown} calls {counted(len(found), 'module')} that it does not know: "
                f"{listed(one.text for one in found)}",
                "Hold them in an nn.ModuleList or nn.ModuleDict",
            )


def _stranger(call: LayerCall, within: Layer) -> Stranger:
    module = call.module
    parts = frozenset(id(part) for part in module.modules() if part is not module)
    text = repr(module) if not parts else type(module).__name__
    return Stranger(weakref.ref(module), text, within, call.place, parts)
