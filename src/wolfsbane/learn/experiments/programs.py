"""Short programs of the lesson's own, run as they are shown."""

import contextlib
import io
from typing import Any

import torch

from wolfsbane.learn.blocks import Printed


def run_shown(program: str, key: str = "") -> tuple[Printed, dict[str, Any]]:
    """Run a program, and return what it printed together with the names that it left."""
    names: dict[str, Any] = {"__name__": "__main__"}
    output = io.StringIO()
    with torch.random.fork_rng(devices=[]), contextlib.redirect_stdout(output):
        exec(compile(program, "<lesson>", "exec"), names)  # noqa: S102  # our own text
    return Printed(program, output.getvalue(), key=key), names
