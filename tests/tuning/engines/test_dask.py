"""A Dask cluster that is there, of two worker processes."""

import pytest

from skips import require_packages
from tuning.engines.suite import ClosingSuite, performing
from wolfsbane.tuning.engines import make_engine


@pytest.fixture(scope="module")
def client():
    require_packages("distributed.scheduler")  # A folder of tests is named "distributed".
    import dask  # noqa: PLC0415  # where it is installed
    from distributed import Client, LocalCluster  # noqa: PLC0415

    with (
        dask.config.set({"distributed.scheduler.allowed-failures": 2}),
        LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=":0") as cluster,
        Client(cluster) as client,
    ):
        yield client


@pytest.fixture(scope="module")
def engine(client):
    engine = make_engine("dask", None, performing())
    yield engine
    engine.close()
    assert client.status == "running"


class TestDask(ClosingSuite):
    def test_workers_are_those_of_the_cluster(self, engine):
        assert engine.num_workers == 2

    def test_an_address_leads_to_the_cluster_and_closing_leaves_it(self, client):
        engine = make_engine(f"dask:{client.scheduler.address}", 8)
        assert engine.num_workers == 2
        engine.close()
        assert len(client.ncores()) == 2
