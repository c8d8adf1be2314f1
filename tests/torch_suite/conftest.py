"""What PyTorch's tests need of pytest: a count at the end, and their inputs made from one seed."""

import pytest
import torch

from torch_suite import summary

SUMMARY = "torch_suite.summary"


def pytest_configure(config):
    # tests/conftest.py may have named the plugin already, for pytest-xdist's controller.
    if not config.pluginmanager.has_plugin(SUMMARY):
        config.pluginmanager.register(summary, SUMMARY)


@pytest.fixture(autouse=True)
def entry_is_reported(request, record_property):
    """Leave the checked entry in the test's report, where the summary counts it."""
    if "case" in request.fixturenames:
        case = request.getfixturevalue("case")
        record_property(summary.ENTRY, (case.database, case.entry))


@pytest.fixture(autouse=True)
def forward_ad_is_left():
    """Fail a test that leaves a dual level of forward-mode AD behind."""
    yield
    assert torch.autograd.forward_ad._current_level == -1
