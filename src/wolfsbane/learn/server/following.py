"""A run's blocks as they come, waited for without keeping the server from others."""

import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any

from wolfsbane.learn.block_json import to_json
from wolfsbane.learn.blocks import End, Ended
from wolfsbane.learn.workers.pool import Run

BROKEN = "The process that computed this broke off. Run it again"


async def follow(run: Run, silence: float) -> AsyncIterator[dict[str, Any] | None]:
    """Yield each block as JSON has it; the last is `ended`, whatever happens.

    Args:
        run: whose blocks nobody else iterates.
        silence: seconds without a block after which None is yielded.
    """
    arrived: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
    loop = asyncio.get_running_loop()

    def put(block: dict[str, Any]) -> None:
        with suppress(RuntimeError):  # The server has ended, and its loop is closed.
            loop.call_soon_threadsafe(arrived.put_nowait, block)

    threading.Thread(target=_pump, args=(run, put), daemon=True, name="blocks").start()
    is_over = False
    while not is_over:
        try:
            block = await asyncio.wait_for(arrived.get(), silence)
        except TimeoutError:
            yield None
            continue
        is_over = block["kind"] == "ended"
        yield block


def _pump(run: Run, put: Any) -> None:
    try:
        for block in run.blocks():
            put(block)
    finally:
        # Where the run keeps its promise this one is not read any more.
        put(to_json(Ended(End.CRASHED, BROKEN)))
