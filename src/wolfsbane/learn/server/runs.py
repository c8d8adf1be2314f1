"""The runs that are going, by names that nobody can guess.

A run lives as long as a page listens to it: it is cancelled when nobody comes for its events, or
when who came has gone.
"""

import asyncio
import secrets
from collections import deque
from dataclasses import dataclass

from anyio import to_thread

from wolfsbane.learn.server.asking import Asked
from wolfsbane.learn.workers.pool import Run, Workers

FETCHED_WITHIN = 10.0
"""Seconds in which a page comes for a run's events."""

REMEMBERED = 10_000
"""Runs that are over, of which it is still known that they were."""


@dataclass(frozen=True)
class Going:
    """A run, and what was asked for."""

    run: Run
    asked: Asked


class Runs:
    """Starts runs, and hands out each once. All methods are called from one event loop.

    Args:
        workers: what runs them.
        fetched_within: seconds after which a run is cancelled that nobody took.
    """

    def __init__(self, workers: Workers, fetched_within: float = FETCHED_WITHIN) -> None:
        self._workers = workers
        self._fetched_within = fetched_within
        self._going: dict[str, Going] = {}
        self._untaken: set[str] = set()
        self._over: deque[str] = deque(maxlen=REMEMBERED)
        self._endings: set[asyncio.Future[None]] = set()

    async def start(self, asked: Asked) -> str:
        """Start a run and return its name.

        Raises:
            BusyError: as many are going as may.
        """
        run = await to_thread.run_sync(self._workers.start, asked.job)
        name = secrets.token_urlsafe(16)
        self._going[name] = Going(run, asked)
        self._untaken.add(name)
        asyncio.get_running_loop().call_later(self._fetched_within, self._give_up, name)
        return name

    def is_known(self, name: str) -> bool:
        """Whether there is, or was, a run of this name."""
        return name in self._going or name in self._over

    def take(self, name: str) -> Going | None:
        """Return a run to whom asks first; None where it was taken before, or given up."""
        if name not in self._untaken:
            return None
        self._untaken.remove(name)
        return self._going[name]

    async def cancel(self, name: str) -> None:
        """End a run now, where it still goes; who listens gets its last block."""
        going = self._going.get(name)
        if going is not None:
            await to_thread.run_sync(going.run.cancel)

    def forget(self, name: str) -> None:
        """Let go of a run that is over."""
        if self._going.pop(name, None) is not None:
            self._over.append(name)

    def _give_up(self, name: str) -> None:
        """Cancel a run that nobody has come for."""
        going = self.take(name)
        if going is None:
            return
        self.forget(name)
        ending = asyncio.ensure_future(to_thread.run_sync(going.run.cancel))
        self._endings.add(ending)  # The loop alone would let it be collected.
        ending.add_done_callback(self._endings.discard)
