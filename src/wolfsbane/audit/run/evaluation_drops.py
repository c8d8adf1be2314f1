"""What drops while a watched model is evaluated."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from wolfsbane.audit.finding import Finding
from wolfsbane.audit.operation import Operation
from wolfsbane.audit.run.observer import Observer, OperationCall


@dataclass
class _Tally:
    """An operation, and how often it dropped in evaluation."""

    operation: Operation
    num_calls: int = 0


class EvaluationDrops(Observer):
    """Counts by place the operations that drop while their model and layer are in eval mode.

    A layer that is in training mode inside a model in eval mode has been put there, as for
    Monte-Carlo dropout; it is not counted.

    Args:
        is_on: whether an operation drops.
        tell: makes a finding of an operation and how often it dropped.
    """

    def __init__(
        self, is_on: Callable[[Operation], bool], tell: Callable[[Operation, int], Finding]
    ) -> None:
        self._is_on = is_on
        self._tell = tell
        self._seen: dict[object, _Tally] = {}

    def on_operation(self, call: OperationCall) -> None:
        layer = call.operation.layer
        if call.watched is None or layer is None:
            return
        if call.watched.model.training or layer.module.training or not self._is_on(call.operation):
            return
        key = (call.operation.kind, call.operation.place, layer.path)
        self._seen.setdefault(key, _Tally(call.operation)).num_calls += 1

    def findings(self) -> Iterator[Finding]:
        for tally in self._seen.values():
            yield self._tell(tally.operation, tally.num_calls)
