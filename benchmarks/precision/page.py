"""The record of a run as a page of the documentation."""

from collections import Counter
from typing import Any

HEAD = """\
# How often is a finding wrong?

`wolfsbane check` with its default rules over code that others wrote and use. Each finding was
looked at, with the code around it. *True*: the code does what the rule says, and it matters or
may matter there. *False*: it does not, or it is right as it is. Made by `benchmarks/precision` from
[its record]({record}). The files a second are of one run, on one core.

"""


def page(record: dict[str, Any]) -> str:
    """Return the page."""
    rows = [row for one in record["collections"] for row in one["findings"]]
    assert all(row["verdict"] for row in rows), "some findings have no verdict"
    parts = [
        HEAD.format(record="../benchmarks/results/precision-" + record["when"][:10] + ".json"),
        _collections(record["collections"]),
        "\n## By rule\n\n",
        _rules(rows),
        "\n## Every finding\n\n",
        _findings(rows),
    ]
    return "".join(parts)


def _collections(collections: list[dict[str, Any]]) -> str:
    lines = [
        "| collection | files | megabytes | files a second | true | false |",
        "|---|---|---|---|---|---|",
    ]
    for one in collections:
        count = Counter(row["verdict"] for row in one["findings"])
        size, rate = one["bytes"] / 1e6, one["files"] / one["seconds"]
        lines.append(
            f"| {one['collection']} | {one['files']:,} | {size:.1f} | {rate:.0f} "
            f"| {count['true']} | {count['false']} |"
        )
    count = Counter(row["verdict"] for one in collections for row in one["findings"])
    files = sum(one["files"] for one in collections)
    lines.append(f"| together | {files:,} | | | {count['true']} | {count['false']} |")
    return "\n".join(lines) + "\n"


def _rules(rows: list[dict[str, Any]]) -> str:
    lines = ["| rule | true | false |", "|---|---|---|"]
    for code in sorted({row["code"] for row in rows}):
        count = Counter(row["verdict"] for row in rows if row["code"] == code)
        lines.append(f"| {code} | {count['true']} | {count['false']} |")
    return "\n".join(lines) + "\n"


def _findings(rows: list[dict[str, Any]]) -> str:
    lines = ["| where | rule | verdict | why |", "|---|---|---|---|"]
    for row in rows:
        where = f"{row['collection']}: {row['file']}:{row['line']}"
        lines.append(f"| {where} | {row['code']} | {row['verdict']} | {row['why']} |")
    return "\n".join(lines) + "\n"
