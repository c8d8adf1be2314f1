"""Which dropouts of a model are called when the modules that hold them are."""

import re
from collections.abc import Callable, Iterator

from wolfsbane.audit.finding import Finding
from wolfsbane.audit.layer import Layer
from wolfsbane.audit.run.observer import LayerCall, Observer, OperationCall, Watched
from wolfsbane.audit.traits.dropping import ATTENTIONS, rate_of
from wolfsbane.audit.vocabulary import DROPOUTS

ATTENTION_NAME = re.compile(r"att(n|ention)", re.IGNORECASE)


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
        self._with_softmax: set[str] = set()

    def on_layer(self, call: LayerCall) -> None:
        if call.layer is None or not call.grad or not call.module.training:
            return
        if call.watched not in self._watched:
            self._watched.append(call.watched)
        key = id(call.module)
        self._num_calls[key] = self._num_calls.get(key, 0) + 1

    def on_operation(self, call: OperationCall) -> None:
        operation = call.operation
        if operation.layer is None:
            return
        path = operation.layer.path
        if operation.kind in DROPOUTS or operation.kind in ATTENTIONS:
            self._rates.setdefault(path, set()).add(rate_of(operation))
        elif operation.kind == "softmax":
            self._with_softmax.add(path)

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
        if self._may_be_fused(holders[0]):
            return
        others = [one for one in watched.layers if one.parent == layer.parent and one is not layer]
        # Where no other part was called either, as inside what is compiled, nothing is known.
        if not others or any(id(one.module) in self._num_calls for one in others):
            yield self._tell(layer, float(rate), holders[0], num_runs)

    def _may_be_fused(self, holder: Layer) -> bool:
        """Whether a module may have handed its rate to an attention that no observer sees."""
        is_attention = ATTENTION_NAME.search(type(holder.module).__name__) is not None
        return is_attention and holder.path not in self._with_softmax
