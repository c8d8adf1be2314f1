"""From a command to a page that answers, until Ctrl-C."""

import signal
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from types import FrameType

import uvicorn
from anyio import to_thread

from wolfsbane.learn.practice.progress import ProgressFile
from wolfsbane.learn.server.address import Address
from wolfsbane.learn.server.app import make_app
from wolfsbane.learn.server.events import HEARTBEAT
from wolfsbane.learn.server.ports import listen
from wolfsbane.learn.server.runs import FETCHED_WITHIN
from wolfsbane.learn.workers.pool import Workers

GRACE = 5
"""Seconds that answers still have when the server ends."""

SIGNALS = tuple(
    getattr(signal, name)
    for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK")
    if hasattr(signal, name)
)
"""What ends the lesson: Ctrl-C, `kill`, a terminal that is closed."""


def serve(
    make_workers: Callable[[], Workers],
    progress: ProgressFile,
    port: int,
    on_taken: Callable[[int, int], None],
    on_ready: Callable[[str], None],
) -> None:
    """Serve the lesson until a signal ends it; runs and workers end with it.

    Args:
        make_workers: starts what computes.
        progress: what the student has done.
        port: where to begin to look for a free one.
        on_taken: called with the port that was wanted and the one that is used, where they differ.
        on_ready: called with the page's address, once requests are answered.

    Raises:
        ArgumentError: there is no free port.
        WolfsbaneError, OSError: the progress cannot be read.
    """
    progress.read()  # A file that cannot be read is better told now than after an exercise.
    with closing(listen(port)) as listening:
        address = Address(listening.getsockname()[1])
        if port not in {0, address.port}:
            on_taken(port, address.port)
        with closing(make_workers()) as workers:
            server = LessonServer(workers, progress, address, lambda: on_ready(address.url))
            server.run(sockets=[listening])


class LessonServer(uvicorn.Server):
    """Uvicorn, with what the lesson has to do when it begins and ends.

    Args:
        workers: closed first when the server ends, so that no page waits for a run.
        progress: what the student has done.
        address: of the page.
        on_ready: called once requests are answered.
        fetched_within, heartbeat: as of `make_app`.
    """

    def __init__(
        self,
        workers: Workers,
        progress: ProgressFile,
        address: Address,
        on_ready: Callable[[], None],
        *,
        fetched_within: float = FETCHED_WITHIN,
        heartbeat: float = HEARTBEAT,
    ) -> None:
        app = make_app(
            workers, progress, address, fetched_within=fetched_within, heartbeat=heartbeat
        )
        config = uvicorn.Config(
            app,
            http="h11",
            loop="asyncio",
            ws="none",
            lifespan="off",
            log_config=None,
            log_level="error",
            access_log=False,
            server_header=False,
            proxy_headers=False,
            timeout_graceful_shutdown=GRACE,
        )
        super().__init__(config)
        self._workers = workers
        self._on_ready = on_ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to answer, and say so."""
        await super().startup(sockets)
        self._on_ready()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End all runs, then what is left of the answers."""
        await to_thread.run_sync(self._workers.close)
        await super().shutdown(sockets)

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """End at a signal, without sending it once more afterwards: to end so is as intended."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = {each: signal.signal(each, self._end) for each in SIGNALS}
        try:
            yield
        finally:
            for each, handler in before.items():
                signal.signal(each, handler)

    def _end(self, _signal: int, _frame: FrameType | None) -> None:
        self.should_exit = True
