"""The conformance suite of dropout: every executor subclasses it."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.autograd import gradcheck, gradgradcheck

from cases import (
    DTYPES,
    dense_layouts,
    draw,
    dropouts,
    dtypes,
    layouts,
    zeroing_dropouts,
)
from significance import assert_as_accurate_as_torch
from wolfsbane.kernels import reference
from wolfsbane.kernels.dropout import masked_affine
from wolfsbane.kernels.select import use_executor
from wolfsbane.mask import keep_mask, scale, threshold

KEY = 0x0123456789ABCDEF
SATURATE = (0.87, 0.31, -1.2)
"""Coefficients as of alpha dropout: all three matter."""

SIZES = (0, 1, 2, 127, 128, 129, 1023, 1024, 1025, 2 * 1024 + 1, 10_007)


broadcast_masks = pytest.mark.parametrize(
    ("shape", "mask_shape"),
    [
        ((7, 5, 131), (7, 1, 131)),
        ((7, 5, 131), (1, 5, 131)),
        ((7, 5, 131), (1, 1, 131)),
        ((7, 5, 131), (1, 5, 1)),
        ((7, 5, 131), (7, 5, 1)),
        ((7, 5, 131), (1, 1, 1)),
        ((3, 5, 7, 11), (3, 1, 7, 1)),
        ((3, 5, 7, 11), (1, 5, 1, 11)),
        ((3, 5, 7, 11), (3, 1, 1, 11)),
        ((3, 1, 7, 11), (3, 1, 1, 11)),
        ((3, 5, 1, 11), (1, 5, 1, 11)),
        ((3000, 3), (1, 3)),
    ],
    ids=str,
)


def zeroing(p):
    return (0.0 if threshold(p) == 65536 else scale(p), 0.0, 0.0)


def few(shape):
    """Return the shape cut down to what finite differences can go through."""
    return tuple(min(size, 3 if dim < 2 else 2) for dim, size in enumerate(shape))


def half_unit_in_last_place(truth, dtype):
    info = torch.finfo(dtype)
    _, exponent = torch.frexp(truth.abs().clamp_min(info.smallest_normal))
    return info.eps / 2 * torch.ldexp(torch.ones_like(truth), exponent - 1)


class DropoutConformance:
    """Claims about `run(input, p, key, mask_shape, coefficients)`."""

    run = None

    @dtypes
    @layouts
    @pytest.mark.parametrize("p", [0.1, 0.5, 1.0])
    def test_kept_is_scaled_and_dropped_is_zero(self, layout, dtype, p):
        x = draw(layout, dtype)
        y = self.run(x, p, KEY, tuple(x.shape), zeroing(p))
        keep = keep_mask(x.shape, p, KEY)
        truth = torch.where(keep, x.double() * zeroing(p)[0], 0.0)
        as_torch = torch.where(keep, x * x.new_tensor(zeroing(p)[0]), 0.0)
        assert_as_accurate_as_torch(y, as_torch, truth)
        assert (y[~keep] == 0).all()

    @dtypes
    @layouts
    def test_dropped_is_filled_and_kept_is_affine(self, layout, dtype):
        x = draw(layout, dtype)
        y = self.run(x, 0.3, KEY, tuple(x.shape), SATURATE)
        keep = keep_mask(x.shape, 0.3, KEY)
        a, b, fill = SATURATE
        truth = (x.double() * a + b).masked_fill(~keep, fill)
        as_torch = (x * a + b).masked_fill(~keep, fill)
        assert_as_accurate_as_torch(y, as_torch, truth)
        assert (y[~keep] == x.new_tensor(fill)).all()

    @pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
    @pytest.mark.parametrize("coefficients", [zeroing(0.3), SATURATE], ids=["zero", "saturate"])
    def test_half_precision_is_rounded_once(self, dtype, coefficients):
        x = torch.randn(10_007).to(dtype)
        y = self.run(x, 0.3, KEY, (10_007,), coefficients)
        a, b, fill = coefficients
        truth = (x.double() * a + b).masked_fill(~keep_mask(10_007, 0.3, KEY), fill)
        # Before that rounding: float32 coefficients, product and sum, each off by up to 2^-24.
        float32_error = 2**-22 * ((x.double() * a).abs() + abs(b))
        allowed = half_unit_in_last_place(truth, dtype) + float32_error
        assert ((y.double() - truth).abs() <= allowed).all()

    @dropouts
    def test_mask_is_shared_by_what_it_is_broadcast_over(self, case):
        y = self.run(torch.ones(case.shape), 0.4, KEY, case.mask_shape, zeroing(0.4))
        keep = keep_mask(case.mask_shape, 0.4, KEY)
        assert torch.equal(y != 0, keep.expand(case.shape))

    @broadcast_masks
    @pytest.mark.parametrize("start", [0, 1021])
    def test_mask_may_be_shared_over_any_dimensions(self, shape, mask_shape, start):
        x = torch.rand(shape) + 1
        y = self.run(x, 0.4, KEY, mask_shape, zeroing(0.4), start)
        keep = keep_mask(mask_shape, 0.4, KEY, start=start)
        assert torch.equal(y, torch.where(keep, x * scale(0.4), 0.0))

    @broadcast_masks
    def test_mask_shared_over_any_dimensions_has_its_gradient(self, shape, mask_shape):
        x, weight = torch.rand(shape, requires_grad=True), torch.rand(shape)
        y = self.run(x, 0.4, KEY, mask_shape, SATURATE)
        (grad,) = torch.autograd.grad(y, x, weight)
        keep = keep_mask(mask_shape, 0.4, KEY)
        torch.testing.assert_close(grad, torch.where(keep, weight * SATURATE[0], 0.0))

    @dense_layouts
    @pytest.mark.parametrize("dims", [(0,), (1,), (2, 3), (0, 2), (1, 3), (0, 1, 3)])
    def test_shared_mask_is_that_of_any_layout(self, layout, dims):
        x = draw(layout)
        mask_shape = tuple(1 if dim in dims else size for dim, size in enumerate(x.shape))
        y = self.run(x, 0.4, KEY, mask_shape, zeroing(0.4))
        assert y.stride() == x.stride()
        expected = torch.where(keep_mask(mask_shape, 0.4, KEY), x * scale(0.4), 0.0)
        assert torch.equal(y, expected)

    def test_mask_is_the_same_in_every_dtype(self):
        masks = [
            self.run(torch.ones(3001, dtype=dtype), 0.4, KEY, (3001,), zeroing(0.4)) != 0
            for dtype in DTYPES
        ]
        assert all(torch.equal(mask, masks[0]) for mask in masks)

    @dense_layouts
    def test_layout_is_kept_and_does_not_change_a_value(self, layout):
        x = draw(layout)
        y = self.run(x, 0.4, KEY, tuple(x.shape), zeroing(0.4))
        assert y.stride() == x.stride()
        contiguous = self.run(x.contiguous(), 0.4, KEY, tuple(x.shape), zeroing(0.4))
        assert torch.equal(y, contiguous)

    @dense_layouts
    def test_gradient_keeps_the_layout(self, layout):
        x = draw(layout).requires_grad_()
        y = self.run(x, 0.4, KEY, tuple(x.shape), zeroing(0.4))
        (grad,) = torch.autograd.grad(y, x, torch.ones_like(y))
        assert grad.stride() == x.stride()

    @pytest.mark.parametrize("size", SIZES)
    def test_every_element_is_written_at_any_size(self, size):
        x = torch.rand(size) + 1
        y = self.run(x, 0.4, KEY, (size,), zeroing(0.4))
        expected = torch.where(keep_mask(size, 0.4, KEY), x * scale(0.4), 0.0)
        assert torch.equal(y, expected)

    def test_tensor_without_dimensions_is_one_element(self):
        y = self.run(torch.tensor(3.0), 0.5, KEY, (), zeroing(0.5))
        assert y.item() == (6.0 if keep_mask((), 0.5, KEY) else 0.0)

    @dtypes
    @pytest.mark.parametrize("p", [0.5, 1.0])
    @pytest.mark.parametrize("value", [math.inf, -math.inf, math.nan])
    def test_dropped_inf_or_nan_is_gone(self, value, p, dtype):
        x = torch.full((1025,), value, dtype=dtype)
        y = self.run(x, p, KEY, (1025,), zeroing(p))
        keep = keep_mask(1025, p, KEY)
        assert (y[~keep] == 0).all()
        assert not y[keep].isfinite().any()

    @dropouts
    def test_derivatives_hold_to_second_order_and_in_both_modes(self, case):
        coefficients = SATURATE if case.is_alpha else zeroing(0.4)
        x = torch.randn(few(case.shape), dtype=torch.float64, requires_grad=True)

        def function(x):
            return self.run(x, 0.4, KEY, few(case.mask_shape), coefficients)

        gradcheck(function, x, check_forward_ad=True, check_batched_grad=True)
        gradgradcheck(function, x, check_fwd_over_rev=True)

    @zeroing_dropouts
    def test_derivatives_hold_for_complex_numbers(self, case):
        x = torch.randn(few(case.shape), dtype=torch.complex128, requires_grad=True)

        def function(x):
            return self.run(x, 0.4, KEY, few(case.mask_shape), zeroing(0.4))

        gradcheck(function, x, check_forward_ad=True)

    @dtypes
    @pytest.mark.parametrize("p", [0.4, 1.0])
    def test_mask_of_the_backward_pass_is_the_forward_pass_s(self, dtype, p):
        x = torch.ones(3001, dtype=dtype, requires_grad=True)
        y = self.run(x, p, KEY, (3001,), zeroing(p))
        (grad,) = torch.autograd.grad(y, x, torch.ones_like(y))
        assert grad.dtype is dtype
        assert torch.equal(grad, y)

    @given(
        shape=st.lists(st.integers(0, 6), max_size=4),
        p=st.floats(0, 1),
        key=st.integers(0, 2**64 - 1),
    )
    def test_gradient_is_where_the_output_is(self, shape, p, key):
        x = torch.rand(shape).add(1).requires_grad_()
        y = self.run(x, p, key, tuple(shape), zeroing(p))
        (grad,) = torch.autograd.grad(y, x, torch.ones_like(y))
        assert torch.equal(grad != 0, y != 0)
        assert torch.equal(y != 0, keep_mask(shape, p, key))

    def test_gradient_of_an_infinite_gradient_is_zero_where_dropped(self):
        x = torch.ones(1025, requires_grad=True)
        y = self.run(x, 0.5, KEY, (1025,), zeroing(0.5))
        (grad,) = torch.autograd.grad(y, x, torch.full((1025,), math.inf))
        assert (grad[~keep_mask(1025, 0.5, KEY)] == 0).all()

    @pytest.mark.parametrize("dim", [0, 1, -1])
    def test_vmap_shares_one_mask(self, dim):
        x = torch.randn(5, 6, 7)
        rows = x.movedim(dim, 0)
        mask_shape = tuple(rows.shape[1:])
        expected = [self.run(row, 0.4, KEY, mask_shape, SATURATE) for row in rows]

        def function(row):
            return self.run(row, 0.4, KEY, mask_shape, SATURATE)

        y = torch.func.vmap(function, in_dims=dim)(x.clone())
        assert torch.equal(y, torch.stack(expected))

    def test_per_sample_gradients_come_through_vmap(self):
        x = torch.randn(5, 9)

        def loss(row):
            return self.run(row, 0.4, KEY, (9,), SATURATE).square().sum()

        expected = [torch.func.grad(loss)(row) for row in x]
        assert torch.allclose(torch.func.vmap(torch.func.grad(loss))(x), torch.stack(expected))

    def test_nothing_of_the_input_s_size_is_saved_for_backward(self):
        saved = []
        x = torch.randn(1025, requires_grad=True)
        with torch.autograd.graph.saved_tensors_hooks(saved.append, lambda packed: packed):
            self.run(x, 0.4, KEY, (1025,), SATURATE)
        assert saved == []


class TestReference(DropoutConformance):
    run = staticmethod(masked_affine)

    @pytest.fixture(autouse=True)
    def executor(self):
        with use_executor("reference"):
            yield


class TestCpu(DropoutConformance):
    """The compiled kernels, where they run: transformations and float16 go to the reference."""

    run = staticmethod(masked_affine)

    @dropouts
    @layouts
    @pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
    def test_result_is_the_reference_s(self, case, layout, dtype):
        x = draw(layout, dtype)
        masked_dims = sum(size > 1 for size in case.mask_shape)
        mask_shape = x.shape[:masked_dims] + (1,) * (x.dim() - masked_dims)
        coefficients = SATURATE if case.is_alpha else zeroing(0.3)
        with use_executor("cpu"):
            y = self.run(x, 0.3, KEY, tuple(mask_shape), coefficients)
        expected = reference.masked_affine(x, 0.3, KEY, tuple(mask_shape), coefficients)
        # A product and a sum may be one operation here, and are two there.
        assert torch.allclose(y, expected, rtol=torch.finfo(dtype).eps, atol=1e-7)
        assert torch.equal(y == coefficients[2], expected == coefficients[2])
        assert y.stride() == expected.stride()

    @pytest.mark.parametrize("num_threads", [1, 2, 3, 8])
    def test_result_has_the_same_bits_for_any_number_of_threads(self, num_threads):
        x = torch.randn(7, 41, 1021)
        expected = torch.where(keep_mask(x.shape, 0.3, KEY), x * scale(0.3), 0.0)
        before = torch.get_num_threads()
        torch.set_num_threads(num_threads)
        try:
            assert torch.equal(self.run(x, 0.3, KEY, (7, 41, 1021), zeroing(0.3)), expected)
        finally:
            torch.set_num_threads(before)
