"""A program that is run as Python runs it: a script, or a module as `python -m` does."""

import importlib.util
import os
import runpy
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import CodeType, ModuleType

from wolfsbane.audit.run.traces import clean
from wolfsbane.errors import ArgumentError

FAILED = 1
"""Python's exit code after an exception."""
INTERRUPTED = 130
"""Exit code after Ctrl-C, as shells have it: 128 + SIGINT."""


@dataclass(frozen=True)
class Program:
    """A program that can be run, once: it takes over `__main__`, sys.argv and sys.path[0].

    Args:
        name: what sys.argv begins with.
        folder: for sys.path[0].
        execute: runs it.
    """

    name: str
    folder: str
    execute: Callable[[], None]

    def run(self, arguments: Sequence[str]) -> None:
        """Run the program. What it raises passes, SystemExit too."""
        sys.argv = [self.name, *arguments]
        if not sys.flags.safe_path:
            sys.path[0] = self.folder
        self.execute()


def script(path: str) -> Program:
    """Return a script, as `python PATH` runs it.

    Raises:
        ArgumentError: there is no such file, or it is no Python.
    """
    code = _compiled(path)
    folder = str(Path(path).resolve().parent)
    return Program(path, folder, lambda: execute(code, _fresh_main(path)))


def module(name: str) -> Program:
    """Return a module, as `python -m NAME` runs it.

    Raises:
        ArgumentError: there is no such module.
    """
    return Program("-m", str(Path.cwd()), lambda: execute_module(name))


def execute(code: CodeType, main: ModuleType) -> None:
    """Run code as the main module. A traceback begins behind this frame."""
    exec(code, vars(main))  # noqa: S102  # what this command is for


def execute_module(name: str) -> None:
    """Run a module as the main module. A traceback begins behind this frame."""
    _check_exists(name)
    sys.modules["__main__"] = ModuleType("__main__")
    # What `python -m` itself calls; run_module would show other frames in tracebacks.
    runpy._run_module_as_main(name)  # type: ignore[attr-defined]  # noqa: SLF001


def exit_code_of(error: BaseException, program: Program) -> int:
    """Report what ended a program as Python does, and return the exit code that Python gives."""
    if isinstance(error, SystemExit):
        return _exit_code(error.code)
    clean(error, _frame_of(program))
    sys.excepthook(type(error), error, error.__traceback__)
    return INTERRUPTED if isinstance(error, KeyboardInterrupt) else FAILED


def _exit_code(code: object) -> int:
    if code is None:
        return 0
    if isinstance(code, int):
        return code
    sys.stdout.flush()
    print(code, file=sys.stderr)  # noqa: T201  # as Python does
    return FAILED


def _frame_of(program: Program) -> CodeType:
    return (execute_module if program.name == "-m" else execute).__code__


def _compiled(path: str) -> CodeType:
    if Path(path).is_dir():
        raise ArgumentError(f"{path} is a directory. Name the script in it that trains")
    try:
        text = Path(path).read_bytes()
    except OSError as error:
        raise ArgumentError(f"{path} cannot be read: {error.strerror}. Name a script") from error
    try:
        return compile(text, os.path.abspath(path), "exec", dont_inherit=True)  # noqa: PTH100  # as Python: links are not followed
    except (SyntaxError, ValueError) as error:
        line = getattr(error, "lineno", None)
        what = getattr(error, "msg", None) or error
        place = path if line is None else f"{path}:{line}"
        raise ArgumentError(f"{place} is no Python: {what}") from error


def _fresh_main(path: str) -> ModuleType:
    """Return the module that is `__main__` from now on; it stays, for what runs at exit."""
    main = ModuleType("__main__")
    file = os.path.abspath(path)  # noqa: PTH100  # as Python: links are not followed
    main.__file__, main.__loader__ = file, SourceFileLoader("__main__", file)
    vars(main).update(__cached__=None, __builtins__=__builtins__, __annotations__={})
    sys.modules["__main__"] = main
    return main


def _check_exists(name: str) -> None:
    try:
        found = importlib.util.find_spec(name)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{name}.".startswith(f"{error.name}."):
            raise
        found = None
    if found is None:
        raise NoSuchModuleError(f"no module is called {name!r}. From here {Path.cwd()} is searched")


class NoSuchModuleError(ArgumentError):
    """A module to be run is not there: the command's mistake, not the program's."""
