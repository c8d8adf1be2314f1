"""`wolfsbane check` on other people's code: every finding, and whether it was right.

    python benchmarks/precision timm=DIR transformers=DIR --record benchmarks/results/FILE.json
    python benchmarks/precision --from benchmarks/results/FILE.json --page docs/precision.md

Findings are looked at once: `verdicts.json` holds what came of it, by collection,
file, code and line. What has no verdict is listed, and the page cannot be written before it has.
"""

import argparse
import dataclasses
import json
import platform
import sys
import time
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from page import page

from wolfsbane.audit.checking.globs import Globs
from wolfsbane.audit.checking.programs import Task, check_files, line_in
from wolfsbane.audit.finding import Finding
from wolfsbane.audit.registry import select
from wolfsbane.audit.source.reading.files import python_files
from wolfsbane.audit.source.reading.programs import python_file

VERDICTS = Path(__file__).parent / "verdicts.json"


@dataclasses.dataclass(frozen=True)
class Row:
    """One finding in a collection, and what a person said of it: "true", "false", or nothing."""

    collection: str
    file: str
    line: int
    code: str
    message: str
    text: str
    verdict: str
    why: str


def look(name: str, folder: Path, most: int, verdicts: list[dict[str, str]]) -> dict[str, Any]:
    """Check a collection; return its size, the time taken, and its findings."""
    nothing = Globs((), folder)
    files = python_files([str(folder)], nothing, root=folder, respect_gitignore=False)
    files = [file for file in files if file.endswith(".py")]
    stride = max(1, len(files) // most)
    files = files[::stride][:most]
    began = time.perf_counter()
    outcome = check_files(files, Task(select()))
    seconds = time.perf_counter() - began
    rows = [_row(name, folder, finding, verdicts) for finding in outcome.findings]
    return {
        "collection": name,
        "files": len(files),
        "bytes": sum(Path(file).stat().st_size for file in files),
        "seconds": seconds,
        "failures": outcome.failures,
        "findings": [dataclasses.asdict(row) for row in rows],
    }


def _row(name: str, folder: Path, finding: Finding, verdicts: list[dict[str, str]]) -> Row:
    assert finding.place.file is not None
    path = Path(finding.place.file)
    text = _line(finding, path)
    file = path.relative_to(folder).as_posix()
    wanted = {"collection": name, "file": file, "code": finding.code, "text": text}
    known = next((one for one in verdicts if wanted.items() <= one.items()), {})
    line = finding.place.span.line if finding.place.span else 0
    verdict, why = known.get("verdict", ""), known.get("why", "")
    return Row(name, file, line, finding.code, finding.message, text, verdict, why)


def _line(finding: Finding, path: Path) -> str:
    program = python_file(path.read_bytes(), str(path))
    return (line_in(program, finding.place) or "").strip()


def write_undecided(rows: Iterable[dict[str, Any]]) -> int:
    """Print the findings without a verdict, as entries of verdicts.json; return how many."""
    entries = [
        {key: row[key] for key in ("collection", "file", "code", "text")}
        | {"verdict": "", "why": ""}
        for row in rows
        if not row["verdict"]
    ]
    if entries:
        print(json.dumps(entries, indent=1, ensure_ascii=False))
    return len(entries)


def main() -> None:
    """Run, or write the page of a record."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("collections", nargs="*", metavar="NAME=DIR")
    parser.add_argument("--most", type=int, default=10_000, help="files of a collection at most")
    parser.add_argument("--record", type=Path)
    parser.add_argument("--from", dest="source", type=Path, help="a record to make the page of")
    parser.add_argument("--page", type=Path)
    given = parser.parse_args()
    if given.source:
        given.page.write_text(page(json.loads(given.source.read_text("utf-8"))), "utf-8")
        return
    verdicts = json.loads(VERDICTS.read_text("utf-8"))
    results = [
        look(name, Path(folder), given.most, verdicts)
        for name, _, folder in (one.partition("=") for one in given.collections)
    ]
    undecided = write_undecided(row for result in results for row in result["findings"])
    record = {
        "when": datetime.now(UTC).isoformat(timespec="seconds"),
        "python": platform.python_version(),
        "rules": [rule.code for rule in select()],
        "collections": results,
    }
    if given.record:
        given.record.write_text(json.dumps(record, indent=1, ensure_ascii=False) + "\n", "utf-8")
    for result in results:
        rate = result["files"] / result["seconds"]
        print(
            f"{result['collection']}: {result['files']} files, {rate:.0f} a second, "
            f"{len(result['findings'])} findings {result['failures'] or ''}",
            file=sys.stderr,
        )
    sys.exit(1 if undecided else 0)


main()
