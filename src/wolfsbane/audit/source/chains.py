"""The layers of a Sequential, in their order, however it was put together."""

import ast
from collections.abc import Iterator

from wolfsbane.audit.source.calls import Creation
from wolfsbane.audit.source.lists import growth, start_of_list
from wolfsbane.audit.source.values import Values


class Chains:
    """The Sequentials of a program.

    Args:
        values: the flow of its values.
        creations: its layers' creations, by node.
    """

    def __init__(self, values: Values, creations: dict[int, Creation]) -> None:
        self._values = values
        self._creations = creations
        self._known: dict[int, list[list[Creation | None]]] = {}
        self._before: dict[int, tuple[Creation | None, Creation | None]] = {}
        chains = [creation for creation in creations.values() if creation.kind == "sequential"]
        # The longest first: within another Sequential, the outer one's layer is what comes before.
        for chain in sorted(chains, key=lambda one: -len(self._pieces(one, frozenset()))):
            self._place(chain)

    def _place(self, chain: Creation) -> None:
        """Note for each layer of a chain which one stands before it."""
        before: Creation | None = None
        is_first = True
        for layer in self._pieces(chain, frozenset()):
            if layer is not None and id(layer.call.node) not in self._before:
                # The first one takes what the chain is applied to; behind a gap nothing is known.
                self._before[id(layer.call.node)] = (before, chain if is_first else None)
            before, is_first = layer, False

    def of(self, creation: Creation) -> list[Creation]:
        """Return the layers of a Sequential; none for another layer."""
        if creation.kind != "sequential":
            return []
        return [layer for layer in self._pieces(creation, frozenset()) if layer is not None]

    def last(self, creation: Creation) -> Creation | None:
        """Return the last layer of a Sequential, where it is known."""
        pieces = self._pieces(creation, frozenset()) if creation.kind == "sequential" else []
        return pieces[-1] if pieces else None

    def before(self, layer: Creation) -> tuple[Creation | None, Creation | None]:
        """Return the layer before one, and the Sequential of which it is the first."""
        return self._before.get(id(layer.call.node), (None, None))

    def _pieces(self, creation: Creation, seen: frozenset[int]) -> list[Creation | None]:
        """Return the layers of a Sequential, with None where one is not known."""
        if id(creation) in seen:
            return [None]
        found: list[Creation | None] = []
        for given in creation.call.node.args:
            found.extend(self._piece(given, seen | {id(creation)}))
        return found

    def _piece(self, node: ast.expr, seen: frozenset[int]) -> Iterator[Creation | None]:
        if isinstance(node, ast.Starred):
            yield from self._list(node.value, seen)
        elif isinstance(node, ast.Tuple):  # ("name", layer) of an OrderedDict
            yield from self._piece(node.elts[-1], seen) if node.elts else ()
        elif isinstance(node, ast.Call) and _is_ordered_dict(node):
            for given in node.args[:1]:
                yield from self._list(given, seen)
        elif isinstance(node, ast.Dict):
            for value in node.values:
                yield from self._piece(value, seen)
        else:
            yield from self._layer(node, seen)

    def _layer(self, node: ast.expr, seen: frozenset[int]) -> Iterator[Creation | None]:
        makers = [self._creations.get(id(maker)) for maker in self._values.objects.makers(node)]
        if len(makers) != 1 or makers[0] is None:
            yield None
        elif makers[0].kind == "sequential":
            yield from self._pieces(makers[0], seen)
        else:
            yield makers[0]

    def _list(self, node: ast.expr, seen: frozenset[int]) -> Iterator[Creation | None]:
        """Yield the layers in a list that is unpacked: its literal, and what it grew by."""
        start = start_of_list(self._values, node)
        if start is None:
            yield None
        else:
            for element in start.elts:
                yield from self._piece(element, seen)
        if isinstance(node, ast.Name):
            yield from self._grown(
                node, seen, None if start is None else self._values.scopes.block(start)
            )

    def _grown(
        self, node: ast.Name, seen: frozenset[int], block: ast.AST | None
    ) -> Iterator[Creation | None]:
        """Yield what `layers += [...]` and `layers.append(...)` add, in the order of the text.

        Between two such statements a gap is left where they stand in different blocks.
        """
        for statement, added in growth(self._values, node):
            around = self._values.scopes.block(statement)
            if block is not around:
                yield None
            block = around
            if isinstance(added, ast.List | ast.Tuple):
                for element in added.elts:
                    yield from self._piece(element, seen)
            elif isinstance(statement, ast.AugAssign):
                yield None
            else:
                yield from self._piece(added, seen)


def _is_ordered_dict(node: ast.Call) -> bool:
    name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
    return name in {"OrderedDict", "dict"}
