"""Where trainings that were made are kept, so that none is made twice."""

import json
import multiprocessing
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

CACHE = Path(__file__).parent / ".cache"


def append(name: str, row: dict[str, Any]) -> None:
    """Add a row to a list in the cache, under this process's own file."""
    CACHE.mkdir(exist_ok=True)
    with (CACHE / f"{name}-{os.getpid()}.jsonl").open("a", encoding="utf-8") as file:
        file.write(json.dumps(row) + "\n")


def rows(name: str) -> Iterator[dict[str, Any]]:
    """Yield all rows of a list; a line that a killed process left unfinished is passed over."""
    for path in sorted(CACHE.glob(f"{name}-[0-9]*.jsonl")):
        with path.open(encoding="utf-8") as file:
            for line in file:
                try:
                    yield json.loads(line)
                except ValueError:
                    continue


def forget(name: str) -> None:
    """Delete a list."""
    for path in CACHE.glob(f"{name}-[0-9]*.jsonl"):
        path.unlink()


def in_processes(jobs: int, work: Callable[[int, int], None]) -> None:
    """Call `work(part, parts)` once in each of some new processes."""
    spawn = multiprocessing.get_context("spawn")
    running = [spawn.Process(target=work, args=(part, jobs)) for part in range(jobs)]
    for process in running:
        process.start()
    for process in running:
        process.join()
    if any(process.exitcode for process in running):
        raise SystemExit("a process failed: its message is above")
