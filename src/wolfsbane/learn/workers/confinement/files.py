"""Landlock, which Linux enforces: no file is written, made or removed outside a folder.

References:
    landlock(7); Documentation/userspace-api/landlock.rst in Linux.
"""

import ctypes
import os
import struct
import sys
from pathlib import Path

CREATE_RULESET, ADD_RULE, RESTRICT_SELF = 444, 445, 446
"""System calls; the same on every processor."""

TELL_VERSION = 1
BENEATH_A_PATH = 1
PR_SET_NO_NEW_PRIVS = 38

WRITE_FILE, TRUNCATE = 1 << 1, 1 << 14
CHANGES = WRITE_FILE | sum(1 << bit for bit in range(4, 13))
"""To write; to remove folders and files; to make devices, folders, files, sockets, links."""

ADDED = {2: 1 << 13, 3: TRUNCATE}
"""Rights by the version that brought them: to move between folders, to truncate."""


def is_available() -> bool:
    """Return whether this kernel has Landlock, and it is on."""
    return _version() > 0


def keep_within(folder: Path) -> bool:
    """Let this thread, and those that it starts, change files in one folder only; reading is free.

    Returns:
        Whether the kernel does it.
    """
    version = _version()
    if version <= 0:
        return False
    handled = CHANGES | sum(right for since, right in ADDED.items() if version >= since)
    libc = ctypes.CDLL(None, use_errno=True)
    attributes = struct.pack("=Q", handled)
    rules = libc.syscall(CREATE_RULESET, attributes, len(attributes), 0)
    if rules < 0:
        return False
    try:
        _allow(libc, rules, folder, handled)
        _allow(libc, rules, Path(os.devnull), handled & (WRITE_FILE | TRUNCATE))
        libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
        return bool(libc.syscall(RESTRICT_SELF, rules, 0) == 0)
    finally:
        os.close(rules)


def _allow(libc: ctypes.CDLL, rules: int, path: Path, rights: int) -> None:
    beneath = os.open(path, os.O_PATH | os.O_CLOEXEC)
    try:
        libc.syscall(ADD_RULE, rules, BENEATH_A_PATH, struct.pack("=Qi", rights, beneath), 0)
    finally:
        os.close(beneath)


def _version() -> int:
    """Return which Landlock this kernel has; not above zero where it has none."""
    if not sys.platform.startswith("linux"):
        return 0
    return int(ctypes.CDLL(None).syscall(CREATE_RULESET, None, 0, TELL_VERSION))
