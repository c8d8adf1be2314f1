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
    parameters = request.node.callspec.params if hasattr(request.node, "callspec") else {}
    if "case" in parameters:
        case = parameters["case"]
        record_property(summary.ENTRY, (case.database, case.entry))
    elif "entry" in parameters:
        record_property(summary.ENTRY, ("op_db", parameters["entry"].full_name))


@pytest.fixture(autouse=True)
def one_thread():
    """The databases' tensors are small: threads only wait for one another."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(autouse=True)
def forward_ad_is_left():
    """Fail a test that leaves a dual level of forward-mode AD behind."""
    yield
    assert torch.autograd.forward_ad._current_level == -1
