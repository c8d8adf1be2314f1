"""The result as JSON: see docs/bench.md for its keys."""

import dataclasses
import datetime as dt
import json
import re
from pathlib import Path
from typing import Any

from wolfsbane.bench import words
from wolfsbane.bench.case import Row
from wolfsbane.bench.run import Result
from wolfsbane.errors import ArgumentError

FORMAT = 1
"""Raised when the meaning or the place of a key changes."""


def to_json(result: Result) -> str:
    """Return everything as JSON text."""
    everything = {
        "format": FORMAT,
        "date": dt.datetime.now().astimezone().isoformat(timespec="seconds"),
        "machine": dataclasses.asdict(result.machine),
        "rounds": result.settings.rounds,
        "torch_compile": result.settings.compiles,
        "interrupted": result.interrupted,
        "red": result.is_red,
        "warnings": words.warnings(result),
        "rows": [row_record(row) for row in result.rows],
    }
    return json.dumps(everything, indent=1, allow_nan=False) + "\n"


def row_record(row: Row) -> dict[str, Any]:
    """Return one flat record of a row."""
    case, goal, found, ratio = row.case, row.goal, row.measurement, row.ratio
    return {
        "section": case.section.value,
        "case": case.name,
        "output": case.output,
        "unit": case.unit.value,
        "side": goal.side,
        "against": goal.against,
        "status": row.status.value,
        "problem": row.problem,
        "ours": row.ours,
        "baseline": row.baseline,
        "measure": goal.measure.value,
        "ratio": None if ratio is None else ratio.median,
        "ratio_low": None if ratio is None else ratio.low,
        "ratio_high": None if ratio is None else ratio.high,
        "wide_spread": None if ratio is None else ratio.is_wide,
        "target": goal.target,
        "reached": row.reached,
        "copy_fraction": row.copy_fraction,
        "saved_bytes": None if found is None or not found.saved_bytes else dict(found.saved_bytes),
        "executor": None if found is None else found.executor,
        "num_samples": 0 if row.ours is None or found is None else len(found.samples[goal.side]),
    }


def record_path(folder: Path, gpu: str | None = None) -> Path:
    """Return the name of today's record in a folder."""
    name = "cpu" if gpu is None else re.sub(r"[^a-z0-9]+", "-", gpu.lower()).strip("-")
    return folder / f"{name}-{dt.datetime.now().astimezone().date()}.json"


def check_writable(path: Path) -> None:
    """Make a file's folder, so that a mistake is told before minutes are spent.

    Raises:
        ArgumentError: the path is a folder.
        OSError: the folder cannot be made or written to.
    """
    if path.is_dir():
        raise ArgumentError(f"{path} is a folder, not a file: name a file in it, or use --record")
    path.parent.mkdir(parents=True, exist_ok=True)
    existed = path.exists()
    path.open("a").close()
    if not existed:
        path.unlink()
