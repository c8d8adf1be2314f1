"""Where trainings run: this process, processes of this machine, a Ray or a Dask cluster."""

from importlib import import_module

import joblib

from wolfsbane.arguments import check_count
from wolfsbane.errors import ArgumentError, MissingDependencyError
from wolfsbane.tuning.engine import Engine
from wolfsbane.tuning.engines.cluster import Cluster, Site
from wolfsbane.tuning.engines.here import Here
from wolfsbane.tuning.engines.parcel import Perform
from wolfsbane.tuning.engines.processes import Processes
from wolfsbane.tuning.training import perform as perform_training

CLUSTERS = {"ray": "RaySite", "dask": "DaskSite"}
"""Names of engines, and the class in the module `on_NAME` that connects with such a cluster."""

FEWEST_WORKERS = 2
"""Of a cluster: to a single worker joblib sends nothing, it would train in this process."""


def make_engine(
    name: str = "local", jobs: int | None = None, perform: Perform = perform_training
) -> Engine:
    """Return what makes trainings.

    Args:
        name: "local" for processes of this machine; "ray" or "dask" for a cluster, the one this
            process is connected with (or, for Ray, the environment's RAY_ADDRESS), otherwise a new
            one on this machine; "ray:ADDRESS" or "dask:ADDRESS" for that of an address, such as
            "ray:auto" or "dask:tcp://host:8786".
        jobs: trainings at once. Default: the cores this process may use, or all of the cluster.
            With "local", 1 trains in this process.
        perform: makes one training.

    Raises:
        ArgumentError: an unknown name, or a number of jobs that the engine cannot have.
        MissingDependencyError: the engine's library is not installed.
    """
    kind, _, address = name.partition(":")
    if jobs is not None:
        jobs = check_count("jobs", jobs)
    if kind in CLUSTERS:
        return Cluster(_site(kind, jobs, address or None), perform)
    if name != "local":
        raise ArgumentError(
            f"engine {name!r} is not known. Choose local, ray, dask, ray:ADDRESS (ray:auto for the "
            "cluster of this machine) or dask:ADDRESS (dask:tcp://host:8786)"
        )
    num_workers = joblib.cpu_count() if jobs is None else jobs
    return Here(perform) if num_workers == 1 else Processes(num_workers, perform)


def _site(kind: str, jobs: int | None, address: str | None) -> Site:
    if jobs is not None and jobs < FEWEST_WORKERS:
        raise ArgumentError(
            f"engine {kind!r} needs {FEWEST_WORKERS} jobs or more, but got {jobs}. For one "
            "training at a time use the engine 'local' with one job"
        )
    try:
        module = import_module(f"wolfsbane.tuning.engines.on_{kind}")
    except ImportError as error:
        raise MissingDependencyError(
            f"engine {kind!r} needs {kind}: pip install 'wolfsbane[{kind}]'"
        ) from error
    connect = getattr(module, CLUSTERS[kind])
    site: Site = connect(jobs, address, max(FEWEST_WORKERS, joblib.cpu_count()))
    if site.num_workers < FEWEST_WORKERS:
        site.close()
        raise ArgumentError(
            f"the {kind} cluster has {site.num_workers} worker, but {FEWEST_WORKERS} are needed. "
            "Start another, or use the engine 'local'"
        )
    return site
