"""The machine and the versions that figures depend on, and whether the machine is busy."""

import importlib.metadata
import os
import platform
import time
from dataclasses import dataclass
from pathlib import Path

import torch

import wolfsbane

BUSY_LOAD = 0.5
"""Share of the cores that may be waited for before timing begins."""

DISTURBING_RATE = 50.0
"""Preemptions a second. One busy process beside two threads on two cores makes it 150 or more."""


@dataclass(frozen=True)
class Machine:
    """What a figure was measured on."""

    processor: str
    architecture: str
    system: str
    num_cores: int
    num_threads: int
    load_average: float | None
    """Processes that ran or waited, over the minute before; None where the system does not say."""
    versions: dict[str, str | None]
    gpu: str | None = None
    """Name of the GPU that was measured; None where it was the processor."""
    preemptions_per_second: float | None = None
    """How often, while measuring, another process took a core from this one."""

    @property
    def is_busy(self) -> bool:
        """Tell whether other processes had a good part of the cores."""
        return self.load_average is not None and self.load_average > BUSY_LOAD * self.num_cores

    @property
    def was_disturbed(self) -> bool:
        """Tell whether other processes had the cores while this one wanted them."""
        rate = self.preemptions_per_second
        return rate is not None and rate > DISTURBING_RATE


def this_machine(device: str = "cpu") -> Machine:
    """Look at the machine; to be called before anything is measured."""
    return Machine(
        processor=_processor(),
        architecture=platform.machine(),
        system=platform.system(),
        num_cores=_num_cores(),
        num_threads=torch.get_num_threads(),
        load_average=os.getloadavg()[0] if hasattr(os, "getloadavg") else None,
        versions={
            "wolfsbane": wolfsbane.__version__,
            "torch": torch.__version__,
            "numba": _version("numba"),
            "llvmlite": _version("llvmlite"),
            "triton": _version("triton"),
            "python": platform.python_version(),
        },
        gpu=torch.cuda.get_device_name() if device == "cuda" else None,
    )


class Preemptions:
    """Counts how often this process loses a core from construction on."""

    def __init__(self) -> None:
        self._switches, self._seconds = _involuntary_switches(), time.process_time()

    def per_second(self) -> float | None:
        """Return the number for each second of this process's computing; None off Unix."""
        seconds = time.process_time() - self._seconds
        switches = _involuntary_switches()
        if switches is None or self._switches is None or seconds <= 0.0:
            return None
        return (switches - self._switches) / seconds


def _involuntary_switches() -> int | None:
    try:
        import resource  # noqa: PLC0415  # Unix only
    except ImportError:
        return None
    return resource.getrusage(resource.RUSAGE_SELF).ru_nivcsw


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def _num_cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    if info.exists():
        for line in info.read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
