"""A port of this machine's that nobody else has."""

import errno
import socket
import sys

from wolfsbane.errors import ArgumentError
from wolfsbane.learn.server.address import HOST

TAKEN = (errno.EADDRINUSE, errno.EACCES) if sys.platform == "win32" else (errno.EADDRINUSE,)
"""Windows says EACCES of a port that another process has for itself."""

NUM_TRIES = 100
LAST_PORT = 65535


def listen(port: int) -> socket.socket:
    """Return a socket that listens on this machine at a port, or at the next one that is free.

    Args:
        port: where to begin; 0 for any.

    Raises:
        ArgumentError: none is free, or the system does not let this user have one.
    """
    last = min(port + NUM_TRIES - 1, LAST_PORT) if port else 0
    for candidate in range(port, last + 1):
        found = _try_port(candidate)
        if found is not None:
            return found
    raise ArgumentError(
        f"the ports from {port} to {last} are all taken. Give another one, such as --port 0 for "
        "any that is free"
    )


def _try_port(port: int) -> socket.socket | None:
    """Return a socket that listens; None where the port is taken."""
    candidate = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        if sys.platform == "win32":
            # There SO_REUSEADDR would share the port with who has it.
            candidate.setsockopt(socket.SOL_SOCKET, socket.SO_EXCLUSIVEADDRUSE, 1)
        else:
            # Else the port of a server that has just ended would be taken for a minute.
            candidate.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        candidate.bind((HOST, port))
        candidate.listen(128)
    except OSError as error:
        candidate.close()
        if error.errno in TAKEN:
            return None
        raise ArgumentError(
            f"cannot listen on port {port}: {error.strerror}. Give another one with --port"
        ) from error
    return candidate
