"""Every verb of `wolfsbane.surgery` on real architectures: what was found, changed, and is equal.

    python benchmarks/architectures --record benchmarks/results/architectures.json
    python benchmarks/architectures --from benchmarks/results/architectures.json --page docs/FILE

Needs timm, torchvision and transformers beside wolfsbane; nothing is downloaded, all weights are
random. Each architecture runs in a process of its own, with a limit of time.
"""

import argparse
import concurrent.futures
import dataclasses
import json
import os
import platform
import subprocess
import sys
import warnings
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import torch
from models import declare_missing_operators, names
from page import page
from trial import TOLERANCE, Row

TIMEOUT = 240
"""Seconds for one architecture."""


def run_all(jobs: int, limit: int | None, record: Path) -> dict[str, Any]:
    """Try all architectures, each in its own process, and return the record."""
    chosen = names()[:limit]
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        rows = []
        for row in pool.map(_in_process, chosen):
            rows.append(row)
            print(
                f"{len(rows)}/{len(chosen)} {row['library']} {row['name']} {row['error']}",
                flush=True,
            )
            record.write_text(json.dumps(_record(rows), indent=1) + "\n", encoding="utf-8")
    return _record(rows)


def _in_process(which: tuple[str, str]) -> dict[str, Any]:
    command = [sys.executable, "-W", "ignore", str(Path(__file__).parent), "--one", *which]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"}
    try:
        done = subprocess.run(  # noqa: S603  # this very script
            command, capture_output=True, text=True, timeout=TIMEOUT, env=environment, check=False
        )
        last = done.stdout.strip().splitlines()[-1:] or [""]
        row: dict[str, Any] = json.loads(last[0])
    except subprocess.TimeoutExpired:
        row = dataclasses.asdict(Row(*which, error=f"took more than {TIMEOUT} s"))
    except json.JSONDecodeError:
        row = dataclasses.asdict(Row(*which, error=done.stderr.strip()[-200:] or "no answer"))
    return row


def _record(rows: list[dict[str, Any]]) -> dict[str, Any]:
    import timm  # noqa: PLC0415
    import torchvision  # noqa: PLC0415
    import transformers  # noqa: PLC0415

    versions = {m.__name__: m.__version__ for m in (torch, timm, torchvision, transformers)}
    return {
        "date": datetime.now(UTC).strftime("%Y-%m-%d"),
        "versions": {name: version.split("+")[0] for name, version in versions.items()},
        "machine": f"{platform.machine()}, Python {platform.python_version()}",
        "tolerance": TOLERANCE,
        "rows": rows,
    }


def main() -> None:
    """Read the command line, and do it."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--record", type=Path, help="where the record is written")
    parser.add_argument("--page", type=Path, help="where a record is written as a page")
    parser.add_argument("--from", dest="source", type=Path, help="the record for --page")
    parser.add_argument("--jobs", type=int, default=1, help="processes at a time; default 1")
    parser.add_argument("--limit", type=int, help="try so many architectures only")
    parser.add_argument("--one", nargs=2, metavar=("LIBRARY", "NAME"), help="try one, print JSON")
    options = parser.parse_args()
    declare_missing_operators()
    if options.one:
        from verbs import try_out  # noqa: PLC0415  # not in the process that only starts others

        warnings.simplefilter("ignore")
        print(json.dumps(dataclasses.asdict(try_out(*options.one))))
    elif options.page and options.source:
        record = json.loads(options.source.read_text(encoding="utf-8"))
        options.page.write_text(page(record), encoding="utf-8")
    elif options.record:
        run_all(options.jobs, options.limit, options.record)
    else:
        parser.error("say --record FILE, --page FILE --from FILE, or --one LIBRARY NAME")


if __name__ == "__main__":
    main()
