"""Which layers that depend on the mode a model has, as far as its making shows."""

import ast
from collections.abc import Iterable, Iterator

from wolfsbane.audit.source.calls import Call
from wolfsbane.audit.source.file import Source
from wolfsbane.audit.source.modes.program import Program
from wolfsbane.audit.source.modes.vocabulary import READY_MADE
from wolfsbane.audit.source.structure import Class
from wolfsbane.audit.spellings import kind_of_class, kind_of_function
from wolfsbane.audit.vocabulary import BATCH_NORMS, DROPOUTS

DEPENDENT = DROPOUTS | BATCH_NORMS
WITH_DROPOUT = ("Transformer", "TransformerEncoderLayer", "TransformerDecoderLayer")
"""Layers of torch.nn that drop a tenth unless they are told otherwise."""


def dependent_layers(source: Source, makers: Iterable[Class | Call]) -> frozenset[str] | None:
    """Return the kinds of layer that depend on the mode, in what these make.

    None where that cannot be known. Of a model that a library makes, "batch_norm" is taken for
    granted.
    """
    search = _Search(Program(source))
    any_maker = False
    for maker in makers:
        any_maker = True
        search.look_into(maker)
    if search.found:
        return frozenset(search.found)
    return frozenset() if search.is_complete and any_maker else None


class _Search:
    """What has been found, and whether all of it could be looked into."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.found: set[str] = set()
        self.is_complete = True
        self.seen: set[int] = set()

    def look_into(self, maker: Class | Call) -> None:
        if id(maker) in self.seen:
            return
        self.seen.add(id(maker))
        if isinstance(maker, Call):
            self._look_at(maker.node, is_making=True)
            creation = self.program.creations.get(id(maker.node))
            layers = [] if creation is None else self.program.source.chain(creation)
            self.found |= {layer.kind for layer in layers if layer.kind in DEPENDENT}
            return
        for base in self.program.lineage(maker):
            for name, method in base.methods.items():
                self._look_at(method.node, is_making=name == "__init__")
        if not self.program.has_known_bases(maker):
            self.is_complete = False

    def _look_at(self, around: ast.AST, *, is_making: bool) -> None:
        """Look at the calls in some code; what is unknown matters where a model is made."""
        for name in _called_in(self.program.source, around):
            if name in self.program.classes:
                self.look_into(self.program.classes[name])
            elif name in self.program.functions:
                function = self.program.functions[name]
                if id(function) not in self.seen:
                    self.seen.add(id(function))
                    self._look_at(function.node, is_making=is_making)
            else:
                self._take(name, is_making)

    def _take(self, name: str, is_making: bool) -> None:
        kind = kind_of_class(name) or kind_of_function(name)
        last = name.rpartition(".")[2]
        if kind in DEPENDENT:
            self.found.add(str(kind))
        elif READY_MADE.match(name):
            self.found.add("batch_norm")
        elif last in WITH_DROPOUT:
            self.found.add("dropout")
        elif kind is None and is_making and _may_be_layer(name):
            self.is_complete = False


def _called_in(source: Source, around: ast.AST) -> Iterator[str]:
    for node in ast.walk(around):
        if isinstance(node, ast.Call):
            name = source.name_of(node.func)
            if name is not None:
                yield name


def _may_be_layer(name: str) -> bool:
    """Whether a name may be a class from elsewhere: capitalised, and not torch's own."""
    last = name.rpartition(".")[2]
    return "." in name and last[:1].isupper() and not name.startswith("torch.")
