"""Lists that grow before they are unpacked: `layers += [...]`, `layers.append(...)`."""

import ast

from wolfsbane.audit.source.values import Values


def start_of_list(values: Values, node: ast.expr) -> ast.List | ast.Tuple | None:
    """Return the one literal that a list was before it grew; None where there are several."""
    if isinstance(node, ast.Name):
        bindings = values.definitions(node)
        given = [one.value for one in bindings if one.how != "augment" and not one.path]
        if any(one.how == "augment" for one in bindings) and not given:
            own = values.scopes.function_of(node).bindings.get(node.id, [])
            given = [one.value for one in own if one.how == "assign"]
        origins = [o for value in given if value is not None for o in values.origins(value)]
    else:
        origins = values.origins(node)
    is_one = len(origins) == 1 and isinstance(origins[0], ast.List | ast.Tuple)
    return origins[0] if is_one else None  # type: ignore[return-value]


def growth(values: Values, node: ast.Name) -> list[tuple[ast.AST, ast.expr]]:
    """Return what is added to a list before it is read, each with the statement that adds it.

    `layers += [...]` and `layers.append(...)` in the name's own function.
    """
    function = values.scopes.function_of(node)
    found: list[tuple[ast.AST, ast.expr]] = [
        (binding.node, binding.value)
        for binding in function.bindings.get(node.id, ())
        if binding.how == "augment" and binding.value is not None
    ]
    calls = values.growing.get((function, node.id), ())
    found += ((values.structure.parents[id(call)], call.args[0]) for call in calls)
    before = [one for one in found if getattr(one[0], "lineno", 0) < node.lineno]
    return sorted(before, key=lambda one: getattr(one[0], "lineno", 0))
