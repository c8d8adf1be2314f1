"""A plan as text: what changes, what does not and why, which names change."""

from collections.abc import Sequence

from wolfsbane.anatomy.places import path_of
from wolfsbane.surgery.planning.plan import Plan

MOST_ROWS = 200
"""How many changes are shown; a large model has thousands."""


def describe(plan: Plan) -> str:
    """Return a plan as it is printed."""
    lines = [_title(plan)]
    lines += _table([(path_of(c.path), c.before, "->", c.after) for c in plan.changes])
    if plan.kept:
        lines += ["left as it is:"]
        lines += _table([(path_of(k.path), k.what, "", k.why) for k in plan.kept])
    lines += _keys(plan)
    lines += [f"note: {note}" for note in plan.notes]
    return "\n".join(lines)


def _title(plan: Plan) -> str:
    name = type(plan.model).__name__
    if not plan.changes:
        return f"{plan.verb} ({name}): nothing to change"
    count = len(plan.changes)
    return f"{plan.verb} ({name}): {count} change{'s' * (count != 1)}"


def _keys(plan: Plan) -> list[str]:
    renamed = [
        (old, "", "->", "(gone)" if new is None else new)
        for old, new in plan.keys.items()
        if old != new
    ]
    added = [(name, "", "", "(new)") for name in plan.added_keys]
    if not (renamed or added):
        return []
    return ["names in the state_dict:", *_table(renamed + added)]


def _table(rows: Sequence[tuple[str, ...]]) -> list[str]:
    shown = rows[:MOST_ROWS]
    widths = [max((len(row[i]) for row in shown), default=0) for i in range(4)]
    lines = [
        "  "
        + "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True) if width)
        for row in shown
    ]
    if len(rows) > len(shown):
        lines.append(f"  and {len(rows) - len(shown)} more")
    return [line.rstrip() for line in lines]
