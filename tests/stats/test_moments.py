"""Moments, merged by Chan's formulas, against float64 and exact fractions."""

from fractions import Fraction

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from wolfsbane.stats import moments
from wolfsbane.stats.moments import all_merged, moments_of, no_values


def exact(values):
    """Return mean and sum of squared deviations in rational arithmetic."""
    numbers = [Fraction(value) for value in values]
    mean = sum(numbers) / len(numbers)
    return float(mean), float(sum((number - mean) ** 2 for number in numbers))


@given(
    st.lists(st.lists(st.floats(-1e3, 1e3, width=32), max_size=5), min_size=1, max_size=6).filter(
        any
    )
)
def test_parts_of_any_size_merge_to_the_exact_moments_of_all(parts):
    tensors = [torch.tensor(part, dtype=torch.float32).reshape(-1, 1) for part in parts]
    merged = all_merged(moments_of(tensor) for tensor in tensors)
    mean, squares = exact([value for part in parts for value in part])
    assert merged.count == sum(map(len, parts))
    assert merged.mean.item() == pytest.approx(mean, rel=1e-12, abs=1e-10)
    assert merged.squares.item() == pytest.approx(squares, rel=1e-12, abs=1e-8)


@pytest.mark.parametrize("shape", [(7, 3), (1, 3, 11), (5, 3, 4, 2), (2, 3, 2, 5, 3), (1, 3, 1, 1)])
@pytest.mark.parametrize("most", [1, 8, 2**20])
def test_tensor_cut_into_parts_has_the_moments_of_the_whole(shape, most, monkeypatch):
    monkeypatch.setattr(moments, "MOST_AT_ONCE", most)
    x = torch.randn(shape, dtype=torch.float64) + 5
    found = moments_of(x)
    flat = x.movedim(1, 0).reshape(3, -1)
    assert found.count == flat.size(1)
    torch.testing.assert_close(found.mean, flat.mean(1), rtol=1e-13, atol=0)
    torch.testing.assert_close(
        found.squares, flat.var(1, correction=0) * flat.size(1), rtol=1e-12, atol=1e-12
    )


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32])
@pytest.mark.parametrize("memory_format", [torch.contiguous_format, torch.channels_last])
def test_low_precision_is_widened_before_anything_is_added(dtype, memory_format):
    x = (torch.randn(16, 4, 9, 9) + 100).to(dtype).contiguous(memory_format=memory_format)
    found = moments_of(x)
    truth = x.double()
    assert found.mean.dtype is torch.float64
    torch.testing.assert_close(found.mean, truth.mean((0, 2, 3)), rtol=1e-14, atol=0)
    torch.testing.assert_close(found.unbiased_var, truth.var((0, 2, 3)), rtol=1e-12, atol=0)


def test_large_mean_does_not_swallow_a_small_variance():
    noise = torch.randn(4096, 1, dtype=torch.float64)
    x = noise + 1e6
    parts = [moments_of(part) for part in x.split(7)]
    # Rounding of the inputs alone: 1e6 * 2^-53 beside a deviation of 1.
    torch.testing.assert_close(all_merged(parts).unbiased_var, x.var(0), rtol=1e-9, atol=0)


def test_nothing_changes_nothing():
    some = moments_of(torch.randn(5, 2))
    nothing = no_values(2, torch.device("cpu"))
    assert some.merged(nothing) is some
    assert nothing.merged(some) is some
    assert moments_of(torch.randn(0, 2, 3)).count == 0
