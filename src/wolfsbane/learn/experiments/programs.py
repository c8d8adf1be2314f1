"""Programs that are shown and really run: what they print, warn of and raise is torch's word."""

import io
import sys
import traceback
import types
import warnings
from contextlib import redirect_stdout
from dataclasses import dataclass, field
from typing import Any

from wolfsbane.learn.blocks import Printed


@dataclass(frozen=True)
class Executed:
    """A program that has run.

    Attributes:
        program: its text.
        output: what it printed.
        error: type and message of what it raised, or empty.
        warned: the first line of each warning.
        names: what it left behind.
    """

    program: str
    output: str
    error: str = ""
    warned: tuple[str, ...] = ()
    names: dict[str, Any] = field(default_factory=dict)

    def block(self, key: str = "") -> Printed:
        """Return the program with what it said."""
        warned = "".join(f"warning: {text}\n" for text in self.warned)
        return Printed(self.program, self.output + warned, self.error, key)


def execute(program: str) -> Executed:
    """Run a program of the lesson's own as a script is run; what it raises is kept.

    Raises:
        MemoryError, KeyboardInterrupt, SystemExit: what no program of the lesson's means.
    """
    main = types.ModuleType("__main__")
    output, error = io.StringIO(), ""
    before = sys.modules["__main__"]
    sys.modules["__main__"] = main
    try:
        with warnings.catch_warnings(record=True) as caught, redirect_stdout(output):
            warnings.simplefilter("always")
            exec(compile(program, "program.py", "exec"), vars(main))  # noqa: S102  # our own text
    except MemoryError:
        raise
    except Exception as raised:  # noqa: BLE001  # whatever torch says is the point
        error = "".join(traceback.format_exception_only(raised)).strip()
    finally:
        sys.modules["__main__"] = before
    warned = tuple(str(each.message).splitlines()[0] for each in caught)
    return Executed(program, output.getvalue(), error, warned, vars(main))
