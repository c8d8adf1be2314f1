"""Short programs of the lesson's own, run as they are shown."""

import contextlib
import io

import torch

from wolfsbane.learn.blocks import Printed


def run_shown(program: str, key: str = "") -> Printed:
    """Run a program, and return what it printed, and the error's last line where it raised."""
    output, error = io.StringIO(), ""
    with torch.random.fork_rng(devices=[]), contextlib.redirect_stdout(output):
        try:
            exec(compile(program, "<lesson>", "exec"), {"__name__": "__main__"})  # noqa: S102
        except Exception as raised:  # noqa: BLE001  # what it raises is what is shown
            error = f"{type(raised).__name__}: {raised}"
    return Printed(program, output.getvalue(), error, key)
