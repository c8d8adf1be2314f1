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
import multiprocessing
import os
import platform
import sys
import time
import warnings
from datetime import UTC, datetime
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import torch
from models import declare_missing_operators, names
from page import page
from trial import TOLERANCE, Row
from verbs import try_out

ROWS_BETWEEN_RECORDS = 20

TIMEOUT = 240
"""Seconds for one architecture."""


def run_all(chosen: list[tuple[str, str]], jobs: int, minutes: float, record: Path) -> None:
    """Try architectures, each in a process of its own, and write the record as it grows."""
    until = time.monotonic() + 60 * minutes
    rows: list[dict[str, Any]] = []

    def run(which: tuple[str, str]) -> None:
        if time.monotonic() > until:
            return
        row = _in_process(which)
        rows.append(row)
        print(
            f"{len(rows)}/{len(chosen)} {row['library']} {row['name']} {row['error']}", flush=True
        )
        if len(rows) % ROWS_BETWEEN_RECORDS == 0:
            _write(rows, record)

    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        list(pool.map(run, chosen))
    _write(rows, record)


def _in_process(which: tuple[str, str]) -> dict[str, Any]:
    """Try one in a fork of this process, which has everything imported."""
    fork = multiprocessing.get_context("fork")
    receiver, sender = fork.Pipe(duplex=False)
    child = fork.Process(target=_send, args=(sender, which))
    child.start()
    sender.close()
    try:
        if receiver.poll(TIMEOUT):
            row: dict[str, Any] = receiver.recv()
            return row
        return dataclasses.asdict(Row(*which, error=f"took more than {TIMEOUT} s"))
    except EOFError:
        return dataclasses.asdict(Row(*which, error="the process ended (memory?)"))
    finally:
        child.kill()
        child.join()
        receiver.close()


def _send(sender: Connection, which: tuple[str, str]) -> None:
    sys.stdout = sys.stderr = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115
    sender.send(dataclasses.asdict(try_out(*which)))


def _write(rows: list[dict[str, Any]], record: Path) -> None:
    ordered = sorted(rows, key=lambda row: (row["library"], row["name"]))
    record.write_text(json.dumps(_record(ordered), indent=1) + "\n", encoding="utf-8")


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
    parser.add_argument("--minutes", type=float, default=60, help="start none later; default 60")
    parser.add_argument("--names", type=Path, help="a JSON file of [[library, name], ...] to try")
    parser.add_argument("--one", nargs=2, metavar=("LIBRARY", "NAME"), help="try one, print JSON")
    options = parser.parse_args()
    declare_missing_operators()
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    if options.one:
        print(json.dumps(dataclasses.asdict(try_out(*options.one))))
    elif options.page and options.source:
        record = json.loads(options.source.read_text(encoding="utf-8"))
        options.page.write_text(page(record), encoding="utf-8")
    elif options.record:
        chosen = json.loads(options.names.read_text()) if options.names else names()
        run_all([(a, b) for a, b in chosen], options.jobs, options.minutes, options.record)
    else:
        parser.error("say --record FILE, --page FILE --from FILE, or --one LIBRARY NAME")


if __name__ == "__main__":
    main()
