"""One process at a time on a study of any other storage: a note of its owner, kept fresh.

Optuna's storages have no lock and no compare-and-set. So who comes writes its name into the study,
waits, and has it where the name is still its own. That keeps out who comes while another works,
and all but one of those that come at once, unless one of them is held up for longer than the wait
between reading and writing; that one is found out at the next training. After `kill -9` the study
is free when the note is old. Clocks have to agree to within a few seconds.
"""

import secrets
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any

from wolfsbane.errors import ArgumentError
from wolfsbane.tuning.record.locks import Guard, owner, taken

OWNER = "owner"
"""The user attribute of a study that holds who works on it."""

WAIT = 1.0
"""Seconds until who has written its name last is sure of it."""

BEAT = 10.0
"""Seconds between two renewals of the note."""

STALE = 45.0
"""Seconds after which a note is nobody's: four renewals were missed."""


class Heartbeat:
    """Holds a study by a note that it renews.

    Args:
        read: returns the note, or None.
        write: replaces it.
        what: is held, for the message.
        advice: what to do where it is taken.
    """

    def __init__(
        self,
        read: Callable[[], Mapping[str, Any] | None],
        write: Callable[[Mapping[str, Any] | None], None],
        what: str,
        advice: str,
    ) -> None:
        self._read = read
        self._write = write
        self._what = what
        self._advice = advice
        self._note = {**owner(), "token": secrets.token_hex(8)}
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._beat, name="wolfsbane-owner", daemon=True)

    def hold(self) -> None:
        """Write the note, and go on renewing it.

        Raises:
            ArgumentError: another process holds the study.
        """
        found = self._read()
        if found is not None and time.time() - found["beat"] < STALE:
            raise self._taken(found)
        self._renew()
        time.sleep(WAIT)
        self.check()
        self._thread.start()

    def check(self) -> None:
        """Raise where another process has written its name."""
        found = self._read()
        if found is None or found["token"] != self._note["token"]:
            raise self._taken(found or {})

    def free(self) -> None:
        """Stop renewing the note, and remove it."""
        self._ended.set()
        if self._thread.is_alive():
            self._thread.join()
        with suppress(ArgumentError):
            self.check()
            self._write(None)

    def _beat(self) -> None:
        while not self._ended.wait(BEAT):
            # A server that cannot be reached for now may be reached for the next one.
            with suppress(Exception):
                self.check()
                self._renew()

    def _renew(self) -> None:
        self._write({**self._note, "beat": time.time()})

    def _taken(self, found: Mapping[str, Any]) -> ArgumentError:
        later = f"{self._advice} One that was killed is forgotten after {STALE:.0f} seconds"
        return taken(self._what, found, later)


@contextmanager
def heartbeat(
    read: Callable[[], Mapping[str, Any] | None],
    write: Callable[[Mapping[str, Any] | None], None],
    what: str,
    advice: str,
) -> Iterator[Guard]:
    """Hold a study for as long as the context lasts; see `Heartbeat`."""
    note = Heartbeat(read, write, what, advice)
    note.hold()
    try:
        yield note
    finally:
        note.free()
