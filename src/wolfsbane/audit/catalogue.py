"""All rules at a glance, and their pages as files: `wolfsbane explain --list`, docs/rules."""

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

from wolfsbane.audit.documentation import page_of
from wolfsbane.audit.registry import all_rules
from wolfsbane.audit.rule import Rule

GENERATED = (
    "<!-- Made by `wolfsbane explain --write docs/rules` from src/wolfsbane/audit/rules -->\n"
)


@dataclass(frozen=True)
class Row:
    """A rule in one line."""

    code: str
    name: str
    severity: str
    channels: tuple[str, ...]
    fix: str | None
    default: bool
    summary: str


def rows(rules: Iterable[type[Rule]]) -> list[Row]:
    """Return rules, each in one line."""
    return [_row(rule) for rule in rules]


def markdown_table(rules: Iterable[type[Rule]], link: bool = False) -> str:
    """Return rules as a table in Markdown, each with a link to its page where that is wanted."""
    lines = [
        "| Code | Name | Severity | Seen in | Fix | Summary |",
        "|---|---|---|---|---|---|",
    ]
    for row in rows(rules):
        code = f"[{row.code}]({row.code}.md)" if link else row.code
        severity = row.severity if row.default else f"{row.severity}, off by default"
        cells = (code, row.name, severity, ", ".join(row.channels), row.fix or "", row.summary)
        lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return "\n".join(lines) + "\n"


def json_table(rules: Iterable[type[Rule]]) -> str:
    """Return rules as JSON."""
    return json.dumps([asdict(row) for row in rows(rules)], indent=2) + "\n"


def page_files() -> dict[str, str]:
    """Return all pages: file names, and what is in them."""
    files = {f"{rule.code}.md": GENERATED + page_of(rule).markdown() for rule in all_rules()}
    head = "# Rules of `wolfsbane check`, `wolfsbane run` and `check_model`\n\n"
    words = (
        "`source`: seen by `wolfsbane check`. `model`: by `audit.check_model`. `run`: by "
        "`wolfsbane run` and `audit.watch`. Fix: what `--fix` mends; an unsafe one needs "
        "`--unsafe-fixes`. More: [check](../check.md).\n\n"
    )
    table = markdown_table(all_rules(), link=True)
    return {"README.md": GENERATED + head + words + table, **files}


def write_pages(folder: Path) -> list[Path]:
    """Write all pages to a folder, and remove those of rules that are no more.

    Raises:
        OSError: they cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    files = page_files()
    for old in folder.glob("WB*.md"):
        if old.name not in files:
            old.unlink()
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8", newline="\n")
    return [folder / name for name in files]


def _row(rule: type[Rule]) -> Row:
    return Row(
        rule.code,
        rule.name,
        rule.severity.value,
        tuple(channel.value for channel in rule.channels()),
        page_of(rule).fix,
        not rule.is_opinion(),
        page_of(rule).summary,
    )
