"""The fixtures that every test relies on."""

import warnings

import pytest
import torch


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_memory_is_allocated_full_of_nan(dtype):
    assert torch.empty(1000, dtype=dtype).isnan().all()
    assert torch.empty_like(torch.ones(10, dtype=dtype)).isnan().all()


def test_warning_is_an_error():
    with pytest.raises(UserWarning, match="a warning"):
        warnings.warn("a warning", UserWarning, stacklevel=1)


@pytest.mark.parametrize("_", range(2))
def test_random_numbers_are_the_same_in_every_test(_):
    assert torch.initial_seed() == 20260731
    before = torch.get_rng_state()
    torch.manual_seed(20260731)
    assert torch.equal(torch.get_rng_state(), before)
