"""Dask: a cluster that is there, or processes of this machine that Dask starts."""

import logging
import os
import signal
from collections.abc import Callable
from concurrent.futures import Future
from multiprocessing import resource_tracker
from typing import Any

import dask
from distributed import Client, KilledWorker, LocalCluster, default_client
from joblib import ParallelBackendBase
from joblib._dask import DaskDistributedBackend

from wolfsbane.tuning.engines.deaths import ATTEMPTS
from wolfsbane.tuning.engines.interrupts import held
from wolfsbane.tuning.engines.worker import stop

FAILURES = {"distributed.scheduler.allowed-failures": ATTEMPTS - 1}
"""Of a scheduler started here: how often it makes a training again whose worker died."""

LARGE = {"distributed.admin.large-graph-warning-threshold": "1 TB"}
"""The data goes with each training: what is scattered beforehand is lost with its worker."""


class DaskSite:
    """A Dask cluster: that of an address, the one this process has a client of, or a new one.

    Args:
        jobs: workers; None for all of the cluster.
        address: of a scheduler, such as "tcp://host:8786".
        cores: workers of a new cluster where `jobs` does not say.
    """

    death = KilledWorker

    def __init__(self, jobs: int | None, address: str | None, cores: int) -> None:
        self._address = address
        self._size = jobs or cores
        self._cluster: LocalCluster | None = None
        self._client: Client | None = None
        num_workers = len(self._connected().ncores())
        self.num_workers = num_workers if jobs is None else min(jobs, num_workers)

    def _connected(self) -> Client:
        """Return the client, and connect or start workers where there is none (any more)."""
        if self._client is None:
            self._client = found = self._connect()
            found.wait_for_workers(1)
        return self._client

    def _connect(self) -> Client:
        self._is_client_ours = True
        if self._address is not None:
            return Client(self._address, set_as_default=False)
        found = _client_of_this_process()
        if found is not None:
            self._is_client_ours = False
            return found
        self._cluster = _start(self._size)
        return Client(self._cluster, set_as_default=False)

    def backend(self) -> ParallelBackendBase:
        """Return joblib's backend for Dask."""
        return _Told(client=self._connected())

    def stop(self, batch: str) -> None:
        """End what Dask lets run though nobody waits for it."""
        if self._cluster is not None:
            self.close()
        elif self._client is not None:
            self._client.run(_stop, batch, wait=False)

    def close(self) -> None:
        """Leave the cluster, and end it if it was started here."""
        cluster, client = self._cluster, self._client
        self._cluster = self._client = None
        if cluster is not None:
            _kill_workers(cluster)
        if client is not None and self._is_client_ours:
            client.close()
        if cluster is not None:
            cluster.close()


class _Told(DaskDistributedBackend):  # type: ignore[misc]  # untyped
    """Dask's backend, which also tells joblib of a task that the scheduler has given up.

    joblib's own would wait for it for ever. And while a worker that died is not there again, it
    would find a single one, and train in this process.
    """

    def effective_n_jobs(self, n_jobs: int) -> int:
        """Return as many as were asked for, whatever is there at the moment."""
        return n_jobs

    def start_call(self) -> None:
        """Begin a batch."""
        self._settings = dask.config.set(LARGE)
        super().start_call()

    def stop_call(self) -> None:
        """End a batch."""
        super().stop_call()
        self._settings.__exit__(None, None, None)

    def submit(
        self, func: Callable[[], Any], callback: Callable[[Any], None] | None = None
    ) -> Future[Any]:
        """Send a task, and call back when it is done or lost."""
        future: Future[Any] = super().submit(func, callback)

        def tell(ended: Future[Any]) -> None:
            if callback is not None and ended.exception() is not None:
                callback(ended)

        future.add_done_callback(tell)
        return future

    def retrieve_result_callback(self, out: Any) -> Any:
        """Return what a task gave, or raise what became of it."""
        return out.result() if isinstance(out, Future) else super().retrieve_result_callback(out)

    def abort_everything(self, ensure_ready: bool = True) -> None:
        """Cancel what has not begun."""
        sent = list(self.waiting_futures.futures)
        super().abort_everything(ensure_ready)
        self.client.cancel(sent, force=True)


async def _stop(batch: str) -> None:
    """Stop trainings, as a coroutine: Dask waits for plain functions."""
    stop(batch)


def _client_of_this_process() -> Client | None:
    try:
        found: Client = default_client()
    except ValueError:
        return None
    return found


def _start(num_workers: int) -> LocalCluster:
    """Start workers, of one thread each, that see no Ctrl-C and share the machine's memory.

    Python's resource tracker starts with the first of them and would let Ctrl-C through after.
    """
    resource_tracker.ensure_running()
    with held(), dask.config.set(FAILURES):
        return LocalCluster(
            n_workers=num_workers,
            threads_per_worker=1,
            memory_limit=0,
            dashboard_address=":0",
            silence_logs=logging.CRITICAL,
        )


def _kill_workers(cluster: LocalCluster) -> None:
    """End workers at once; asked to close they are given seconds for what they train."""
    for nanny in cluster.workers.values():
        nanny.close_gracefully()  # so that it starts no other
        if nanny.pid is not None:
            os.kill(nanny.pid, signal.SIGKILL)
