"""A lesson that is really served, with threads in place of processes."""

import threading
from contextlib import closing, contextmanager

import httpx

from wolfsbane.learn.practice.progress import ProgressFile
from wolfsbane.learn.server.address import Address
from wolfsbane.learn.server.ports import listen
from wolfsbane.learn.server.serving import LessonServer
from wolfsbane.learn.workers.pool import BusyError

PATIENCE = 30
"""Seconds after which a test gives up."""


class ThreadRun:
    """A script, run by whoever asks for its blocks."""

    def __init__(self, job, script):
        self.job = job
        self.cancelled = threading.Event()
        self._script = script

    def blocks(self):
        yield from self._script(self)
        end = "cancelled" if self.cancelled.is_set() else "finished"
        yield {"kind": "ended", "end": end, "text": "", "key": ""}

    def cancel(self):
        self.cancelled.set()


class ThreadWorkers:
    """Runs one script for every job; `runs` has them all."""

    def __init__(self, script=lambda run: (), most=3):
        self.script = script
        self.runs = []
        self.is_closed = False
        self._most = most

    def start(self, job):
        if len(self.runs) == self._most:
            raise BusyError(f"{self._most} runs are going. Cancel one first")
        self.runs.append(ThreadRun(job, self.script))
        return self.runs[-1]

    def close(self):
        self.is_closed = True
        for run in self.runs:
            run.cancel()


class Served:
    """A lesson's server in a thread, and what a page of it can ask."""

    def __init__(self, server, address, workers, progress):
        self.server = server
        self.address = address
        self.workers = workers
        self.progress = progress
        self.own = {"origin": address.url[: address.url.index("/", 7)]}

    def get(self, path="", **options):
        return httpx.get(self.address.url + path, trust_env=False, timeout=PATIENCE, **options)

    def post(self, path, json=None, **options):
        headers = {**self.own, **options.pop("headers", {})}
        url = self.address.url + path
        return httpx.post(
            url, json=json, headers=headers, trust_env=False, timeout=PATIENCE, **options
        )

    def run(self, **request):
        """Start a run; return its path."""
        answer = self.post("runs", request)
        assert answer.status_code == 202, answer.text
        return f"runs/{answer.json()['run']}"

    @contextmanager
    def listening(self, run):
        """Yield the lines of a run's events."""
        url = f"{self.address.url}{run}/events"
        with httpx.stream("GET", url, trust_env=False, timeout=PATIENCE) as answer:
            assert answer.headers["content-type"].startswith("text/event-stream")
            yield answer.iter_lines()

    def events(self, run):
        """Return the data of all of a run's events, as text."""
        with self.listening(run) as lines:
            return [line.removeprefix("data: ") for line in lines if line.startswith("data: ")]


@contextmanager
def served(folder, script=lambda run: (), most=3, **settings):
    """Serve a lesson for as long as the context lasts."""
    workers = ThreadWorkers(script, most)
    progress = ProgressFile(folder / "progress.json")
    ready = threading.Event()
    with closing(listen(0)) as listening:
        address = Address(listening.getsockname()[1])
        server = LessonServer(workers, progress, address, ready.set, **settings)
        thread = threading.Thread(target=server.run, args=([listening],))
        thread.start()
        try:
            assert ready.wait(PATIENCE)
            yield Served(server, address, workers, progress)
        finally:
            server.should_exit = True
            thread.join(PATIENCE)
    assert not thread.is_alive()
