"""Ray: a cluster that is there, or processes of this machine that Ray starts."""

import logging
import os
from typing import Any

import ray
from joblib import ParallelBackendBase
from ray.exceptions import RayError
from ray.util.joblib.ray_backend import RayBackend

from wolfsbane.tuning.engines.deaths import ATTEMPTS

ANEW = {"max_restarts": -1, "max_task_retries": ATTEMPTS - 1}
"""Of an actor: Ray starts it again when it dies, and makes its training again."""

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
        self._is_ours = not ray.is_initialized()
        if self._is_ours:
            self._is_local = address is None and "RAY_ADDRESS" not in os.environ
            if self._is_local:
                ray.init("local", num_cpus=jobs or cores, include_dashboard=False, **QUIET)
            else:
                ray.init(address, **QUIET)
        cpus = int(ray.cluster_resources()["CPU"])
        self.num_workers = cpus if jobs is None else min(jobs, cpus)

    def backend(self) -> ParallelBackendBase:
        """Return joblib's backend for Ray."""
        return _OneByOne(ray_remote_args=ANEW)

    def stop(self, batch: str) -> None:
        """Do nothing: joblib has killed the actors."""

    def close(self) -> None:
        """Leave the cluster, and end it if it was started here."""
        if self._is_ours and ray.is_initialized():
            ray.shutdown()


class _OneByOne(RayBackend):  # type: ignore[misc]  # untyped
    """Ray's backend, whose outcomes are there one by one as trainings end."""

    supports_return_generator = True

    def terminate(self) -> None:
        """Let go of the actors, which ends them; when told to end they report a failure."""
        self._pool = None

    def abort_everything(self, ensure_ready: bool = True) -> None:
        """Kill the actors, and start no others for trainings that will not come."""
        del ensure_ready
        super().terminate()
