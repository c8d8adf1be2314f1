"""What watching costs: training steps with and without it, in turns.

    python benchmarks/audit                 # writes benchmarks/results/audit-DATE.json
    python benchmarks/audit --steps 400 --rounds 3 --out record.json
    python benchmarks/audit --only "ResNet-18"

Each round trains two equal models step by step in turns, one of them watched by all default rules:
what else the machine does falls on both alike. The mean step of a round is compared, since few
steps are sampled and those cost more; the medians show what the others cost. Nothing is compiled.
Weights are compared at the end: a difference in a bit ends it in an error.
"""

import argparse
import datetime as dt
import json
import platform
import statistics
import time
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path

import torch
from models import CASES, Case
from torch import nn

from wolfsbane.audit.registry import select
from wolfsbane.audit.run.dispatch import Dispatch
from wolfsbane.audit.run.registry import Registry
from wolfsbane.audit.run.sampling import Sampling
from wolfsbane.audit.run.session import Session
from wolfsbane.audit.run.switchboard import listening

RESULTS = Path(__file__).parents[1] / "results"
TARGET = 1.15
"""The most that a step of ResNet-18 may take, watched, in terms of one that is not."""
NUM_BATCHES = 4


def main() -> None:
    """Time all cases, print a line for each, and write the record."""
    options = _options()
    torch.set_num_threads(options.threads or torch.get_num_threads())
    cases = [case for case in CASES if options.only.lower() in case.name.lower()]
    results = [_result(case, options.steps, options.rounds) for case in cases]
    record = {
        "date": dt.datetime.now(tz=dt.UTC).isoformat(timespec="seconds"),
        "machine": platform.processor() or platform.machine(),
        "threads": torch.get_num_threads(),
        "torch": torch.__version__,
        "python": platform.python_version(),
        "steps": options.steps,
        "rounds": options.rounds,
        "target": TARGET,
        "results": results,
    }
    out = options.out or RESULTS / f"audit-{dt.datetime.now(tz=dt.UTC):%Y-%m-%d}.json"
    out.write_text(json.dumps(record, indent=1) + "\n")
    print(f"written to {out}")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=200, help="training steps a round and side")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=None)
    parser.add_argument("--only", default="", help="cases with this in their name")
    parser.add_argument("--out", type=Path, default=None)
    return parser.parse_args()


def _result(case: Case, steps: int, rounds: int) -> dict[str, object]:
    measured = [_round(case, steps, seed) for seed in range(rounds)]
    ratios = [statistics.mean(watched) / statistics.mean(plain) for plain, watched in measured]
    medians = [statistics.median(watched) / statistics.median(plain) for plain, watched in measured]
    plain_ms = 1000 * statistics.median(step for plain, _ in measured for step in plain)
    ratio = statistics.median(ratios)
    print(
        f"{case.name:36s} step {plain_ms:8.2f} ms   watched {ratio:.3f} "
        f"({min(ratios):.3f} to {max(ratios):.3f})   steps not sampled "
        f"{statistics.median(medians):.3f}"
    )
    return {
        "case": case.name,
        "step_ms": plain_ms,
        "ratio": ratio,
        "ratio_of_rounds": ratios,
        "ratio_of_median_steps": statistics.median(medians),
        "is_within_target": ratio <= TARGET,
    }


def _round(case: Case, steps: int, seed: int) -> tuple[list[float], list[float]]:
    """Train two equal models in turns; return the seconds of each step, plain and watched.

    The run's listener is plugged in before a watched step and taken out after it, untimed.
    """
    plain, watched = _Side(case, seed), _Side(case, seed)
    dispatch = Dispatch.of(select())
    session = Session(dispatch, Registry([watched.model]), Sampling())
    times: tuple[list[float], list[float]] = ([], [])
    for number in range(steps):
        for is_watched in (False, True) if number % 2 else (True, False):
            torch.manual_seed(number)
            with listening(session) if is_watched else nullcontext():
                times[is_watched].append(_timed((plain, watched)[is_watched].step))
    session.ends(is_complete=False)
    if dispatch.notes:
        raise SystemExit("\n".join(dispatch.notes))
    _check_equal(plain.model, watched.model)
    return times


class _Side:
    """A model that is trained, and its optimizer and data."""

    def __init__(self, case: Case, seed: int) -> None:
        torch.manual_seed(seed)
        self.model = case.model()
        self.optimizer = torch.optim.SGD(self.model.parameters(), lr=0.01, momentum=0.9)
        self.batches = [case.batch() for _ in range(NUM_BATCHES)]
        self.number = 0

    def step(self) -> None:
        """Train one step."""
        x, y = self.batches[self.number % NUM_BATCHES]
        self.number += 1
        self.optimizer.zero_grad()
        nn.functional.cross_entropy(self.model(x), y).backward()
        self.optimizer.step()


def _timed(step: Callable[[], None]) -> float:
    begin = time.perf_counter()
    step()
    return time.perf_counter() - begin


def _check_equal(plain: nn.Module, watched: nn.Module) -> None:
    theirs = watched.state_dict()
    for name, value in plain.state_dict().items():
        if not torch.equal(value, theirs[name]):
            raise SystemExit(f"{name} differs after a watched run")


if __name__ == "__main__":
    main()
