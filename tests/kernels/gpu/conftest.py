"""Where the checks of the GPU's kernels run: on a GPU, else in Triton's interpreter."""

from pathlib import Path

import pytest
import torch

from wolfsbane.kernels.conditions import is_interpreted

IS_INTERPRETED = is_interpreted()

# They need one or the other; `test_interpreter` runs them in a process of its own.
collect_ignore_glob = [] if IS_INTERPRETED or torch.cuda.is_available() else ["check_*.py"]


@pytest.fixture
def device():
    """Return the device of the tensors that kernels get."""
    return torch.device("cpu" if IS_INTERPRETED else "cuda")


@pytest.fixture(params=[1 << 20, 0], ids=["philox", "bits"])
def mask_source(request, monkeypatch):
    """Have the mask of an element computed where it is needed, or read from its bits."""
    from wolfsbane.kernels.gpu import mask_bits  # noqa: PLC0415 (Triton may be missing)

    monkeypatch.setattr(mask_bits, "SMALL", request.param)


@pytest.fixture(params=[1 << 20, 0], ids=["alone", "merged"])
def num_merged(request, monkeypatch):
    """Have a channel added up by one program, or by as many as it has blocks."""
    from wolfsbane.kernels.gpu import rows  # noqa: PLC0415 (Triton may be missing)

    monkeypatch.setattr(rows, "ALONE", request.param)


def pytest_collection_modifyitems(items):
    """Let NumPy, which interprets kernels, meet the infinities and nans that are meant to arise."""
    for item in items:
        if item.path.parent == Path(__file__).parent:
            item.add_marker(pytest.mark.filterwarnings("ignore::RuntimeWarning"))
