"""Sparsemax against a projection onto the simplex, its paper's Jacobian, masks and ties."""

import itertools
import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from wolfsbane import functional as F
from wolfsbane import nn
from wolfsbane.errors import ArgumentTypeError

INF = math.inf


def project(z):
    """Return the nearest point of the simplex: the best over every possible support."""
    best, nearest = INF, None
    for size in range(1, len(z) + 1):
        for support in map(list, itertools.combinations(range(len(z)), size)):
            p = np.zeros(len(z))
            p[support] = z[support] - (z[support].sum() - 1) / size
            distance = ((p - z) ** 2).sum()
            if (p >= 0).all() and distance < best:
                best, nearest = distance, p
    return nearest


rows = arrays(
    np.float64,
    st.integers(1, 6),
    elements=st.one_of(st.floats(-3, 3), st.sampled_from([-1.0, 0.0, 0.5, 1.0])),
)


@given(rows)
def test_result_is_the_nearest_point_of_the_simplex(z):
    np.testing.assert_allclose(F.sparsemax(torch.from_numpy(z)).numpy(), project(z), atol=1e-14)


@given(rows, st.floats(-1e3, 1e3))
def test_adding_a_constant_changes_nothing(z, shift):
    y = F.sparsemax(torch.from_numpy(z + shift))
    np.testing.assert_allclose(y.numpy(), project(z), atol=1e-12)


@pytest.mark.parametrize("t", [-3.0, -1.0, -0.4, 0.0, 0.9, 1.0, 2.0])
def test_two_classes_give_the_paper_s_hard_sigmoid(t):
    """The paper's two-dimensional case: 0 below -1, 1 above 1, (t + 1) / 2 between."""
    expected = min(max((t + 1) / 2, 0.0), 1.0)
    y = F.sparsemax(torch.tensor([t, 0.0], dtype=torch.float64))
    torch.testing.assert_close(y, torch.tensor([expected, 1 - expected], dtype=torch.float64))


def test_jacobian_is_the_paper_s():
    """diag(s) - s s' / |S|, s being 1 on the support S and 0 elsewhere."""
    z = torch.tensor([0.3, 1.1, -2.0, 0.9, 0.6], dtype=torch.float64)
    s = F.sparsemax(z).gt(0).double()
    assert s.tolist() == [0, 1, 0, 1, 1]
    expected = torch.diag(s) - torch.outer(s, s) / s.sum()
    torch.testing.assert_close(torch.autograd.functional.jacobian(F.sparsemax, z), expected)


def test_ties_get_the_same_probability_and_gradient():
    z = torch.tensor([[2.0, 2.0, 2.0, 0.0], [5.0, 5.0, 5.0, 5.0]], requires_grad=True)
    y = F.sparsemax(z)
    torch.testing.assert_close(y, torch.tensor([[1 / 3] * 3 + [0.0], [0.25] * 4]))
    (y * torch.tensor([[3.0, 0.0, 0.0, 9.0], [4.0, 0.0, 0.0, 0.0]])).sum().backward()
    torch.testing.assert_close(
        z.grad, torch.tensor([[2.0, -1.0, -1.0, 0.0], [3.0, -1.0, -1.0, -1.0]])
    )


def test_masked_positions_get_nothing_and_the_rest_as_if_alone():
    z = torch.tensor([[0.2, -INF, 0.5, -INF], [-INF, -INF, -INF, 3.0]], requires_grad=True)
    y = F.sparsemax(z)
    torch.testing.assert_close(y[0, ::2], F.sparsemax(z[0, ::2]))
    assert y[:, 1].tolist() == [0.0, 0.0]
    assert y[1].tolist() == [0.0, 0.0, 0.0, 1.0]
    (y * torch.tensor([1.0, 5.0, 3.0, 7.0])).sum().backward()
    assert z.grad.tolist() == [[-1.0, 0.0, 1.0, 0.0], [0.0, 0.0, 0.0, 0.0]]


def test_row_without_any_position_is_nan_as_softmax_s_is():
    z = torch.tensor([[-INF, -INF], [1.0, 1.0]])
    assert F.sparsemax(z).isnan().tolist() == torch.softmax(z, -1).isnan().tolist()


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32], ids=str)
@pytest.mark.parametrize("scale", [1e-3, 0.1, 10.0])
def test_rows_sum_to_one(dtype, scale):
    """Rounding each probability p changes it by p eps / 2 at most, so their sum by eps / 2.

    Below the smallest normal number it is by half the spacing there. In float32 the rounding of
    tau is added, once for each element: 2 eps for each.
    """
    z = (scale * torch.randn(20, 1000)).to(dtype)
    sums = F.sparsemax(z).double().sum(-1)
    spacing = torch.finfo(dtype).smallest_normal * torch.finfo(dtype).eps
    own = torch.finfo(dtype).eps / 2 + 1000 * spacing
    allowed = own + 2 * 1000 * torch.finfo(torch.float32).eps
    assert (sums - 1).abs().max() <= allowed


def test_many_elements_with_a_long_tail_lose_no_accuracy():
    z = torch.cat([torch.linspace(0, 1, 50), torch.full((100_000,), -1e6)])
    expected = F.sparsemax(z[:50].double())
    torch.testing.assert_close(F.sparsemax(z)[:50].double(), expected, rtol=0, atol=1e-6)


def test_any_dimension_sums_to_one():
    z = torch.randn(3, 4, 5, dtype=torch.float64)
    for dim in (0, 1, -2):
        y = nn.Sparsemax(dim)(z)
        torch.testing.assert_close(y.sum(dim), torch.ones_like(y.sum(dim)))
        torch.testing.assert_close(y, F.sparsemax(z.movedim(dim, -1)).movedim(-1, dim))


def test_single_number_and_empty_row_are_taken_as_softmax_takes_them():
    for z in (torch.tensor(3.0), torch.empty(3, 0)):
        assert torch.equal(F.sparsemax(z), torch.softmax(z, -1))


def test_dimension_that_is_no_integer_is_refused():
    with pytest.raises(ArgumentTypeError, match="dim has to be an integer, but got None"):
        nn.Sparsemax(None)
