"""What holds in every test: fixed seeds, and memory that is allocated full of NaN."""

import os

import pytest
import torch
from hypothesis import HealthCheck, settings

# Counts PyTorch's suites at the end. Named here, so that pytest-xdist's controller loads it too.
pytest_plugins = ["torch_suite.summary"]

# The draws of hypothesis are the same in every run: a test is red or green, never flaky.
settings.register_profile(
    "wolfsbane",
    derandomize=True,
    deadline=None,
    max_examples=50,
    # The executors' test classes inherit the tests of one suite, as they are meant to.
    suppress_health_check=[HealthCheck.differing_executors],
)
settings.load_profile("wolfsbane")

# Workers of pytest-xdist share the cores; more threads than cores make each other wait.
_WORKERS = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
torch.set_num_threads(max(1, torch.get_num_threads() // _WORKERS))


def pytest_configure(config):
    """Let torch use its own deprecated function where it first needs forward-mode derivatives."""
    config.addinivalue_line(
        "filterwarnings", "ignore:`torch.jit.script` is deprecated:DeprecationWarning"
    )


@pytest.fixture(autouse=True)
def memory_full_of_nan():
    """Fill what torch.empty returns, so that an output element never written shows."""
    filled = torch.utils.deterministic.fill_uninitialized_memory
    deterministic = torch.are_deterministic_algorithms_enabled()
    torch.use_deterministic_algorithms(True)
    torch.utils.deterministic.fill_uninitialized_memory = True
    yield
    torch.utils.deterministic.fill_uninitialized_memory = filled
    torch.use_deterministic_algorithms(deterministic)


@pytest.fixture(autouse=True)
def seeded_rng():
    """Give each test the same random numbers, and leave none of its own behind."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(20260731)
        yield
