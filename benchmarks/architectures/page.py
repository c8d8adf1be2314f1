"""The record of a run as a page of the documentation."""

from collections import Counter
from typing import Any

VERBS = {
    "convert": "convert",
    "train": "convert, training",
    "revert": "convert, revert",
    "fuse": "fuse",
    "fold": "fold_batchnorm",
    "remove_dropout": "remove_dropout",
    "set_rates": "set_rates",
    "insert_dropout": "insert_dropout",
    "insert_batchnorm": "insert_batchnorm",
    "swap_activation": "swap_activation",
}
"""The steps of a record, and what they are called on the page."""

LEGEND = """\
Found: dropout layers, batch norms, drop rates (in layers and elsewhere). A number is how many
changes a verb made. The times, in seconds, are those of planning and applying `convert`, `fuse` and
`fold_batchnorm`; the last two run the model to check themselves."""

COLUMNS = (
    "architecture",
    "million parameters",
    "dropouts",
    "batch norms",
    "rates",
    "converted",
    "in training",
    "fused",
    "folded",
    "dropout removed",
    "rates set",
    "dropout inserted",
    "batch norm inserted",
    "activations swapped",
    "convert, fuse, fold",
)

GOOD = ("exact", "equal", "equal in float64", "runs")


def page(record: dict[str, Any]) -> str:
    """Return the page."""
    rows = record["rows"]
    ran = [row for row in rows if not row["error"]]
    parts = [_head(record, rows, ran), _summary(ran), _faults(ran), _table(ran), _left(rows)]
    return "\n".join(part for part in parts if part) + "\n"


def _head(record: dict[str, Any], rows: list[dict[str, Any]], ran: list[dict[str, Any]]) -> str:
    versions = ", ".join(f"{name} {version}" for name, version in record["versions"].items())
    per_library = Counter(row["library"] for row in ran)
    counts = ", ".join(f"{count} of {name}" for name, count in per_library.items())
    return f"""# Surgery on real architectures

Every verb of [surgery](surgery.md) on {len(ran)} architectures with random weights, {counts}, of
{len(rows)} that were tried; nothing was downloaded. Batch norms got random statistics: those of a
new model hide mistakes. Written by `python benchmarks/architectures` on {record["date"]}, with
{versions}; {record["machine"]}.

Each verb is planned, applied, looked at, and undone. After the undo the very modules, all their
values and the output have to be back; where they are not, the table says so. *exact*: outputs the
same to the last bit. *equal*: within {record["tolerance"]:g} of the largest output (float32, in
another order). *runs*: a forward and a backward pass in training are finite, where a verb is meant
to change the output. *convert, training* compares outputs and running statistics of a training pass
whose dropout was removed.
"""


def _summary(ran: list[dict[str, Any]]) -> str:
    head = ("verb", "architectures changed", "changes", *GOOD, "otherwise")
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    for step, verb in VERBS.items():
        changed = [row for row in ran if row["changes"].get(step, 0) or _is_fault(row, step)]
        outcomes = Counter(row["steps"].get(step, "") for row in changed)
        total = sum(row["changes"].get(step, 0) for row in changed)
        good = [outcomes[word] for word in GOOD]
        cells = [f"`{verb}`", len(changed), total, *good, len(changed) - sum(good)]
        lines.append("| " + " | ".join(str(cell) for cell in cells) + " |")
    return "\n".join(lines) + "\n"


def _is_fault(row: dict[str, Any], step: str) -> bool:
    return row["steps"].get(step, "") not in GOOD


def _faults(ran: list[dict[str, Any]]) -> str:
    lines = [
        f"| {row['library']} {row['name']} | `{verb}` | {_cell(row['steps'].get(step, ''))} |"
        for row in ran
        for step, verb in VERBS.items()
        if _is_fault(row, step)
    ]
    if not lines:
        return "No verb failed on any of them.\n"
    return "\n".join(
        ["## Otherwise", "", "| architecture | verb | what |", "|---|---|---|", *lines, ""]
    )


def _table(ran: list[dict[str, Any]]) -> str:
    lines = [
        "## All of them",
        "",
        LEGEND,
        "",
        "| " + " | ".join(COLUMNS) + " |",
        "|" + "---|" * len(COLUMNS),
    ]
    for row in ran:
        seconds = row["seconds"]

        def cell(step: str, row: dict[str, Any] = row) -> str:
            count = row["changes"].get(step, 0)
            if _is_fault(row, step):
                return f"{count} see above"
            return f"{count} {row['steps'][step]}" if count else "0"

        times = ", ".join(f"{seconds.get(step, 0.0):.2g}" for step in ("convert", "fuse", "fold"))
        verbs = [
            "remove_dropout",
            "set_rates",
            "insert_dropout",
            "insert_batchnorm",
            "swap_activation",
        ]
        cells = [
            f"{row['library']} {row['name']}",
            f"{row['parameters'] / 1e6:.2f}",
            row["dropouts"],
            row["batch_norms"],
            row["rates"],
            cell("convert"),
            "see above" if _is_fault(row, "train") else row["steps"]["train"],
            cell("fuse"),
            cell("fold"),
            *[cell(verb) for verb in verbs],
            times,
        ]
        lines.append("| " + " | ".join(str(one) for one in cells) + " |")
    return "\n".join(lines) + "\n"


def _left(rows: list[dict[str, Any]]) -> str:
    failed = [row for row in rows if row["error"]]
    if not failed:
        return ""
    lines = [f"| {row['library']} {row['name']} | {_cell(row['error'])} |" for row in failed]
    head = [
        "## Not tried",
        "",
        "They did not build or run here with random weights and our inputs.",
    ]
    return "\n".join([*head, "", "| architecture | why |", "|---|---|", *lines])


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "/").replace("<", "").replace(">", "")[:160]
