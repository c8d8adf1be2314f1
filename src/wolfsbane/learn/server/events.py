"""A run's blocks as server-sent events."""

import json
from collections.abc import AsyncIterator, Callable
from typing import Any

import anyio
from anyio import to_thread
from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from wolfsbane.errors import WolfsbaneError
from wolfsbane.learn.block_json import to_json
from wolfsbane.learn.blocks import Text
from wolfsbane.learn.practice.progress import ProgressFile
from wolfsbane.learn.server.following import follow
from wolfsbane.learn.server.runs import Going
from wolfsbane.learn.server.wording import told

HEARTBEAT = 15.0
"""Seconds of silence after which a comment is sent, for whoever gives up on silent connections."""


class Events(StreamingResponse):
    """Streams a run to a page; when the page goes, so does the run.

    Args:
        going: the run.
        progress: where an attempt at an exercise is noted, before the page is told.
        on_end: called when the run is over.
        heartbeat: seconds of silence between two signs of life.
    """

    def __init__(
        self,
        going: Going,
        progress: ProgressFile,
        on_end: Callable[[], None],
        heartbeat: float = HEARTBEAT,
    ) -> None:
        super().__init__(self._messages(), media_type="text/event-stream")
        self._run = going.run
        self._asked = going.asked
        self._progress = progress
        self._on_end = on_end
        self._heartbeat = heartbeat
        self._is_noted = not going.asked.item

    async def __call__(self, _scope: Scope, receive: Receive, send: Send) -> None:
        """Send events until the run has ended or nobody listens."""
        try:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(_until_gone, receive, tasks.cancel_scope)
                await self.stream_response(send)
                tasks.cancel_scope.cancel()
        finally:
            with anyio.CancelScope(shield=True):
                await to_thread.run_sync(self._run.cancel)
                await self._note_unfinished()
            self._on_end()

    async def _messages(self) -> AsyncIterator[str]:
        async for block in follow(self._run, self._heartbeat):
            if block is None:
                yield ": still here\n\n"
                continue
            problem = await self._note(block)
            if problem:
                yield _message(to_json(Text(f"Your progress could not be saved: `{problem}`")))
            yield _message(block)

    async def _note(self, block: dict[str, Any]) -> str:
        """Note an attempt once it is graded, or has ended without; return what went wrong."""
        if block["kind"] == "graded":
            return await self._attempted(block["passed"] is True)
        return await self._note_unfinished() if block["kind"] == "ended" else ""

    async def _note_unfinished(self) -> str:
        """Keep the program of an attempt that came to no grade."""
        return "" if self._asked.program is None else await self._attempted(passed=False)

    async def _attempted(self, passed: bool) -> str:
        if self._is_noted:
            return ""
        self._is_noted = True
        asked = self._asked
        try:
            await to_thread.run_sync(self._progress.note, asked.item, passed, asked.program)
        except (OSError, WolfsbaneError) as error:
            return told(error)
        return ""


async def _until_gone(receive: Receive, scope: anyio.CancelScope) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    scope.cancel()


def _message(block: dict[str, Any]) -> str:
    return f"data: {json.dumps(block, separators=(',', ':'))}\n\n"
