"""Whether a call can run while a model is evaluated, as far as a program's text tells."""

import ast
import re
from collections.abc import Iterator
from pathlib import PurePath

from wolfsbane.audit.source.file import Function, Source

TEST_FILE = re.compile(r"test_.*|.*_test|conftest")
DELIBERATE = re.compile(r"#.*\b(eval\w*|inference|always|deliberate\w*)\b", re.IGNORECASE)
"""What a comment mentions that explains why dropout is on."""

TRAINS = re.compile(r"_?train(ing)?_?(step|batch|epoch|one_epoch|loop)?")
"""Names of functions that run in training alone, such as a LightningModule's training_step."""

ENTRIES = frozenset({"forward", "__call__", "<lambda>"})
"""Functions that are called through a module, or through a name that is not followed."""

DEEPEST = 4
"""Callers of callers that are asked."""


def runs_in_evaluation(source: Source, node: ast.AST) -> bool:
    """Whether nothing around a node keeps it to training: no test of the mode, here or by callers.

    Tests of a program, and functions that train by their name or by calling `backward`, do not
    count as evaluation. When a script's own lines run, a lambda outside a module, or a method of
    what is no module, such as a data set, is not known.
    """
    function = source.function_of(node)
    if function.parent is None or is_test(source, node) or _trains(source, function):
        return False
    return _is_of_a_model(source, node, function) and _is_free(source, node, 0)


def _is_of_a_model(source: Source, node: ast.AST, function: Function) -> bool:
    """Whether a node stands in a module, or in a function that one may call by its name."""
    if mode_in_reach(source, node) is not None:
        return True
    owner = source.class_of(function)
    if owner is not None:
        return "forward" in owner.methods
    return not isinstance(function.node, ast.Lambda)


def _is_free(source: Source, node: ast.AST, depth: int) -> bool:
    if any(source.is_gated(condition.test) for condition in source.conditions(node)):
        return False
    function = source.function_of(node)
    if TRAINS.fullmatch(function.name):
        return False
    # Who calls forward is the program at large, which may well say `if args.train:`.
    if function.parent is None or function.name in ENTRIES or depth > DEEPEST:
        return True
    if function.owner is None and not _is_free(source, function.node, depth + 1):
        return False
    callers = source.callers(function)
    return not callers or any(_is_free(source, call.node, depth + 1) for call in callers)


def is_given_by_strangers(source: Source, node: ast.expr) -> bool:
    """Whether a value is a parameter's, on which callers outside the file decide."""
    for origin in source.origins(node):
        if isinstance(origin, ast.Name) and source.function_of(origin).name != "__init__":
            definitions = source.definitions(origin)
            if any(binding.how == "parameter" for binding in definitions):
                return True
    return False


def is_explained(source: Source, node: ast.expr) -> bool:
    """Whether a comment at a node, or in the line before, says why it is as it is."""
    lines = source.lines[max(node.lineno - 2, 0) : node.end_lineno]
    return any(DELIBERATE.search(line) for line in lines)


def is_test(source: Source, node: ast.AST) -> bool:
    """Whether a node stands in code that tests a program."""
    if TEST_FILE.fullmatch(PurePath(source.path).stem):
        return True
    for function in _functions_around(source, node):
        owner = function.owner.name if function.owner else ""
        if function.name.startswith("test") or owner.startswith("Test") or owner.endswith("Test"):
            return True
    return False


def _trains(source: Source, function: Function) -> bool:
    """Whether a function runs a training step itself: it calls `backward`."""
    return any(
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr == "backward"
        and source.function_of(node) is function
        for node in ast.walk(function.node)
    )


def mode_in_reach(source: Source, node: ast.AST) -> str | None:
    """Return what tells the mode where a node stands, `self.training`; None where nothing does."""
    for function in _functions_around(source, node):
        if function.owner is None:
            continue
        is_instance = not function.is_static and function.parameters
        if is_instance and source.is_module(function.owner):
            return f"{function.parameters[0].arg}.training"
        return None
    return None


def _functions_around(source: Source, node: ast.AST) -> Iterator[Function]:
    function: Function | None = source.function_of(node)
    while function is not None:
        yield function
        function = function.parent
