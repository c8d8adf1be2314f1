"""Which attribute of an object a layer is kept in, and whether anything in the file uses it."""

import ast
import re

from wolfsbane.audit.source.file import Class, Creation, Source

RUNS = frozenset({"forward", "__call__", "training_step"})
"""Methods of which a module has one, unless a subclass does the work."""

PLAIN_BASES = re.compile(
    r"(.*\.)?(Module|LightningModule|PreTrainedModel|GradientCheckpointingLayer|ABC|Generic|object"
    r"|Protocol|\w*Mixin)"
)
"""Base classes whose methods use no layer that a subclass makes."""

DYNAMIC_ATTRIBUTES = frozenset(
    {"__dict__", "_modules", "children", "named_children", "get_submodule"}
)
DYNAMIC_FUNCTIONS = frozenset({"getattr", "vars", "eval", "exec", "attrgetter", "methodcaller"})
"""Ways to get at a layer without its name, or with its name in a string."""

TREE = frozenset({"modules", "named_modules"})
"""Loops over a whole tree: they initialise weights, unless forward does it."""

SETTINGS = re.compile(r"(self\.)?\w*(config|cfg|args|hparams|opts?|options|params|hp|conf)")
"""Names of what has a number as its attribute `dropout`."""

COMMENT = re.compile(r"^\s*#.*$", re.MULTILINE)


def attribute_of(source: Source, creation: Creation) -> str | None:
    """Return the attribute of self that a layer is assigned to, where it goes nowhere else."""
    around = source.parent_of(creation.call.node)
    while isinstance(around, ast.IfExp):
        around = source.parent_of(around)
    targets: list[ast.expr] = []
    if isinstance(around, ast.Assign):
        targets = around.targets
    elif isinstance(around, ast.AnnAssign):
        targets = [around.target]
    if len(targets) != 1 or not isinstance(targets[0], ast.Attribute):
        return None
    holder, parameters = targets[0].value, creation.call.function.parameters
    is_self = isinstance(holder, ast.Name) and parameters and holder.id == parameters[0].arg
    return targets[0].attr if is_self else None


def is_whole(source: Source, owner: Class) -> bool:
    """Whether a class is a module that runs, and whose bases this file defines or are plain."""
    lineage = source.lineage(owner)
    known = {one.name for one in lineage}
    for one in lineage:
        for base in one.node.bases:
            name = source.name_of(base.value if isinstance(base, ast.Subscript) else base) or ""
            if name not in known and not PLAIN_BASES.fullmatch(name):
                return False
    runs = any(name in RUNS for one in lineage for name in one.methods)
    return runs and source.is_module(owner)


def may_be_used(source: Source, owner: Class, attribute: str) -> bool:
    """Whether anything in the file reads an attribute of a class's instances, or may do so."""
    read = re.compile(rf"\bself\.{attribute}\b(?!\s*(:[^=\n]*)?=[^=])")
    if read.search(_text_of(source, owner)):
        return True
    lineage = source.lineage(owner)
    below = [one for one in source.classes if owner in source.lineage(one)]
    family = {id(one.node): one for one in [*lineage, *below]}
    if any("__getattr__" in one.methods for one in family.values()):
        return True
    inside = {id(node) for one in family.values() for node in ast.walk(one.node)}
    return any(
        _may_read(source, node, attribute, is_inside=id(node) in inside)
        for node in ast.walk(source.tree)
    )


def _text_of(source: Source, owner: Class) -> str:
    lines = source.lines[owner.node.lineno - 1 : owner.node.end_lineno]
    return COMMENT.sub("", "\n".join(lines))


def _may_read(source: Source, node: ast.AST, attribute: str, *, is_inside: bool) -> bool:
    """Whether a node gets at an attribute; `is_inside` a class that has or inherits it."""
    if isinstance(node, ast.Attribute) and not isinstance(node.ctx, ast.Store):
        if node.attr in DYNAMIC_ATTRIBUTES:
            return True
        if node.attr in TREE:
            return is_inside and source.function_of(node).name in RUNS
        return node.attr == attribute and _is_of_a_layer(source, node, is_inside=is_inside)
    if isinstance(node, ast.Name) and node.id in DYNAMIC_FUNCTIONS:
        return not _asks_for_another(source, node, attribute, is_inside=is_inside)
    return False


def _is_of_a_layer(source: Source, node: ast.Attribute, *, is_inside: bool) -> bool:
    """Whether an attribute may be that of a class's instance: no setting's, and no module's."""
    if not is_inside and _is_self(node.value):
        return False
    return not _is_setting(source, node.value) and source.name_of(node) is None


def _asks_for_another(source: Source, node: ast.Name, attribute: str, *, is_inside: bool) -> bool:
    """Whether `getattr(x, "name")` asks for another attribute, or asks another object."""
    call = source.parent_of(node)
    if node.id != "getattr" or not isinstance(call, ast.Call) or not call.args[1:]:
        return False
    holder, name, *_ = call.args
    if _is_setting(source, holder) or source.name_of(holder) is not None:
        return True
    if not is_inside and _is_self(holder):
        return True
    if isinstance(name, ast.JoinedStr) and isinstance(name.values[0], ast.Constant):
        return not attribute.startswith(str(name.values[0].value))
    asked = source.constant(name)
    return isinstance(asked, str) and asked != attribute


def _is_self(node: ast.expr) -> bool:
    return isinstance(node, ast.Name) and node.id in ("self", "cls")


def _is_setting(source: Source, node: ast.expr) -> bool:
    """Whether an expression is a configuration, as in `config.dropout`."""
    return SETTINGS.fullmatch(source.segment(node).lower()) is not None


def is_value_used(source: Source, owner: Class, value: ast.expr) -> bool:
    """Whether a class keeps a value in an attribute too, or its methods read it.

    `self.p = config.dropout` beside `nn.Dropout(config.dropout)`, or `self.config.dropout` later.
    """
    name = _last_name(value)
    return name is not None and any(
        _last_name(node) == name and _is_use(source, node, value)
        for node in ast.walk(owner.node)
        if isinstance(node, ast.Attribute | ast.Name) and isinstance(node.ctx, ast.Load)
    )


def _last_name(node: ast.expr) -> str | None:
    return node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", None)


def _is_use(source: Source, node: ast.expr, value: ast.expr) -> bool:
    if isinstance(node, ast.Attribute) and source.function_of(node).name != "__init__":
        is_same = ast.dump(node) == ast.dump(value)
        return is_same or _is_setting(source, node.value)
    statement = source.parent_of(node)
    if node is value or not isinstance(statement, ast.Assign) or statement.value is not node:
        return False
    return isinstance(statement.targets[0], ast.Attribute)
