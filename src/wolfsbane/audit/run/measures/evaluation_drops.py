"""What drops while a watched model is evaluated."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeAlias

from wolfsbane.audit.finding import Finding, Place
from wolfsbane.audit.operation import Operation
from wolfsbane.audit.run.observer import LayerCall, Observer, OperationCall
from wolfsbane.audit.vocabulary import DROPOUTS

_Key: TypeAlias = tuple[str, Place, str]
"""An operation's kind, its place, and the path of its layer."""


@dataclass
class _Tally:
    """An operation, and how often it dropped in evaluation."""

    operation: Operation
    num_calls: int = 0


class EvaluationDrops(Observer):
    """Counts by place the operations that drop while their model and layer are in eval mode.

    A layer that is in training mode inside a model in eval mode has been put there, as for
    Monte-Carlo dropout; it is not counted. Nor is a dropout layer that no model owns: it drops
    because eval() never reached it.

    Args:
        is_on: whether an operation drops.
        tell: makes a finding of an operation and how often it dropped.
    """

    def __init__(
        self, is_on: Callable[[Operation], bool], tell: Callable[[Operation, int], Finding]
    ) -> None:
        self._is_on = is_on
        self._tell = tell
        self._seen: dict[_Key, _Tally] = {}
        self._last: _Key | None = None

    def on_operation(self, call: OperationCall) -> None:
        layer = call.operation.layer
        if call.watched is None or layer is None:
            return
        if call.watched.model.training or layer.module.training or not self._is_on(call.operation):
            return
        self._last = (call.operation.kind, call.operation.place, layer.path)
        self._seen.setdefault(self._last, _Tally(call.operation)).num_calls += 1

    def on_layer(self, call: LayerCall) -> None:
        is_strange = call.layer is None and call.kind in DROPOUTS
        if is_strange and self._last is not None and self._last[:2] == (call.kind, call.place):
            self._seen[self._last].num_calls -= 1  # It was this layer's, which has now been left.
            self._last = None

    def findings(self) -> Iterator[Finding]:
        for tally in self._seen.values():
            if tally.num_calls:
                yield self._tell(tally.operation, tally.num_calls)
