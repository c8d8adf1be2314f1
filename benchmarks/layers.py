"""wolfsbane's layers against torch's, on this machine: ratios of interleaved medians.

    python benchmarks/layers.py [--rounds N] [--out FILE]

Every round times both sides once, in alternating order, so that a change of the machine's speed
meets both. A forward and backward pass is timed, with fresh outputs as in training. Beside time:
the memory that such a pass adds at its peak, the error of batch norm's variance, and what an
import costs. The record (ratios, medians, spread, machine, versions) goes to benchmarks/results/.
"""

import argparse
import datetime as dt
import json
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import torch

import wolfsbane
from wolfsbane import nn

RESULTS = Path(__file__).parent / "results"

CASES: dict[str, tuple[Callable[[], torch.nn.Module], Callable[[], torch.nn.Module], tuple]] = {
    "Dropout (64, 256)": (nn.Dropout, torch.nn.Dropout, (64, 256)),
    "Dropout (256, 1024)": (nn.Dropout, torch.nn.Dropout, (256, 1024)),
    "Dropout (32, 64, 56, 56)": (nn.Dropout, torch.nn.Dropout, (32, 64, 56, 56)),
    "Dropout2d (32, 64, 56, 56)": (nn.Dropout2d, torch.nn.Dropout2d, (32, 64, 56, 56)),
    "BatchNorm1d (64, 256)": (
        lambda: nn.BatchNorm1d(256),
        lambda: torch.nn.BatchNorm1d(256),
        (64, 256),
    ),
    "BatchNorm2d (32, 64, 28, 28)": (
        lambda: nn.BatchNorm2d(64),
        lambda: torch.nn.BatchNorm2d(64),
        (32, 64, 28, 28),
    ),
    "BatchNorm2d (32, 64, 56, 56)": (
        lambda: nn.BatchNorm2d(64),
        lambda: torch.nn.BatchNorm2d(64),
        (32, 64, 56, 56),
    ),
}


def seconds(layer: torch.nn.Module, x: torch.Tensor, grad: torch.Tensor) -> float:
    """Time one forward and backward pass."""
    begin = time.perf_counter()
    layer(x).backward(grad)
    return time.perf_counter() - begin


def measure(
    ours: torch.nn.Module, theirs: torch.nn.Module, shape: tuple[int, ...], rounds: int
) -> dict[str, float]:
    """Return the ratio of medians (ours / torch's), both medians, and the ratio's quartiles."""
    x = torch.randn(shape, requires_grad=True)
    grad = torch.randn(shape)
    times: dict[str, list[float]] = {"ours": [], "torch": []}
    for index in range(rounds + 3):
        sides = [("ours", ours), ("torch", theirs)]
        for name, layer in sides if index % 2 else reversed(sides):
            times[name].append(seconds(layer, x, grad))
    warm = {name: values[3:] for name, values in times.items()}
    ratios = [a / b for a, b in zip(warm["ours"], warm["torch"], strict=True)]
    low, _, high = statistics.quantiles(ratios, n=4)
    medians = {name: statistics.median(values) for name, values in warm.items()}
    return {
        "ratio": medians["ours"] / medians["torch"],
        "ratio_quartile_low": low,
        "ratio_quartile_high": high,
        "ours_ms": medians["ours"] * 1e3,
        "torch_ms": medians["torch"] * 1e3,
    }


PEAK_CODE = """
import torch
from {package} import nn
def peak():  # not getrusage: its peak is inherited from the process that started this one
    return int(open("/proc/self/status").read().partition("VmHWM:")[2].split()[0]) / 1024
torch.set_num_threads(1)
layer = nn.{layer}
x = torch.randn(16, 64, 128, 128, requires_grad=True)
grad = torch.randn_like(x)
layer(x[:1]).backward(grad[:1])
before = peak()
layer(x).backward(grad)
print(peak() - before)
"""
"""Prints the peak in MiB that a pass over 64 MiB of float32 adds to the process (Linux)."""


def peak_mebibytes(package: str, layer: str) -> float:
    """Return the median over fresh processes of what one pass adds at its peak."""
    code = PEAK_CODE.format(package=package, layer=layer)
    command = [sys.executable, "-c", code]
    found = [
        float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)  # noqa: S603
        for _ in range(3)
    ]
    return statistics.median(found)


def variance_errors() -> dict[str, float]:
    """Return the variance's relative error: mean 1e5, deviation 1, 65,536 values a channel."""
    torch.manual_seed(0)
    x = torch.randn(64, 4, 32, 32) + 1e5
    truth = x.double().var((0, 2, 3))
    errors = {}
    for num_threads in (1, torch.get_num_threads()):
        torch.set_num_threads(num_threads)
        for layout in (torch.contiguous_format, torch.channels_last):
            for package, layers in (("wolfsbane", nn), ("torch", torch.nn)):
                layer = layers.BatchNorm2d(4, momentum=1.0)
                layer(x.contiguous(memory_format=layout))
                error = (layer.running_var.double() / truth - 1).abs().max().item()
                name = str(layout).removeprefix("torch.")
                errors[f"{package}, {name}, {num_threads} threads"] = error
    return errors


def import_seconds(code: str, repeats: int) -> float:
    """Return the median time in which a fresh interpreter runs `code`."""
    times = []
    for _ in range(repeats):
        begin = time.perf_counter()
        subprocess.run(  # noqa: S603
            [sys.executable, "-c", code], check=True, stdout=subprocess.DEVNULL
        )
        times.append(time.perf_counter() - begin)
    return statistics.median(times)


def measure_start(repeats: int) -> dict[str, float]:
    """Return what importing and asking for help cost."""
    torch_alone = import_seconds("import torch", repeats)
    both = import_seconds("import torch, wolfsbane", repeats)
    help_code = (
        "import sys; sys.argv = ['wolfsbane', '--help']; import wolfsbane.cli as c; c.main()"
    )
    return {
        "import_torch_s": torch_alone,
        "import_wolfsbane_adds_s": both - torch_alone,
        "help_s": import_seconds(help_code, repeats),
    }


def main() -> None:
    """Measure everything, print it, and write the record."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=30)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    today = dt.datetime.now().astimezone().date()
    record = {
        "date": str(today),
        "machine": platform.machine(),
        "processor": _processor(),
        "threads": torch.get_num_threads(),
        "torch": torch.__version__,
        "wolfsbane": wolfsbane.__version__,
        "rounds": options.rounds,
        "forward_and_backward": {},
        "start": measure_start(5),
    }
    for name, (ours, theirs, shape) in CASES.items():
        found = measure(ours(), theirs(), shape, options.rounds)
        record["forward_and_backward"][name] = found
        print(f"{name:32s} {found['ratio']:6.2f} x torch's time")
    record["variance_error_at_mean_1e5"] = variance_errors()
    record["peak_mib_of_64_mib_input"] = {
        f"{package}, {layer}": peak_mebibytes(package, layer)
        for layer in ("Dropout()", "BatchNorm2d(64)")
        for package in ("wolfsbane", "torch")
    }
    path = options.out or RESULTS / f"cpu-{today}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    print(f"Record: {path}")


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    if info.exists():
        for line in info.read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor()


if __name__ == "__main__":
    main()
