"""A filter of system calls, which Linux enforces: no sockets, no further processes.

References:
    seccomp(2) and prctl(2); Documentation/userspace-api/seccomp_filter.rst in Linux. The filter is
    a program of McCanne and Jacobson's packet filter (1993): a load, comparisons, returns.
"""

import ctypes
import errno
import os
import struct
from collections.abc import Sequence

from wolfsbane.learn.workers.confinement.calls import (
    DATAGRAMS,
    OWN_ONLY,
    PRETENDED,
    REFUSED,
    REFUSED_SECOND,
    Processor,
    processor,
)

LOAD, EQUAL, AT_LEAST, ANY_BIT, RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
"""Instructions: load a word, jump where it is equal, not below, has a bit of; return."""

NUMBER, ARCHITECTURE, FIRST_ARGUMENT, SECOND_ARGUMENT = 0, 4, 16, 24
"""Where in struct seccomp_data; little-endian, so that an argument's lower half comes first."""

ALLOW, KILL, REFUSE = 0x7FFF0000, 0x80000000, 0x00050000
CLONE_THREAD = 0x00010000
PR_GET_SECCOMP, PR_SET_NO_NEW_PRIVS = 21, 38
SET_MODE_FILTER, ALL_THREADS = 1, 1

Instruction = tuple[int, int, int, int]


def is_available() -> bool:
    """Return whether this kernel filters system calls, and this processor's numbers are known."""
    if processor() is None:
        return False
    return int(ctypes.CDLL(None).prctl(PR_GET_SECCOMP, 0, 0, 0, 0)) >= 0


def refuse() -> bool:
    """Refuse, in all threads of this process, what a student's program may not ask of the kernel.

    Returns:
        Whether the kernel does it.
    """
    known = processor()
    if known is None or not is_available():
        return False
    instructions = program(known, os.getpid())
    code = b"".join(struct.pack("=HBBI", *each) for each in instructions)
    stored = ctypes.create_string_buffer(code)
    described = struct.pack("@HP", len(instructions), ctypes.addressof(stored))
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0:
        return False
    return bool(libc.syscall(known.seccomp, SET_MODE_FILTER, ALL_THREADS, described) == 0)


def program(known: Processor, process: int) -> list[Instruction]:
    """Return the filter.

    Args:
        known: the processor.
        process: the number of the process that it is for.
    """
    numbers = known.numbers
    foreign = [] if known.end is None else _where(AT_LEAST, known.end, [_refusal(errno.EPERM)])
    return [
        _load(ARCHITECTURE),
        *_unless(known.audit, [(RETURN, 0, 0, KILL)]),
        _load(NUMBER),
        *foreign,
        *(line for name in REFUSED if name in numbers for line in _never(numbers[name])),
        *(line for name in PRETENDED if name in numbers for line in _as_if(numbers[name])),
        # Then libc falls back on clone, whose flags can be looked at: clone3's are in memory.
        *_where(EQUAL, numbers["clone3"], [_refusal(errno.ENOSYS)]),
        *_where(EQUAL, numbers["clone"], _threads_only()),
        *(line for name in OWN_ONLY for line in _where(EQUAL, numbers[name], _own_only(process))),
        *_where(EQUAL, numbers["socketpair"], _no_datagrams()),
        *(
            line
            for name, values in REFUSED_SECOND.items()
            for line in _where(EQUAL, numbers[name], _second_is_none_of(values))
        ),
        (RETURN, 0, 0, ALLOW),
    ]


def _never(number: int) -> list[Instruction]:
    return _where(EQUAL, number, [_refusal(errno.EPERM)])


def _as_if(number: int) -> list[Instruction]:
    """Have a call return 0 without being made."""
    return _where(EQUAL, number, [_refusal(0)])


def _no_datagrams() -> list[Instruction]:
    return [
        _load(SECOND_ARGUMENT),
        (ANY_BIT, 0, 1, DATAGRAMS),
        _refusal(errno.EPERM),
        (RETURN, 0, 0, ALLOW),
    ]


def _second_is_none_of(values: Sequence[int]) -> list[Instruction]:
    tests = (line for value in values for line in _never(value))
    return [_load(SECOND_ARGUMENT), *tests, (RETURN, 0, 0, ALLOW)]


def _threads_only() -> list[Instruction]:
    return [
        _load(FIRST_ARGUMENT),
        (ANY_BIT, 0, 1, CLONE_THREAD),
        (RETURN, 0, 0, ALLOW),
        _refusal(errno.EPERM),
    ]


def _own_only(process: int) -> list[Instruction]:
    allowed = (RETURN, 0, 0, ALLOW)
    return [
        _load(FIRST_ARGUMENT),
        *_where(EQUAL, process, [allowed]),
        *_where(EQUAL, 0, [allowed]),
        _refusal(errno.EPERM),
    ]


def _load(offset: int) -> Instruction:
    return (LOAD, 0, 0, offset)


def _refusal(number: int) -> Instruction:
    return (RETURN, 0, 0, REFUSE | number)


def _where(test: int, value: int, then: Sequence[Instruction]) -> list[Instruction]:
    """Return what does `then`, which returns, where the loaded word passes a test."""
    return [(test, 0, len(then), value), *then]


def _unless(value: int, then: Sequence[Instruction]) -> list[Instruction]:
    return [(EQUAL, len(then), 0, value), *then]
