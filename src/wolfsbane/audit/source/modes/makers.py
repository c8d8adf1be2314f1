"""Which layers that depend on the mode a model has, as far as its making shows."""

import ast
from collections.abc import Iterable, Iterator

from wolfsbane.audit.source.calls import Call
from wolfsbane.audit.source.file import Source
from wolfsbane.audit.source.modes.program import Program
from wolfsbane.audit.source.modes.vocabulary import READY_MADE
from wolfsbane.audit.source.structure import Class
from wolfsbane.audit.vocabulary import BATCH_NORMS, DROPOUTS, kind_of_class, kind_of_function

DEPENDENT = DROPOUTS | BATCH_NORMS
WITH_DROPOUT = ("Transformer", "TransformerEncoderLayer", "TransformerDecoderLayer")
"""Layers of torch.nn that drop a tenth unless they are told otherwise."""


def dependent_layers(source: Source, makers: Iterable[Class | Call]) -> frozenset[str] | None:
    """Return the kinds of layer that depend on the mode, in what these make.

    None where that cannot be known. Of a model that a library makes, "batch_norm" is taken for
    granted.
    """
    program, found, is_known, any_maker = Program(source), set[str](), True, False
    for maker in makers:
        any_maker = True
        for kind in _kinds_in(program, maker, set()):
            if kind is None:
                is_known = False
            else:
                found.add(kind)
    if found:
        return frozenset(found)
    return frozenset() if is_known and any_maker else None


def _kinds_in(program: Program, maker: Class | Call, seen: set[int]) -> Iterator[str | None]:
    if id(maker) in seen:
        return
    seen.add(id(maker))
    if isinstance(maker, Call):
        yield from _kinds_of_calls(program, ast.walk(maker.node), seen)
        creation = program.creations.get(id(maker.node))
        layers = [] if creation is None else program.source.chain(creation)
        yield from (layer.kind for layer in layers if layer.kind in DEPENDENT)
        return
    for base in program.lineage(maker):
        yield from _kinds_of_calls(program, ast.walk(base.node), seen)
    if not program.has_known_bases(maker):
        yield None


def _kinds_of_calls(
    program: Program, nodes: Iterable[ast.AST], seen: set[int]
) -> Iterator[str | None]:
    for node in nodes:
        if isinstance(node, ast.Call):
            name = program.source.name_of(node.func)
            if name in program.classes:
                yield from _kinds_in(program, program.classes[name], seen)
            elif name in program.functions and id(program.functions[name]) not in seen:
                function = program.functions[name]
                seen.add(id(function))
                yield from _kinds_of_calls(program, ast.walk(function.node), seen)
            elif name is not None:
                yield from _kinds_of_name(name)


def _kinds_of_name(name: str) -> Iterator[str | None]:
    kind = kind_of_class(name) or kind_of_function(name)
    last = name.rpartition(".")[2]
    if kind in DEPENDENT:
        yield kind
    elif READY_MADE.match(name):
        yield "batch_norm"
    elif last in WITH_DROPOUT:
        yield "dropout"
    elif kind is None and "." in name and last[:1].isupper() and not name.startswith("torch."):
        yield None
