"""Which dropouts of a model are called when the modules that hold them are."""

from collections.abc import Callable, Iterator

from wolfsbane.audit.dropping import ATTENTIONS, rate_of
from wolfsbane.audit.finding import Finding
from wolfsbane.audit.layer import Layer
from wolfsbane.audit.operation import Operation
from wolfsbane.audit.run.observer import LayerCall, Observer, OperationCall, Watched
from wolfsbane.audit.vocabulary import DROPOUTS


class DropoutCalls(Observer):
    """Counts the calls of dropouts, and of the modules that hold them, in training.

    A module that hands a rate on to a function, as `dropout_p=self.drop.p` does, has used it.

    Args:
        tell: makes a finding of a dropout that was never called, its rate, the module that holds
            it, and how often that was called.
    """

    def __init__(self, tell: Callable[[Layer, float, Layer, int], Finding]) -> None:
        self._tell = tell
        self._watched: list[Watched] = []
        self._num_calls: dict[int, int] = {}
        self._rates: dict[str, set[float]] = {}

    def on_layer(self, call: LayerCall) -> None:
        if call.layer is None or not call.grad or not call.module.training:
            return
        if call.watched not in self._watched:
            self._watched.append(call.watched)
        key = id(call.module)
        self._num_calls[key] = self._num_calls.get(key, 0) + 1

    def on_operation(self, call: OperationCall) -> None:
        operation = call.operation
        if operation.layer is not None:
            for rate in _rates(operation):
                self._rates.setdefault(operation.layer.path, set()).add(rate)

    def findings(self) -> Iterator[Finding]:
        for watched in self._watched:
            for layer in watched.layers:
                if layer.kind in DROPOUTS and layer.parent is not None:
                    yield from self._judged(watched, layer)

    def _judged(self, watched: Watched, layer: Layer) -> Iterator[Finding]:
        holders = [one for one in watched.layers if one.path == layer.parent]
        rate = getattr(layer.module, "p", getattr(layer.module, "drop_prob", None))
        if not isinstance(rate, float | int) or not rate or not holders:
            return
        num_runs = self._num_calls.get(id(holders[0].module), 0)
        is_called = self._num_calls.get(id(layer.module), 0) > 0
        if is_called or not num_runs or rate in self._rates.get(holders[0].path, ()):
            return
        others = [one for one in watched.layers if one.parent == layer.parent and one is not layer]
        # Where no other part was called either, as inside what is compiled, nothing is known.
        if not others or any(id(one.module) in self._num_calls for one in others):
            yield self._tell(layer, float(rate), holders[0], num_runs)


def _rates(operation: Operation) -> Iterator[float]:
    if operation.kind in DROPOUTS or operation.kind in ATTENTIONS:
        yield rate_of(operation)
