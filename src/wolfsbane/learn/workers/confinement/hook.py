"""Python's audit hook: it refuses in words, before the kernel refuses with a number."""

import os
import socket
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
    "socket.sethostname",
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
    "os.chmod": ((0, 2),),
    "os.chown": ((0, 3),),
    "os.link": ((0, 2), (1, 3)),
    "os.mkdir": ((0, 2),),
    "os.remove": ((0, 1),),
    "os.removexattr": ((0, None),),
    "os.rename": ((0, 2), (1, 3)),
    "os.rmdir": ((0, 1),),
    "os.setxattr": ((0, None),),
    "os.symlink": ((1, 2),),
    "os.truncate": ((0, None),),
    "os.utime": ((0, 3),),
}
"""Events that change a file: which arguments name it, and the folder that its name starts from."""

DESCRIPTORS = Path("/proc/self/fd")
"""Where Linux says of what a descriptor is."""

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

    def writes(named: tuple[tuple[int, int | None], ...]) -> Check:
        def check(arguments: tuple[Any, ...]) -> None:
            for name, start in named:
                _check_within(folder, arguments[name], -1 if start is None else arguments[start])

        return check

    return {
        "open": opens,
        **{event: writes(named) for event, named in WRITES.items()},
        **dict.fromkeys(STARTS, lambda _: _refuse(End.PROCESSES)),
        **dict.fromkeys(SIGNALS, _check_own),
        **dict.fromkeys(REACHES, lambda _: _refuse(End.NETWORK)),
        "socket.__new__": _check_socket,
    }


def _check_within(folder: str, path: object, start: int = -1) -> None:
    if isinstance(path, int):
        # What it is of may have been opened to be read. Where Linux does not say, all is well.
        name = os.fspath(DESCRIPTORS / str(path)) if DESCRIPTORS.exists() else folder
    elif isinstance(path, str | bytes | os.PathLike):
        name = os.fsdecode(path)
        if start >= 0:  # os says -1 where there is none.
            name = os.path.join(DESCRIPTORS, str(start), name)  # noqa: PTH118  # no Path per call
    else:
        return
    real = os.path.realpath(name)
    if real != os.devnull and not f"{real}{os.sep}".startswith(f"{folder}{os.sep}"):
        _refuse(None)


def _check_socket(arguments: tuple[Any, ...]) -> None:
    """Refuse a socket, other than of the two that know one another alone."""
    if arguments[1] != getattr(socket, "AF_UNIX", None):
        _refuse(End.NETWORK)


def _check_own(arguments: tuple[Any, ...]) -> None:
    if arguments[0] not in (0, os.getpid()):
        _refuse(End.PROCESSES)


def _refuse(end: End | None) -> None:
    raise RefusedError(end)
