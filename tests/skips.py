"""The one place where a test is skipped. A skip names what is missing."""

import pytest
import torch


def require(available, missing):
    """Skip the calling test unless `available`, saying what is missing."""
    if not available:
        pytest.skip(f"missing: {missing}")


def require_gloo():
    """Skip unless this torch can run processes that talk over gloo."""
    distributed = torch.distributed.is_available() and torch.distributed.is_gloo_available()
    require(distributed, "torch.distributed with gloo")
