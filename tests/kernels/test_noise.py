"""The conformance suite of normal noise: every executor subclasses it."""

import math

import pytest
import torch
from torch.autograd import gradcheck, gradgradcheck

from cases import dense_layouts, draw, dtypes, layouts
from wolfsbane.errors import ArgumentError
from wolfsbane.kernels import conditions, reference
from wolfsbane.kernels.noise import gaussian
from wolfsbane.kernels.select import choose, executor_for, use_executor
from wolfsbane.mask.normal import normal

KEY = 0xFEDCBA9876543210
SIZES = (0, 1, 2, 127, 128, 129, 511, 512, 513, 2 * 512 + 1, 32 * 512 + 3)
STARTS = (1, 127, 128, 500, 512, 123_457, 2**34 - 5, 2**41 + 77)

kinds = pytest.mark.parametrize("is_factor", [True, False], ids=["factor", "added"])


def noise(shape, start=0):
    return normal(tuple(shape), KEY, torch.device("cpu"), start)


def formula(x, std, is_factor, start=0):
    """Return Keras' formula in float64."""
    z = noise(x.shape, start)
    return x.double() * (1.0 + std * z) if is_factor else x.double() + std * z


def assert_rounded_once(y, truth, x, std):
    """Assert that arithmetic in float32 or wider and one rounding lie between.

    The noise may be 8 units of the arithmetic off; it is at most 6.4. Each of three operations
    rounds numbers of at most this size.
    """
    wide = torch.finfo(torch.float64 if y.dtype is torch.float64 else torch.float32)
    size = (1.0 + 6.4 * std) * (1.0 + x.double().abs())
    allowed = torch.finfo(y.dtype).eps / 2 * truth.abs() + 10 * wide.eps * size
    if y.dtype is torch.float16:
        allowed = allowed + torch.finfo(torch.float16).smallest_normal * 2**-10
    assert ((y.double() - truth).abs() <= allowed).all()


class NoiseConformance:
    """Claims about `gaussian(input, std, is_factor, key, start)`."""

    @kinds
    @dtypes
    @layouts
    def test_noise_is_that_of_the_formula(self, layout, dtype, is_factor):
        x = draw(layout, dtype)
        y = gaussian(x, 0.7, is_factor, KEY)
        assert (y.dtype, y.stride()) == (dtype, torch.empty_like(x).stride())
        assert_rounded_once(y, formula(x, 0.7, is_factor), x, 0.7)

    @kinds
    @pytest.mark.parametrize("size", SIZES)
    def test_every_element_is_written_at_any_size(self, size, is_factor):
        x = torch.rand(size) + 1
        assert_rounded_once(gaussian(x, 0.7, is_factor, KEY), formula(x, 0.7, is_factor), x, 0.7)

    @pytest.mark.parametrize("start", STARTS)
    def test_noise_of_a_part_is_a_part_of_the_noise(self, start):
        x = torch.zeros(1100, dtype=torch.float64)
        y = gaussian(x, 1.0, False, KEY, start)
        torch.testing.assert_close(y, noise((1100,), start), rtol=1e-14, atol=0)

    @dense_layouts
    def test_layout_does_not_change_a_value(self, layout):
        x = draw(layout)
        contiguous = gaussian(x.contiguous(), 0.7, True, KEY)
        assert torch.equal(gaussian(x, 0.7, True, KEY), contiguous)

    @pytest.mark.parametrize("value", [math.inf, math.nan])
    def test_infinities_and_nan_stay_what_they_are(self, value):
        x = torch.full((600,), value)
        assert not gaussian(x, 0.7, True, KEY).isfinite().any()
        assert torch.equal(gaussian(x, 0.7, False, KEY).nan_to_num(1.0), x.nan_to_num(1.0))

    @dtypes
    def test_noise_of_the_backward_pass_is_the_forward_pass_s(self, dtype):
        x = torch.ones(3001, dtype=dtype, requires_grad=True)
        y = gaussian(x, 0.7, True, KEY)
        (grad,) = torch.autograd.grad(y, x, torch.ones_like(y))
        assert grad.dtype is dtype
        assert torch.equal(grad, y)

    @dense_layouts
    def test_gradient_keeps_the_layout(self, layout):
        x = draw(layout).requires_grad_()
        y = gaussian(x, 0.7, True, KEY)
        (grad,) = torch.autograd.grad(y, x, torch.ones_like(y))
        assert grad.stride() == x.stride()

    @kinds
    def test_derivatives_hold_to_second_order_and_in_both_modes(self, is_factor):
        x = torch.randn(3, 5, dtype=torch.float64, requires_grad=True)

        def function(x):
            return gaussian(x, 0.7, is_factor, KEY)

        gradcheck(function, x, check_forward_ad=True, check_batched_grad=True)
        gradgradcheck(function, x, check_fwd_over_rev=True)

    def test_map_shares_the_noise_and_gives_gradients_of_each_sample(self):
        x = torch.randn(5, 9)

        def loss(row):
            return gaussian(row, 0.7, True, KEY).square().sum()

        expected = [torch.func.grad(loss)(row) for row in x]
        torch.testing.assert_close(torch.vmap(torch.func.grad(loss))(x), torch.stack(expected))

    @kinds
    def test_nothing_of_the_input_s_size_is_saved_for_backward(self, is_factor):
        saved = []
        x = torch.randn(1025, requires_grad=True)
        with torch.autograd.graph.saved_tensors_hooks(saved.append, lambda packed: packed):
            gaussian(x, 0.7, is_factor, KEY)
        assert saved == []


class TestReference(NoiseConformance):
    @pytest.fixture(autouse=True)
    def executor(self):
        with use_executor("reference"):
            yield


class TestCpu(NoiseConformance):
    """The compiled kernels, where they run: transformations and float16 go to the reference."""

    @kinds
    @pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
    def test_result_is_the_reference_s_to_rounding(self, dtype, is_factor):
        x = torch.randn(100_003, dtype=dtype)
        with use_executor("cpu"):
            y = gaussian(x, 0.7, is_factor, KEY)
        expected = reference.gaussian(x, 0.7, is_factor, KEY)
        eps = torch.finfo(dtype).eps
        torch.testing.assert_close(y, expected, rtol=2 * eps, atol=20 * eps)

    @pytest.mark.parametrize("num_threads", [1, 2, 3, 8])
    def test_result_has_the_same_bits_for_any_number_of_threads(self, num_threads):
        x = torch.randn(7, 41, 1021)
        expected = torch.cat([gaussian(row, 0.7, True, KEY, i * 41 * 1021) for i, row in rows(x)])
        before = torch.get_num_threads()
        torch.set_num_threads(num_threads)
        try:
            assert torch.equal(gaussian(x, 0.7, True, KEY), expected)
        finally:
            torch.set_num_threads(before)


def rows(x):
    return ((i, row[None]) for i, row in enumerate(x))


def test_executor_without_a_kernel_leaves_the_noise_to_the_reference(monkeypatch):
    monkeypatch.setitem(conditions.WITHOUT_KERNEL, "cpu", frozenset({"gaussian"}))
    choice = choose("gaussian", torch.ones(3))
    assert choice.executor == "reference"
    assert ("cpu", "it has no kernel for gaussian") in choice.obstacles
    assert executor_for("gaussian", torch.ones(3)) is None
    assert executor_for("dropout", torch.ones(3)) is not None
    with use_executor("cpu"), pytest.raises(ArgumentError, match="it has no kernel for gaussian"):
        gaussian(torch.ones(3), 0.7, True, KEY)
