"""Drop rates in a class's source: `F.dropout(x, self.p, self.training)` and its relatives.

The forward is read, and the methods it names on `self`; nothing is run. What has no source (a class
typed into an interpreter, a compiled one) and what goes through an argument of another function are
not seen.
"""

import ast
import inspect
import textwrap
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import FunctionType
from typing import Any
from weakref import WeakKeyDictionary

from torch.nn import Module

POSITIONS = {
    "dropout": 1,
    "dropout_": 1,
    "dropout1d": 1,
    "dropout2d": 1,
    "dropout3d": 1,
    "alpha_dropout": 1,
    "feature_dropout": 1,
    "feature_alpha_dropout": 1,
    "native_dropout": 1,
    "gaussian_dropout": 1,
    "token_dropout": 1,
    "locked_dropout": 1,
    "drop_path": 1,
    "stochastic_depth": 1,
    "drop_block1d": 1,
    "drop_block2d": 1,
    "drop_block3d": 1,
    "dropout_add": 2,
    "bias_act_dropout": 3,
    "scaled_dot_product_attention": 4,
    "multi_head_attention_forward": 10,
}
"""Functions that drop (torch's, ours, timm's, torchvision's), and the rate's place in a call."""

KEYWORDS = {"dropout", "dropout_p", "dropout_prob", "dropout_rate", "drop_prob", "attn_dropout"}
"""Names under which a rate is handed to any function, such as transformers' attention_interface."""

DEFAULT_RATE = 0.5
"""What torch.nn.functional.dropout takes where the source names no rate."""

FUNCTIONAL = {"F", "functional"}
OWN_SOURCES = ("torch.", "wolfsbane.")


@dataclass(frozen=True)
class Reading:
    """A place in a class's source that reads a rate.

    Args:
        attribute: the attribute below `self`, such as ("config", "dropout"); empty for a constant.
        constant: the number that is written there instead, or None.
        kind: what uses it, such as "F.dropout".
        line: where, as "line 12 of model.py".
    """

    attribute: tuple[str, ...]
    constant: float | None
    kind: str
    line: str


_FOUND: WeakKeyDictionary[type[Module], tuple[Reading, ...]] = WeakKeyDictionary()


def readings(cls: type[Module]) -> tuple[Reading, ...]:
    """Return where the source of a class's forward, and of what it calls, reads drop rates."""
    if cls not in _FOUND:
        _FOUND[cls] = tuple(r for source in sources(cls) for r in source.readings())
    return _FOUND[cls]


class Source:
    """The syntax tree of one function, and what its local names stand for."""

    def __init__(self, function: FunctionType, tree: ast.FunctionDef, first_line: int) -> None:
        self.function = function
        self.tree = tree
        self.first_line = first_line
        arguments = [*tree.args.posonlyargs, *tree.args.args]
        self.self_name = arguments[0].arg if arguments else ""
        self.locals: dict[str, list[ast.expr]] = {}
        for node in ast.walk(tree):
            self._note_assignment(node)

    def _note_assignment(self, node: ast.AST) -> None:
        targets: list[ast.expr] = []
        if isinstance(node, ast.Assign):
            targets = node.targets
        elif isinstance(node, (ast.AnnAssign, ast.NamedExpr)):
            targets = [node.target]
        value: ast.expr | None = getattr(node, "value", None)
        for target in targets:
            if isinstance(target, ast.Name) and value is not None:
                self.locals.setdefault(target.id, []).append(value)

    def own_names(self) -> Iterator[tuple[str, bool]]:
        """Yield each `name` of `self.name` and `super().name`, and whether it is the latter."""
        for node in ast.walk(self.tree):
            if not isinstance(node, ast.Attribute):
                continue
            if isinstance(node.value, ast.Name) and node.value.id == self.self_name:
                yield node.attr, False
            elif _is_super(node.value):
                yield node.attr, True

    def readings(self) -> Iterator[Reading]:
        """Yield the places that read a rate, in the order of the lines."""
        nodes = [n for n in ast.walk(self.tree) if isinstance(n, (ast.Call, ast.Compare))]
        for node in sorted(nodes, key=lambda node: (node.lineno, node.col_offset)):
            found = self._in_call(node) if isinstance(node, ast.Call) else self._in_test(node)
            file = Path(self.function.__code__.co_filename).name
            line = f"line {self.first_line + node.lineno - 1} of {file}"
            for rate, kind in found:
                if isinstance(rate, tuple):
                    yield Reading(rate, None, kind, line)
                elif rate:
                    yield Reading((), rate, kind, line)

    def _in_call(self, call: ast.Call) -> Iterator[tuple[tuple[str, ...] | float, str]]:
        name = _dotted(call.func)
        last = name[-1] if name else ""
        drops = last in POSITIONS and self._is_global(name)
        for argument in self._rate_arguments(call, last, drops):
            rates = self._resolve(argument)
            attributes = [rate for rate in rates if isinstance(rate, tuple)]
            if not drops and "drop" in last and argument in call.args:
                attributes = [rate for rate in attributes if _sounds_like_a_rate(rate[-1])]
            for rate in attributes or (rates if drops else []):
                yield rate, _kind(name)
        if drops and _takes_the_default(call, name):
            yield DEFAULT_RATE, _kind(name)

    def _rate_arguments(self, call: ast.Call, last: str, drops: bool) -> list[ast.expr]:
        keywords = KEYWORDS | {"p"} if "drop" in last or drops else KEYWORDS
        found = [keyword.value for keyword in call.keywords if keyword.arg in keywords]
        if drops:
            return found or call.args[POSITIONS[last] : POSITIONS[last] + 1]
        return found + call.args if "drop" in last else found

    def _in_test(self, test: ast.Compare) -> Iterator[tuple[tuple[str, ...] | float, str]]:
        """LayerDrop has no function: a random number is compared with the rate."""
        for side in (test.left, *test.comparators):
            for rate in self._resolve(side):
                if isinstance(rate, tuple) and rate[-1].replace("_", "").endswith("layerdrop"):
                    yield rate, "LayerDrop"

    def _is_global(self, name: tuple[str, ...]) -> bool:
        """Whether a function comes from a module, and is not a layer or a method."""
        return name[0] in self.function.__globals__ or name[-2:-1] in [(f,) for f in FUNCTIONAL]

    def _resolve(
        self, node: ast.expr, above: frozenset[str] = frozenset()
    ) -> list[tuple[str, ...] | float]:
        """Return the attributes below `self`, and the numbers, that an expression may be."""
        name = _dotted(node)
        if name:
            return self._resolve_name(name, above)
        if isinstance(node, ast.Constant):
            if isinstance(node.value, bool) or not isinstance(node.value, (int, float)):
                return []
            return [float(node.value)]
        parts: list[ast.expr] = []
        if isinstance(node, ast.IfExp):
            parts = [node.body, node.orelse]
        elif isinstance(node, ast.BoolOp):
            parts = node.values
        elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult):
            parts = [node.left, node.right]
        elif isinstance(node, ast.Call) and _dotted(node.func) in [("float",), ("int",)]:
            parts = node.args
        return [rate for part in parts for rate in self._resolve(part, above)]

    def _resolve_name(
        self, name: tuple[str, ...], above: frozenset[str]
    ) -> list[tuple[str, ...] | float]:
        first, *rest = name
        if first == self.self_name:
            return [tuple(rest)] if rest and rest[-1] != "training" else []
        if first in above:  # p = float(p)
            return []
        values = [
            rate
            for value in self.locals.get(first, [])
            for rate in self._resolve(value, above | {first})
        ]
        if rest:
            return [(*value, *rest) for value in values if isinstance(value, tuple)]
        return values


def _takes_the_default(call: ast.Call, name: tuple[str, ...]) -> bool:
    """Whether a call is `F.dropout(x, training=...)`, with no rate."""
    keywords = {keyword.arg for keyword in call.keywords}
    is_plain = len(call.args) == 1 and not isinstance(call.args[0], ast.Starred)
    in_torch = name[-2:-1] in [(module,) for module in FUNCTIONAL]
    return in_torch and name[-1].startswith("dropout") and is_plain and not keywords & {"p", None}


def _sounds_like_a_rate(name: str) -> bool:
    return "drop" in name or name in ("p", "prob")


def _kind(name: tuple[str, ...]) -> str:
    if name[-1] in POSITIONS and name[-2:-1] and name[-2] in FUNCTIONAL and "drop" in name[-1]:
        return f"F.{name[-1]}"
    return f"torch.{name[-1]}" if name[:-1] == ("torch",) else name[-1] if name else "a call"


def _dotted(node: ast.expr) -> tuple[str, ...]:
    """Return `a.b.c` as its parts, and nothing for other expressions."""
    if isinstance(node, ast.Name):
        return (node.id,)
    if isinstance(node, ast.Attribute):
        above = _dotted(node.value)
        return (*above, node.attr) if above else ()
    return ()


def _is_super(node: ast.expr) -> bool:
    return isinstance(node, ast.Call) and _dotted(node.func) == ("super",)


def sources(cls: type[Module]) -> Iterator[Source]:
    """Yield the forward of a class and the methods that it names, each once."""
    pending: list[tuple[str, int]] = [("forward", 0)]
    seen: set[FunctionType] = set()
    while pending:
        name, start = pending.pop(0)
        function, level = _method(cls, name, start)
        if function is None or function in seen:
            continue
        seen.add(function)
        source = _read(function)
        if source is None:
            continue
        yield source
        pending += [(own, level + 1 if is_super else 0) for own, is_super in source.own_names()]


def _method(cls: type[Module], name: str, start: int) -> tuple[FunctionType | None, int]:
    """Return a method as the class inherits it from level `start` of its bases, and its level."""
    for level, base in enumerate(cls.__mro__[start:], start):
        if name in vars(base):
            found: Any = vars(base)[name]
            unwrapped: Callable[..., Any] = inspect.unwrap(getattr(found, "__func__", found))
            return (unwrapped if isinstance(unwrapped, FunctionType) else None), level
    return None, start


def _read(function: FunctionType) -> Source | None:
    """Parse a function; None where there is no source, or one that is known to hold nothing."""
    if f"{function.__module__}.".startswith(OWN_SOURCES):
        return None
    try:
        lines, first_line = inspect.getsourcelines(function)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the source may hold what its own import warned of
            tree = ast.parse(textwrap.dedent("".join(lines))).body[0]
    except (OSError, TypeError, SyntaxError, IndexError):
        return None
    if not isinstance(tree, ast.FunctionDef):
        return None
    return Source(function, tree, first_line)
