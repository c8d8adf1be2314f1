"""A Ray cluster that is there, of two workers."""

import pytest

from skips import require_packages
from tuning.engines.suite import EngineSuite, performing
from wolfsbane.tuning.engines import make_engine


@pytest.fixture(scope="module")
def cluster():
    require_packages("ray")
    import ray  # noqa: PLC0415  # where it is installed

    ray.init("local", num_cpus=2, include_dashboard=False, log_to_driver=False)
    yield ray
    ray.shutdown()


@pytest.fixture(scope="module")
def engine(cluster):
    engine = make_engine("ray", None, performing())
    yield engine
    engine.close()
    assert cluster.is_initialized()


class TestRay(EngineSuite):
    def test_workers_are_those_of_the_cluster(self, engine):
        assert engine.num_workers == 2
