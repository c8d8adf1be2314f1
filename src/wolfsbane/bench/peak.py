"""What a layer's pass adds to a process at its peak: run by `processes` in a process of its own.

    python -m wolfsbane.bench.peak (wolfsbane | torch) LAYER

prints MiB for forward and backward over 64 MiB of float32. Linux only.
"""

import sys
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor

from wolfsbane import nn

STATUS = Path("/proc/self/status")

LAYERS: dict[str, dict[str, Callable[[], Callable[[Tensor], Tensor]]]] = {
    "Dropout": {"wolfsbane": nn.Dropout, "torch": torch.nn.Dropout},
    "BatchNorm2d": {
        "wolfsbane": lambda: nn.BatchNorm2d(64),
        "torch": lambda: torch.nn.BatchNorm2d(64),
    },
    "BatchNorm2d + ReLU + Dropout": {
        "wolfsbane": lambda: nn.BatchNormAct2d(64, "relu", 0.1),
        "torch": lambda: torch.nn.Sequential(
            torch.nn.BatchNorm2d(64), torch.nn.ReLU(), torch.nn.Dropout(0.1)
        ),
    },
}


def main(package: str, name: str) -> None:
    """Measure and print."""
    torch.set_num_threads(1)
    layer = LAYERS[name][package]()
    x = torch.randn(16, 64, 128, 128, requires_grad=True)
    grad = torch.randn_like(x)
    layer(x[:1]).backward(grad[:1])  # what is compiled or loaded once
    before = peak_mebibytes()
    layer(x).backward(grad)
    sys.stdout.write(f"{peak_mebibytes() - before}")


def peak_mebibytes() -> float:
    """Return this process's peak; getrusage would give that of the process that started it."""
    text = STATUS.read_text(encoding="ascii")
    return int(text.partition("VmHWM:")[2].split()[0]) / 1024


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
