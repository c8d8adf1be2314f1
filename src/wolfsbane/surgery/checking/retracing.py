"""The changed model's graph, read again: it has to be the old one with the changes in it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from torch.nn import Module

from wolfsbane.anatomy.twins import in_short
from wolfsbane.errors import ModelError
from wolfsbane.surgery.graphs.graph import Graph, Trace
from wolfsbane.surgery.graphs.symbolic import is_layer

Step = tuple[str, int, tuple[int, ...]]
"""A step as words, the id of its module (0: none), and the places of the steps it takes."""


@dataclass(frozen=True, eq=False)
class Retracing:
    """A graph, and what has become of modules in it.

    A forward pass that asks for the class of a layer, or keeps a layer where no slot shows it,
    takes other steps after a change. That is seen here without an example.

    Args:
        graph: of the model before the change.
        became: by a module's id, the modules in its place, one behind the other. Default: itself.
    """

    graph: Graph
    became: Mapping[int, Sequence[Module]]

    def check(self, changed: Module) -> None:
        """Compare the graph with that of the changed model.

        Raises:
            ModelError: it is another.
        """
        again = self.graph.again
        new = [module for modules in self.became.values() for module in modules]
        if again is None or not all(is_layer(module, "") for module in new):
            return
        for trace in self.graph.traces:
            try:
                found = again(changed, trace)
            except Exception as error:
                raise ModelError(
                    f"the changed model has no graph any more ({in_short(error)}): its forward "
                    "asks for what was changed. The model was put back as it was"
                ) from error
            self._compare(_steps(trace, self.became), _steps(found, {}))

    def _compare(self, expected: list[Step], found: list[Step]) -> None:
        if expected == found:
            return
        pairs = zip(expected, found, strict=False)
        name = next((one[0] for one, other in pairs if one != other), "the last step")
        raise ModelError(
            f"the changed model would take other steps than before, from {name} on: its forward "
            "depends on the class of a layer, or calls one that hangs in no slot. The model was "
            "put back as it was"
        )


def _steps(trace: Trace, became: Mapping[int, Sequence[Module]]) -> list[Step]:
    steps: list[Step] = []
    place: dict[int, int] = {}
    for node in trace.nodes:
        inputs = tuple(dict.fromkeys(place[id(source)] for source in node.inputs))
        if node.module is None:
            steps.append((node.name, 0, inputs))
        else:
            for module in became.get(id(node.module), (node.module,)):
                steps.append((node.name, id(module), inputs))
                inputs = (len(steps) - 1,)
        is_gone = node.module is not None and not became.get(id(node.module), (node.module,))
        place[id(node)] = inputs[0] if is_gone else len(steps) - 1
    return steps
