"""The conformance suite of dropout + residual: every executor subclasses it."""

import math

import pytest
import torch
from torch.autograd import gradcheck, gradgradcheck

from blocks import KEY, dropped, values_and_gradients, widened
from cases import draw, dtypes, layouts
from significance import assert_as_accurate_as_torch
from wolfsbane.kernels.dropout import dropout_add
from wolfsbane.kernels.select import use_executor
from wolfsbane.mask import keep_mask, scale

SIZES = (1, 127, 128, 129, 1023, 1024, 1025, 10_007)


class DropoutAddConformance:
    """Claims about `run(input, residual, p, key)`."""

    run = None

    @dtypes
    @layouts
    @pytest.mark.parametrize("p", [0.1, 0.5, 1.0])
    def test_output_and_gradients_are_as_accurate_as_torch(self, layout, dtype, p):
        tensors, upstream = [draw(layout, dtype), draw(layout, dtype)], draw(layout, dtype)

        def composed(x, residual):
            return dropped(x, p) + residual

        for one, other, truth in zip(
            values_and_gradients(lambda x, r: self.run(x, r, p, KEY), tensors, upstream),
            values_and_gradients(composed, tensors, upstream),
            values_and_gradients(composed, widened(tensors), upstream),
            strict=True,
        ):
            assert_as_accurate_as_torch(one, other, truth.double())

    @pytest.mark.parametrize("size", SIZES)
    def test_mask_is_the_contract_s_for_every_size(self, size):
        x, residual = torch.ones(size), torch.full((size,), 10.0)
        y, grad, residual_grad = values_and_gradients(
            lambda x, r: self.run(x, r, 0.4, KEY), [x, residual], torch.ones(size)
        )
        keep = keep_mask(size, 0.4, KEY)
        assert torch.equal(y, torch.where(keep, 10.0 + torch.tensor(scale(0.4)), 10.0))
        assert torch.equal(grad, torch.where(keep, torch.tensor(scale(0.4)), 0.0))
        assert torch.equal(residual_grad, torch.ones(size))

    def test_tensor_without_dimensions_is_one_element(self):
        y = self.run(torch.tensor(3.0), torch.tensor(1.0), 0.5, KEY)
        assert y.item() == (7.0 if keep_mask((), 0.5, KEY) else 1.0)

    @layouts
    def test_layout_is_the_input_s_whatever_the_residual_s(self, layout):
        x, residual = draw(layout), torch.randn(layout.shape)
        y = self.run(x, residual, 0.4, KEY)
        assert y.stride() == torch.empty_like(x).stride()
        assert torch.equal(y, self.run(x.contiguous(), residual, 0.4, KEY))

    @pytest.mark.parametrize("value", [math.inf, math.nan])
    @pytest.mark.parametrize("p", [0.4, 1.0])
    def test_dropped_inf_or_nan_leaves_the_residual(self, value, p):
        y = self.run(torch.full((1025,), value), torch.ones(1025), p, KEY)
        keep = keep_mask(1025, p, KEY)
        assert (y[~keep] == 1).all()
        assert not y[keep].isfinite().any()

    @pytest.mark.parametrize("p", [0.4, 1.0])
    def test_derivatives_hold_to_second_order_and_in_both_modes(self, p):
        leaves = [tensor.requires_grad_() for tensor in torch.randn(2, 3, 5).double().unbind()]
        leaves = [leaf.detach().requires_grad_() for leaf in leaves]

        def function(x, residual):
            return self.run(x, residual, p, KEY)

        gradcheck(function, leaves, check_forward_ad=True, check_batched_grad=True)
        gradgradcheck(function, leaves, check_fwd_over_rev=True)

    def test_gradient_may_lie_in_memory_in_any_way(self):
        x, residual = torch.randn(2, 9, 129).unbind()
        leaves = [tensor.clone().requires_grad_() for tensor in (x, residual)]
        for upstream in (
            torch.ones(()).expand(9, 129),
            torch.randn(129, 9).mT,
            torch._neg_view(torch.randn(9, 129)),
            torch._efficientzerotensor(9, 129),
        ):
            y = self.run(*leaves, 0.4, KEY)
            grads = torch.autograd.grad(y, leaves, upstream)
            assert torch.equal(grads[0], dropped(upstream.clone(), 0.4))
            assert torch.equal(grads[1], upstream.clone())

    def test_operand_may_be_a_negated_view(self):
        x, residual = torch.randn(2, 1025).unbind()
        y = self.run(torch._neg_view(-x), torch._neg_view(-residual), 0.4, KEY)
        assert torch.equal(y, self.run(x, residual, 0.4, KEY))

    def test_vmap_shares_one_mask(self):
        x, residual = torch.randn(2, 4, 9).unbind()

        def function(x, residual):
            return self.run(x, residual, 0.4, KEY)

        expected = torch.stack([function(*pair) for pair in zip(x, residual, strict=True)])
        assert torch.allclose(torch.func.vmap(function)(x, residual), expected, atol=1e-6)

    def test_nothing_is_saved_for_backward(self):
        saved, x = [], torch.randn(1025, requires_grad=True)
        with torch.autograd.graph.saved_tensors_hooks(saved.append, lambda packed: packed):
            self.run(x, torch.randn(1025, requires_grad=True), 0.4, KEY)
        assert saved == []


class TestReference(DropoutAddConformance):
    run = staticmethod(dropout_add)

    @pytest.fixture(autouse=True)
    def executor(self):
        with use_executor("reference"):
            yield


class TestCpu(DropoutAddConformance):
    """The compiled kernels, where they run: transformations and float16 go to the reference."""

    run = staticmethod(dropout_add)

    @pytest.mark.parametrize("num_threads", [1, 2, 3, 8])
    def test_result_has_the_same_bits_for_any_number_of_threads(self, num_threads):
        x, residual = torch.randn(2, 7, 41, 1021).unbind()
        before = torch.get_num_threads()
        torch.set_num_threads(num_threads)
        try:
            found = self.run(x, residual, 0.3, KEY)
        finally:
            torch.set_num_threads(before)
        torch.set_num_threads(1)
        expected = self.run(x, residual, 0.3, KEY)
        torch.set_num_threads(before)
        assert torch.equal(found, expected)
