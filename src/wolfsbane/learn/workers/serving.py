"""A worker's own side: it reads jobs, does them, and tells blocks."""

import _thread
import importlib
import json
import os
import queue
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

from wolfsbane.errors import WolfsbaneError
from wolfsbane.learn.block_json import to_json
from wolfsbane.learn.blocks import Block, End, Ended
from wolfsbane.learn.workers.messages import READY, TAKEN, Message, line_of

PACKAGE = "wolfsbane.learn."
"""Where tasks are."""

OUT_OF_MEMORY = line_of(to_json(Ended(End.MEMORY, "The run needed more memory than it may have.")))
"""Made beforehand: when it is needed, there is no memory to make it."""


@dataclass(frozen=True)
class Asked:
    """A job, as it comes to the worker.

    Attributes:
        task: "module:function".
        arguments: by name.
        memory: bytes.
        seconds: by the clock.
        output: characters.
    """

    task: str
    arguments: Mapping[str, Any]
    memory: int
    seconds: float
    output: int


class Channel:
    """The pipe on which a worker tells its parent. Threads may share it.

    Args:
        descriptor: the pipe's.
    """

    def __init__(self, descriptor: int) -> None:
        os.set_inheritable(descriptor, False)  # os takes it by position
        self._descriptor = descriptor
        self._writing = threading.Lock()

    def tell(self, message: Message) -> None:
        """Tell a message."""
        self.write(line_of(message))

    def write(self, line: bytes) -> None:
        """Write a whole line."""
        with self._writing:
            while line:
                line = line[os.write(self._descriptor, line) :]


class Jobs:
    """The jobs that come on stdin. When the parent is gone, so is this process.

    Args:
        on_asked: called when one has come, in the thread that waits for it.
    """

    def __init__(self, on_asked: Callable[[], object] = lambda: None) -> None:
        self._on_asked = on_asked
        self._asked: queue.SimpleQueue[Asked] = queue.SimpleQueue()
        self._source = os.dup(0)
        nothing = os.open(os.devnull, os.O_RDONLY)
        os.dup2(nothing, 0)  # What a program reads from stdin is nothing, never a job.
        os.close(nothing)
        # Not a threading.Thread: programs that list theirs see only their own.
        _thread.start_new_thread(self._listen, ())

    def __iter__(self) -> Iterator[Asked]:
        while True:
            yield self._asked.get()

    def _listen(self) -> None:
        leave = os._exit  # A program may put something else in its place.
        try:
            with os.fdopen(self._source, "rb") as lines:
                for line in lines:
                    self._on_asked()
                    self._asked.put(Asked(**json.loads(line)))
        finally:
            leave(0)


def serve(
    prepare: Callable[[], None],
    do: Callable[[Asked, Channel], Ended],
    on_asked: Callable[[], object] = lambda: None,
) -> None:
    """Warm up, then do jobs until the parent is gone.

    Args:
        prepare: imports what jobs need.
        do: does one, and returns how it ended.
        on_asked: called when a job has come, in the thread that waits for jobs.
    """
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    channel, jobs = Channel(int(sys.argv[1])), Jobs(on_asked)
    prepare()
    channel.tell({"kind": READY})
    for asked in jobs:
        channel.tell({"kind": TAKEN})
        try:
            channel.tell(to_json(do(asked, channel)))
        except MemoryError:
            channel.write(OUT_OF_MEMORY)


def perform(asked: Asked, channel: Channel) -> Ended:
    """Run a task, tell its blocks, and return how it ended."""
    try:
        for block in _function(asked.task)(**asked.arguments):
            if isinstance(block, Ended):
                return block
            channel.tell(to_json(block))
    except WolfsbaneError as error:
        return Ended(End.FAILED, str(error))
    except MemoryError:
        raise
    except BaseException as error:  # noqa: BLE001  # whatever it is, the student is told
        return Ended(End.FAILED, _explained(error))
    return Ended(End.FINISHED)


def _function(task: str) -> Callable[..., Iterator[Block]]:
    module, _, name = task.partition(":")
    if not module.startswith(PACKAGE):
        module = PACKAGE + module
    function: Callable[..., Iterator[Block]] = getattr(importlib.import_module(module), name)
    return function


def _explained(error: BaseException) -> str:
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    where = "" if trace is None else f" ({_place(trace)})"
    said = str(error).strip().partition("\n")[0]
    return (
        f"The lesson itself failed here, not you: {type(error).__name__}: {said}{where}. "
        "Please report it."
    )


def _place(trace: TracebackType) -> str:
    file = Path(trace.tb_frame.f_code.co_filename)
    return f"{file.parent.name}/{file.name}:{trace.tb_lineno}"
