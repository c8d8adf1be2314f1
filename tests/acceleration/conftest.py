"""No test leaves anything routed; and two ways to see what is."""

import sys

import pytest
import torch

from wolfsbane.acceleration import batch_norm, dropout, switch, worth
from wolfsbane.kernels.conditions import DTYPES


@pytest.fixture(autouse=True)
def nothing_is_left_on():
    yield
    left = switch._PROCESS._overrides
    if left is not None:
        left.remove()
        switch._PROCESS.__init__()
    assert left is None


@pytest.fixture
def any_size_pays(monkeypatch):
    """Route tensors of every size, so that a test can be small."""
    pairs = [(operation, dtype) for operation, _ in worth.LEAST_ELEMENTS for dtype in DTYPES["cpu"]]
    monkeypatch.setattr(worth, "LEAST_ELEMENTS", dict.fromkeys(pairs, 1))
    monkeypatch.setattr(worth, "LEAST_PLANE", {})


@pytest.fixture
def routed(monkeypatch):
    """Return a list that grows by the operation and the input's shape at each routed call."""
    calls = []

    def spy(name, run):
        def spying(x, *args):
            calls.append((name, tuple(x.shape)))
            return run(x, *args)

        return spying

    for kind, run in dropout.KINDS.items():
        monkeypatch.setitem(dropout.KINDS, kind, spy(kind, run))
    backward = batch_norm.backward

    def spying_backward(grad, x, *args):
        calls.append(("backward", tuple(x.shape)))
        return backward(grad, x, *args)

    monkeypatch.setattr(batch_norm, "forward", spy("batch_norm", batch_norm.forward))
    monkeypatch.setattr(batch_norm, "backward", spying_backward)
    # Overrides hold the functions above: have them made anew, now and after the test.
    dropout.dropout_overrides.cache_clear()
    yield calls
    dropout.dropout_overrides.cache_clear()


@pytest.fixture
def operators():
    """Return the operators that are overridden."""
    overrides = [*dropout.dropout_overrides(), *batch_norm.batch_norm_overrides()]
    return {override.operator for override in overrides}


@pytest.fixture(autouse=True)
def dynamo_starts_afresh():
    yield
    if "torch._dynamo" in sys.modules:
        torch._dynamo.reset()
