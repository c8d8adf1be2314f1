"""Short programs of the lesson's own, run as they are shown."""

from typing import Any

from wolfsbane.learn.blocks import Printed
from wolfsbane.learn.practice.running import fresh_start, run


def run_shown(program: str, key: str = "") -> tuple[Printed, dict[str, Any]]:
    """Run a program, and return what it printed or raised with the names that it left."""
    with fresh_start():
        ran = run(program)
    return Printed(program, ran.output, ran.error, key), ran.names
