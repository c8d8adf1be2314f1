"""Moments of parts are those of the whole."""

import torch
from hypothesis import given
from hypothesis import strategies as st

from wolfsbane.uncertainty.moments import Moments


@given(st.lists(st.integers(1, 5), min_size=1, max_size=6), st.sampled_from([0.0, 1e6]))
def test_moments_of_parts_are_those_of_all_samples_in_float64(sizes, offset):
    samples = torch.randn(sum(sizes), 3, generator=torch.Generator().manual_seed(len(sizes)))
    samples = samples + offset
    moments = Moments()
    for part in samples.split(sizes):
        moments.add(part)
    truth = samples.double()
    assert moments.count == sum(sizes)
    torch.testing.assert_close(moments.mean, truth.mean(0), rtol=1e-14, atol=1e-14)
    if moments.count > 1:
        # At 1e6 a mean has an error of 1e-10, which enters the variance in second order.
        torch.testing.assert_close(moments.variance, truth.var(0), rtol=1e-9, atol=1e-12)


def test_variance_of_one_sample_is_nan():
    moments = Moments()
    moments.add(torch.ones(1, 2))
    assert moments.variance.isnan().all()
