"""What a test compiles does not reach the next."""

import pytest
import torch


@pytest.fixture(autouse=True)
def compiler_is_reset():
    torch.compiler.reset()
    yield
    torch.compiler.reset()
