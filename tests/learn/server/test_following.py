"""A run is followed to its end, or to the server's."""

import asyncio
import threading
from contextlib import closing

from learn.server.lessons import PATIENCE
from wolfsbane.learn.server.following import follow


class Slow:
    """A run whose second block comes when it is let go on."""

    def __init__(self):
        self.goes_on = threading.Event()

    def blocks(self):
        yield {"kind": "text", "text": "first", "key": ""}
        self.goes_on.wait(PATIENCE)
        yield {"kind": "ended", "end": "finished", "text": "", "key": ""}


def test_a_run_that_ends_after_the_server_is_no_mistake():
    run = Slow()
    with closing(asyncio.new_event_loop()) as loop:
        first = loop.run_until_complete(anext(follow(run, PATIENCE)))
        loop.run_until_complete(loop.shutdown_asyncgens())
    assert first["text"] == "first"
    (thread,) = (each for each in threading.enumerate() if each.name == "blocks")
    run.goes_on.set()
    thread.join(PATIENCE)
    assert not thread.is_alive()
