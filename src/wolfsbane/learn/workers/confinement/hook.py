"""Python's audit hook: it refuses in words, before the kernel refuses with a number."""

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from wolfsbane.learn.blocks import End
from wolfsbane.learn.workers.confinement.refusal import RefusedError

STARTS = (
    "os.exec",
    "os.fork",
    "os.forkpty",
    "os.posix_spawn",
    "os.spawn",
    "os.startfile",
    "os.system",
    "pty.spawn",
    "subprocess.Popen",
)
"""Events that come before another process."""

SIGNALS = ("os.kill", "os.killpg", "resource.prlimit")
"""Events that concern the process named first."""

REACHES = (
    "socket.bind",
    "socket.connect",
    "socket.getaddrinfo",
    "socket.gethostbyaddr",
    "socket.gethostbyname",
    "socket.getnameinfo",
    "socket.sendmsg",
    "socket.sendto",
    "urllib.Request",
)
"""Events that come before the network."""

WRITES = {
    "os.chmod": (0,),
    "os.chown": (0,),
    "os.link": (0, 1),
    "os.mkdir": (0,),
    "os.remove": (0,),
    "os.removexattr": (0,),
    "os.rename": (0, 1),
    "os.rmdir": (0,),
    "os.setxattr": (0,),
    "os.symlink": (1,),
    "os.truncate": (0,),
    "os.utime": (0,),
}
"""Events that change a file, each with which arguments name it."""

WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND


Check = Callable[[tuple[Any, ...]], None]


def install(folder: Path) -> None:
    """Refuse from now on, in this process, what a student's program may not do.

    Args:
        folder: where it may write.
    """
    checks = _checks(os.path.realpath(folder))

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        check = checks.get(event)
        if check is not None:
            check(arguments)

    sys.addaudithook(hook)


def _checks(folder: str) -> dict[str, Check]:
    """Return what each event is checked by; kept in a closure, where a program does not find it."""

    def opens(arguments: tuple[Any, ...]) -> None:
        path, _, flags = arguments
        if isinstance(flags, int) and flags & WRITING:
            _check_within(folder, path)

    def writes(named: tuple[int, ...]) -> Check:
        def check(arguments: tuple[Any, ...]) -> None:
            for index in named:
                _check_within(folder, arguments[index])

        return check

    return {
        "open": opens,
        **{event: writes(named) for event, named in WRITES.items()},
        **dict.fromkeys(STARTS, lambda _: _refuse(End.PROCESSES)),
        **dict.fromkeys(SIGNALS, _check_own),
        **dict.fromkeys(REACHES, lambda _: _refuse(End.NETWORK)),
    }


def _check_within(folder: str, path: object) -> None:
    if not isinstance(path, str | bytes | os.PathLike):
        return  # A descriptor: what it is of was checked when it was opened.
    real = os.path.realpath(os.fsdecode(path))
    if real != os.devnull and not f"{real}{os.sep}".startswith(f"{folder}{os.sep}"):
        _refuse(None)


def _check_own(arguments: tuple[Any, ...]) -> None:
    if arguments[0] not in (0, os.getpid()):
        _refuse(End.PROCESSES)


def _refuse(end: End | None) -> None:
    raise RefusedError(end)
