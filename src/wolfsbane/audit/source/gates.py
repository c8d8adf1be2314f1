"""Whether something happens in training alone: `if self.training`, `p if self.training else 0`."""

import ast

from wolfsbane.audit.source.flow import Condition
from wolfsbane.audit.source.structure import Structure
from wolfsbane.audit.source.values import Values

FLAGS = frozenset(
    {"training", "train", "is_training", "is_train", "train_mode", "in_training", "isTraining"}
    | {"eval", "evaluate", "is_eval", "eval_mode", "inference", "is_inference", "deterministic"}
    | {"test", "testing", "is_test", "test_mode"}
)
"""Names that tell a function whether it trains; a caller that sets them has decided."""

DEEPEST = 4


class Gates:
    """Conditions of a program, and which of them are about training.

    Args:
        structure: what the program consists of.
        values: the flow of its values.
    """

    def __init__(self, structure: Structure, values: Values) -> None:
        self._structure = structure
        self._values = values
        self._known: dict[tuple[int, int], bool] = {}

    def conditions(self, node: ast.AST) -> list[Condition]:
        """Return the tests under which a node runs, in its own function, the innermost last."""
        found: list[Condition] = []
        function = self._values.scopes.function_of(node)
        known = self._values.flow(function).conditions
        below: ast.AST = node
        while True:
            if id(below) in known:
                return [*known[id(below)], *found]
            around = self._structure.parents.get(id(below))
            if around is None or around is function.node:
                return found
            if isinstance(around, ast.IfExp) and below is not around.test:
                found.insert(0, Condition(around.test, holds=below is around.body))
            elif isinstance(around, ast.BoolOp) and below is not around.values[0]:
                is_and = isinstance(around.op, ast.And)
                found.insert(0, Condition(around.values[0], holds=is_and))
            below = around

    def is_gated(self, node: ast.AST) -> bool:
        """Whether a value depends on the mode, or a statement runs only in one mode."""
        if isinstance(node, ast.expr) and self._mentions(node, 0):
            return True
        return any(
            self._mentions(condition.test, 0) or self._is_switched_on(condition, node)
            for condition in self.conditions(node)
        )

    def _is_switched_on(self, condition: Condition, node: ast.AST) -> bool:
        """Whether a condition is a switch that the function's caller sets: `if use_dropout:`.

        What is used in the node itself, such as a rate, is no switch of it; nor is what only leads
        elsewhere: `if pre_logits: return x`.
        """
        if not condition.holds:
            return False
        used = {part.id for part in ast.walk(node) if isinstance(part, ast.Name)}
        switches = [name for name in _switches(condition.test) if name.id not in used]
        return any(self._is_given_by_caller(name) for name in switches)

    def _is_given_by_caller(self, node: ast.Name) -> bool:
        """Whether a name is a parameter, or unpacked from one."""
        bindings = list(self._values.definitions(node))
        for one in bindings[:]:
            if one.how == "assign" and one.path and isinstance(one.value, ast.Name):
                bindings += self._values.definitions(one.value)
        return any(one.how == "parameter" for one in bindings)

    def _mentions(self, node: ast.expr, depth: int) -> bool:
        """Whether the mode occurs in an expression, or in what its names were given."""
        key = (id(node), depth)
        if key not in self._known:
            self._known[key] = self._is_mentioned(node, depth)
        return self._known[key]

    def _is_mentioned(self, node: ast.expr, depth: int) -> bool:
        for part in ast.walk(node):
            if isinstance(part, ast.Attribute) and part.attr in FLAGS:
                return True
            if not isinstance(part, ast.Name) or not isinstance(part.ctx, ast.Load):
                continue
            if part.id in FLAGS:
                return True
            if depth < DEEPEST and self._is_given_the_mode(part, depth):
                return True
        return False

    def _is_given_the_mode(self, node: ast.Name, depth: int) -> bool:
        bindings = self._values.definitions(node)
        values = [one.value for one in bindings if one.how == "assign" and one.value is not None]
        parameters = [one for one in bindings if one.how == "parameter"]
        values += [v for one in parameters for v in self._values.given(one) if v is not None]
        if any(self._mentions(value, depth + 1) for value in values):
            return True
        # `p = self.p` and then `if not self.training: p = 0.`
        assigned = [one.node for one in bindings if one.how in ("assign", "augment")]
        if len(assigned) > 1 and any(self._is_under_the_mode(one, depth) for one in assigned):
            return True
        origins = self._values.origins(node)
        return any(one is not node and self._mentions(one, depth + 1) for one in origins)

    def _is_under_the_mode(self, node: ast.AST, depth: int) -> bool:
        return any(self._mentions(one.test, depth + 1) for one in self.conditions(node))


def _switches(test: ast.expr) -> list[ast.Name]:
    """Return the names whose truth a test demands."""
    if isinstance(test, ast.Name):
        return [test]
    if isinstance(test, ast.BoolOp) and isinstance(test.op, ast.And):
        return [name for value in test.values for name in _switches(value)]
    return []
