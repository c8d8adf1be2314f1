"""`wolfsbane explain`: a rule's page, or all rules at a glance."""

import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from wolfsbane.cli.printing import has_colors, put
from wolfsbane.errors import ArgumentError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from wolfsbane.audit.catalogue import Row
    from wolfsbane.audit.rule import Rule

NARROWEST = 110
"""Columns that the table needs for its summaries to be read."""


def explain(
    rule: Annotated[
        str | None,
        typer.Argument(help="A rule's code or name, such as `WB101` or `dropout-always-on`."),
    ] = None,
    list_rules: Annotated[
        bool, typer.Option("--list", help="All rules in a table: what they find, and where.")
    ] = False,
    every: Annotated[bool, typer.Option("--all", help="The pages of all rules.")] = False,
    markdown: Annotated[
        bool, typer.Option("--markdown", help="Markdown on a terminal too, as through a pipe.")
    ] = False,
    output_format: Annotated[
        Literal["text", "json"], typer.Option(help="Of `--list`: for people or for programs.")
    ] = "text",
    write: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Write all pages, and a table of them, to a folder."),
    ] = None,
) -> None:
    """Print a rule's page: what it finds, why that is bad, an example, and what to write instead.

    On a terminal it is laid out; through a pipe it is Markdown.
    """
    from wolfsbane.audit.catalogue import (  # noqa: PLC0415  # --help stays fast
        json_table,
        markdown_table,
        write_pages,
    )
    from wolfsbane.audit.documentation import page_of  # noqa: PLC0415
    from wolfsbane.audit.registry import all_rules, rule_of  # noqa: PLC0415

    if sum((rule is not None, list_rules, every, write is not None)) != 1:
        raise ArgumentError("name one rule, such as WB101, or give one of --list, --all, --write")
    if output_format == "json" and not list_rules:
        raise ArgumentError("--output-format json is for --list")
    plain = markdown or not has_colors()
    if write is not None:
        put(f"{len(write_pages(write))} pages written to {write}\n")
    elif list_rules and output_format == "json":
        put(json_table(all_rules()))
    elif list_rules:
        put(markdown_table(all_rules()) if plain else _table(all_rules()))
    else:
        chosen = all_rules() if rule is None else (rule_of(rule),)
        pages = "\n".join(page_of(one).markdown() for one in chosen)
        put(pages if plain else _laid_out(pages))


def _table(rules: "Sequence[type[Rule]]") -> str:
    """Return a table for a terminal; a list where that is too narrow for one."""
    from rich.console import Console  # noqa: PLC0415
    from rich.table import Table  # noqa: PLC0415

    from wolfsbane.audit.catalogue import rows  # noqa: PLC0415

    console = Console(markup=False, emoji=False)
    if console.width < NARROWEST:
        return _list(rules, console.width)
    table = Table("Code", "Name", "Severity", "Seen in", "Fix", "Summary", box=None)
    table.columns[1].no_wrap = True
    for row in rows(rules):
        seen = ", ".join(row.channels)
        table.add_row(row.code, row.name, _severity(row), seen, row.fix or "", row.summary)
    with console.capture() as captured:
        console.print(table)
    return captured.get()


def _list(rules: "Sequence[type[Rule]]", width: int) -> str:
    from wolfsbane.audit.catalogue import rows  # noqa: PLC0415

    lines: list[str] = []
    for row in rows(rules):
        facts = [_severity(row), f"seen in {', '.join(row.channels)}"]
        facts += [f"fix: {row.fix}"] if row.fix else []
        lines.append(f"{row.code} {row.name}")
        for text in ("; ".join(facts), row.summary):
            lines += textwrap.wrap(text, width, initial_indent="  ", subsequent_indent="  ")
    return "".join(f"{line}\n" for line in lines)


def _severity(row: "Row") -> str:
    return row.severity if row.default else f"{row.severity}, off"


def _laid_out(markdown: str) -> str:
    """Return Markdown laid out for a terminal."""
    from rich.console import Console  # noqa: PLC0415
    from rich.markdown import Markdown  # noqa: PLC0415

    console = Console()
    with console.capture() as captured:
        console.print(Markdown(markdown, hyperlinks=False))  # Not every terminal has them.
    return captured.get()
