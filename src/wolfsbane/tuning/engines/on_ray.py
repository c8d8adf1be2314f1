"""Ray: a cluster that is there, or processes of this machine that Ray starts."""

import logging
import os
from collections.abc import Callable
from typing import Any

import ray
from joblib import ParallelBackendBase
from ray.exceptions import RayError
from ray.util.joblib.ray_backend import RayBackend
from ray.util.multiprocessing.pool import AsyncResult

from wolfsbane.tuning.engines.deaths import ATTEMPTS
from wolfsbane.tuning.engines.quiet import kept_back

ANEW = {"max_restarts": -1, "max_task_retries": ATTEMPTS - 1}
"""Of an actor: Ray starts it again when it dies, and makes its training again."""

PATIENCE = 5.0
"""Seconds to wait until Ray has noticed that an actor is dead."""

QUIET: dict[str, Any] = {"log_to_driver": False, "logging_level": logging.ERROR}


class RaySite:
    """A Ray cluster: the one this process is connected with, that of an address, or a new one.

    Args:
        jobs: workers; None for the cluster's CPUs.
        address: of a cluster, "auto" for one on this machine; None for the one that this process
            or the environment's RAY_ADDRESS names, and for a new one where there is none.
        cores: workers of a new cluster where `jobs` does not say.
    """

    death = RayError

    def __init__(self, jobs: int | None, address: str | None, cores: int) -> None:
        self._address = address
        self._size = jobs or cores
        self._is_connection_ours = self._is_cluster_ours = False
        self._backend: _OneByOne | None = None
        self._connect()
        cpus = int(ray.cluster_resources()["CPU"])
        self.num_workers = cpus if jobs is None else min(jobs, cpus)

    def _connect(self) -> None:
        """Connect or start a cluster, unless this process is connected."""
        if ray.is_initialized():
            return
        self._is_connection_ours = True
        self._is_cluster_ours = self._address is None and "RAY_ADDRESS" not in os.environ
        if self._is_cluster_ours:
            ray.init("local", num_cpus=self._size, include_dashboard=False, **QUIET)
        else:
            ray.init(self._address, **QUIET)

    def backend(self) -> ParallelBackendBase:
        """Return joblib's backend for Ray."""
        self._connect()
        self._backend = _OneByOne(ray_remote_args=ANEW)
        return self._backend

    def stop(self, batch: str) -> None:
        """End all trainings, without the lines that Ray prints of each."""
        del batch
        with kept_back():
            if self._backend is not None:
                self._backend.kill()
            if self._is_cluster_ours:
                ray.shutdown()

    def close(self) -> None:
        """Leave the cluster, and end it if it was started here."""
        if self._is_connection_ours:
            ray.shutdown()


class _OneByOne(RayBackend):  # type: ignore[misc, unused-ignore]  # typed if installed
    """Ray's backend, whose outcomes are there one by one as trainings end."""

    _waiting: tuple[AsyncResult, ...] = ()

    supports_return_generator = True

    def submit(
        self, func: Callable[[], Any], callback: Callable[[Any], None] | None = None
    ) -> AsyncResult:
        """Send a training, and remember what waits for it."""
        result: AsyncResult = super().submit(func, callback)
        self._waiting = (*(one for one in self._waiting if not one.ready()), result)
        return result

    def terminate(self) -> None:
        """Let go of the actors, which ends them; told to end, each logs a failure."""
        self._pool = None

    def abort_everything(self, ensure_ready: bool = True) -> None:
        """Leave the actors to `stop`; joblib would start others."""

    def kill(self) -> None:
        """Kill the actors, and wait until nothing waits for them any more.

        What still waits when Ray is shut down next would start it again.
        """
        super().terminate()
        for result in self._waiting:
            result.wait(PATIENCE)
