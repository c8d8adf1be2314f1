"""A program's text, run as Python runs a script, in this process."""

import contextlib
import linecache
import random
import secrets
import sys
import traceback
import warnings
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from types import CodeType, ModuleType
from typing import Any, TextIO

import numpy as np
import torch

from wolfsbane.learn.practice.printing import TooMuchPrintedError, captured
from wolfsbane.learn.practice.tracebacks import error_text, line_of

FILE = "program.py"
"""What a program's file is called in tracebacks and findings."""

PROBE = "probe.py"
"""What a probe's file is called: it runs after a program, in its names."""


@dataclass(frozen=True)
class Ran:
    """A program that was run.

    Attributes:
        main: the module that it was.
        output: what it printed, on stdout and stderr.
        error: its traceback, only its own frames; empty where it ended well.
        exception: what ended it early.
        line: where in the program that was raised, from 1; 0 where it is not known.
    """

    main: ModuleType
    output: str
    error: str = ""
    exception: BaseException | None = None
    line: int = 0

    @property
    def ended_well(self) -> bool:
        """Whether it ran to its end."""
        return self.exception is None

    @property
    def names(self) -> dict[str, Any]:
        """Its global names, as it left them."""
        return vars(self.main)


def run(
    text: str,
    *,
    main: ModuleType | None = None,
    file: str = FILE,
    within: AbstractContextManager[Any] | None = None,
) -> Ran:
    """Run a program as `__main__`; what it raises is in what is returned.

    Args:
        text: the program.
        main: the module to run it in, such as that of a program before it; by default a fresh one.
        file: its name in tracebacks.
        within: entered before its first line and left after its last, such as the auditor.
    """
    remember(file, text)
    module = new_main() if main is None else main
    exception: BaseException | None = None
    with _as_main(module, file), captured() as printout:
        try:
            with within or nullcontext():
                execute(compile(text, file, "exec", dont_inherit=True), vars(module))
        except BaseException as error:  # noqa: BLE001  # whatever it is, it is the program's
            exception = None if _is_good_exit(error) else error
            if isinstance(error, MemoryError):
                _let_go(module, error)
    if exception is None:
        return Ran(module, printout.text)
    return Ran(module, printout.text, _error(exception, file), exception, line_of(exception, file))


def execute(code: CodeType, names: dict[str, Any]) -> None:
    """Run a program's code."""
    exec(code, names)  # noqa: S102  # what all this is for


def new_main() -> ModuleType:
    """Return a module such as a script begins with."""
    main = ModuleType("__main__")
    vars(main).update(__builtins__=__builtins__, __annotations__={})
    return main


@contextmanager
def fresh_start(seed: int | None = None) -> Iterator[None]:
    """Have everything as at the start of Python that one program may leave to the next.

    That is random numbers, torch's default type and gradient mode, and filters of warnings; all
    are put back afterwards.

    Args:
        seed: of torch's, numpy's and Python's random numbers; by default a new one each time, so
            that a student sees other numbers each time.
    """
    seed = new_seed() if seed is None else seed
    dtype, python = torch.get_default_dtype(), random.getstate()
    numpy = np.random.get_state()  # noqa: NPY002  # what programs use
    try:
        with torch.random.fork_rng(devices=[]), torch.enable_grad(), _warnings_of_a_script():
            torch.manual_seed(seed)
            random.seed(seed)
            np.random.seed(seed)  # noqa: NPY002
            yield
    finally:
        torch.set_default_dtype(dtype)
        random.setstate(python)
        np.random.set_state(numpy)  # noqa: NPY002


def new_seed() -> int:
    """Return a seed at random, which Python's and torch's random numbers do not determine."""
    return secrets.randbelow(2**31)


@contextmanager
def _warnings_of_a_script() -> Iterator[None]:
    """Show the warnings that Python shows of a script, each once."""
    with warnings.catch_warnings():
        warnings.showwarning = _show
        warnings.resetwarnings()
        for category in (
            DeprecationWarning,
            PendingDeprecationWarning,
            ImportWarning,
            ResourceWarning,
        ):
            warnings.simplefilter("ignore", category)
        warnings.filterwarnings("default", category=DeprecationWarning, module="__main__")
        yield


def _show(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: TextIO | None = None,
    line: str | None = None,
) -> None:
    """Print a warning as Python does, whatever this process does with its own."""
    text = warnings.formatwarning(message, category, filename, lineno, line)
    (file or sys.stderr).write(text)


def _let_go(main: ModuleType, error: MemoryError) -> None:
    """Free what a program holds that has taken all memory, so that this can be told."""
    vars(main).clear()
    traceback.clear_frames(error.__traceback__)


def _is_good_exit(error: BaseException) -> bool:
    return isinstance(error, SystemExit) and error.code in (None, 0)


def _error(exception: BaseException, file: str) -> str:
    if isinstance(exception, TooMuchPrintedError):
        return "stopped: it printed more than is shown"
    with contextlib.suppress(Exception):
        return error_text(exception, file)
    return type(exception).__name__  # Its __str__ raises, or there is no memory left.


def remember(file: str, text: str) -> None:
    """Let tracebacks, `inspect` and the auditor read a program's lines.

    Args:
        file: its name.
        text: the program.
    """
    linecache.cache[file] = (len(text), None, text.splitlines(keepends=True), file)


@contextmanager
def _as_main(main: ModuleType, file: str) -> Iterator[None]:
    before, arguments = sys.modules["__main__"], sys.argv
    vars(main).setdefault("__file__", file)
    sys.modules["__main__"], sys.argv = main, [file]
    try:
        yield
    finally:
        sys.modules["__main__"], sys.argv = before, arguments
