"""The conformance suite of bias + activation + dropout: every executor subclasses it."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.autograd import gradcheck, gradgradcheck

from blocks import (
    HALF_PRECISION,
    KEY,
    TORCH,
    activations,
    dropped,
    relu_and_gelu,
    values_and_gradients,
    widened,
)
from cases import dtypes
from significance import ROUNDINGS, assert_as_accurate_as_torch
from wolfsbane.functional.activation import as_activation
from wolfsbane.kernels.block import Tail
from wolfsbane.kernels.fused import bias_act_dropout
from wolfsbane.kernels.select import executor_for, use_executor
from wolfsbane.mask import keep_mask

SHAPES = (
    (1,),
    (1000,),
    (7, 1),
    (7, 3),
    (9, 127),
    (9, 128),
    (9, 129),
    (3, 1000),
    (2, 3, 67),
    (2, 3, 5, 31),
    (5000, 1),
)
"""The bias's length against runs of 128 elements and tiles of 1024, in one to four dimensions."""

shapes = pytest.mark.parametrize("shape", SHAPES, ids=str)
with_or_without_bias = pytest.mark.parametrize("has_bias", [True, False], ids=["bias", "none"])

ROUNDINGS_HERE = ROUNDINGS | {torch.float64: 32}
"""float64: torch's derivatives of activations are up to 22 eps off (see test_activations)."""


def tensors_of(shape, dtype, has_bias=True):
    bias = torch.randn(shape[-1]).to(torch.float32 if dtype in HALF_PRECISION else dtype)
    return [torch.randn(shape).to(dtype), bias if has_bias else None]


def tail_of(name, p):
    return Tail(as_activation(name), p, KEY)


def of_torch(name, p):
    """Return the composition of torch's functions, which keeps the input's dtype."""

    def composed(x, bias):
        y = x if bias is None else (x + bias).to(x.dtype)
        return dropped(TORCH[name](y), p)

    return composed


class BiasConformance:
    """Claims about `run(input, bias, tail)`."""

    run = None

    def block(self, name="gelu", p=0.3):
        return lambda x, bias: self.run(x, bias, tail_of(name, p))

    def assert_accurate(self, name, p, tensors):
        x = tensors[0]
        upstream, num_rows = torch.randn(x.shape).to(x.dtype), x.numel() // x.size(-1)
        theirs = of_torch(name, p)
        for one, other, exact in zip(
            values_and_gradients(self.block(name, p), tensors, upstream),
            values_and_gradients(theirs, tensors, upstream),
            values_and_gradients(theirs, widened(tensors), upstream),
            strict=True,
        ):
            # A bias's gradient is a sum of terms about 1 in size, each of them rounded.
            size = max(exact.abs().max().item(), math.sqrt(num_rows) if one.dim() == 1 else 0.0)
            floor = ROUNDINGS_HERE[one.dtype] * torch.finfo(one.dtype).eps * size
            assert_as_accurate_as_torch(one, other, exact.double(), floor)

    @activations
    def test_every_activation_is_as_accurate_as_torch(self, name):
        self.assert_accurate(name, 0.3, tensors_of((31, 67), torch.float32))

    @relu_and_gelu
    @dtypes
    @shapes
    def test_every_shape_and_dtype_is_as_accurate_as_torch(self, shape, dtype, name):
        self.assert_accurate(name, 0.3, tensors_of(shape, dtype))

    @dtypes
    @with_or_without_bias
    @pytest.mark.parametrize("p", [0.0, 0.3])
    def test_bias_and_dropout_may_be_missing(self, dtype, has_bias, p):
        self.assert_accurate("gelu", p, tensors_of((9, 129), dtype, has_bias))

    @pytest.mark.parametrize("bias_dtype", [torch.float16, torch.bfloat16, torch.float64])
    def test_gradient_of_the_bias_has_its_dtype(self, bias_dtype):
        x, bias = tensors_of((9, 129), torch.float32)
        y, _, grad = values_and_gradients(
            self.block(), [x, bias.to(bias_dtype)], torch.ones(9, 129)
        )
        assert (y.dtype, grad.dtype) == (torch.float32, bias_dtype)

    @shapes
    def test_mask_is_the_contract_s(self, shape):
        tensors = [torch.randn(shape), torch.randn(shape[-1])]
        y, grad, _ = values_and_gradients(self.block("gelu", 0.4), tensors, torch.ones(shape))
        keep = keep_mask(shape, 0.4, KEY)
        assert torch.equal(y != 0, keep)
        assert torch.equal(grad != 0, keep)

    @dtypes
    def test_layout_and_dtype_are_kept(self, dtype):
        x = torch.randn(5, 3, 7, 11).to(dtype)
        for strange in (x.movedim(1, -1).contiguous().movedim(-1, 1), x.mT.contiguous().mT):
            y, grad, _ = values_and_gradients(
                self.block(), [strange, torch.randn(11)], torch.ones_like(strange)
            )
            assert (y.stride(), y.dtype) == (grad.stride(), grad.dtype) == (strange.stride(), dtype)
            plain = self.block()(strange.contiguous(), None)
            torch.testing.assert_close(self.block()(strange, None), plain)

    @with_or_without_bias
    @pytest.mark.parametrize("p", [0.0, 0.3, 1.0])
    def test_derivatives_hold_to_second_order_and_in_both_modes(self, has_bias, p):
        leaves = [t for t in tensors_of((4, 3), torch.float64, has_bias) if t is not None]

        def function(x, bias=None):
            return self.block("gelu", p)(x, bias)

        leaves = [leaf.requires_grad_() for leaf in leaves]
        gradcheck(function, leaves, check_forward_ad=True, check_batched_grad=True)
        gradgradcheck(function, leaves, check_fwd_over_rev=True)

    @pytest.mark.parametrize("wanted", [(0,), (1,)], ids=["input", "bias"])
    def test_gradient_of_one_is_that_of_both(self, wanted):
        tensors, upstream = tensors_of((9, 129), torch.float32), torch.randn(9, 129)
        _, *both = values_and_gradients(self.block(), tensors, upstream)
        leaves = [t.clone().requires_grad_(i in wanted) for i, t in enumerate(tensors)]
        self.block()(*leaves).backward(upstream)
        for i, leaf in enumerate(leaves):
            assert torch.equal(leaf.grad, both[i]) if i in wanted else leaf.grad is None

    @pytest.mark.parametrize(
        "upstream",
        [
            torch.ones(()).expand(9, 129),
            torch.ones(129, 9).mT,
            torch._neg_view(torch.ones(9, 129)),
            torch._efficientzerotensor(9, 129),
        ],
        ids=["expanded", "transposed", "negated", "zero"],
    )
    def test_gradient_may_lie_in_memory_in_any_way(self, upstream):
        leaves = [tensor.requires_grad_() for tensor in tensors_of((9, 129), torch.float32)]
        found, expected = (
            torch.autograd.grad(self.block()(*leaves), leaves, grad)
            for grad in (upstream, upstream.clone())
        )
        for one, other in zip(found, expected, strict=True):
            torch.testing.assert_close(one, other, rtol=1e-5, atol=1e-5)

    @pytest.mark.parametrize("value", [math.inf, math.nan])
    @pytest.mark.parametrize("p", [0.4, 1.0])
    def test_dropped_inf_or_nan_is_gone_and_kept_stays(self, value, p):
        x = torch.full((9, 129), value)
        y = self.block("relu", p)(x, None)
        keep = keep_mask(x.shape, p, KEY)
        assert (y[~keep] == 0).all()
        assert not y[keep].isfinite().any()

    def test_bias_may_be_any_view(self):
        x, bias = tensors_of((9, 129), torch.float32)
        expected = self.block()(x, bias)
        assert torch.equal(self.block()(x, torch.stack([bias, bias], 1)[:, 1]), expected)
        torch.testing.assert_close(self.block()(x, torch._neg_view(-bias)), expected)

    def test_vmap_shares_one_mask(self):
        x, bias = torch.randn(4, 5, 3), torch.randn(4, 3)
        expected = torch.stack([self.block()(*pair) for pair in zip(x, bias, strict=True)])
        assert torch.allclose(torch.func.vmap(self.block())(x, bias), expected, atol=1e-6)


class TestReference(BiasConformance):
    run = staticmethod(bias_act_dropout)

    @pytest.fixture(autouse=True)
    def executor(self):
        with use_executor("reference"):
            yield


class TestCpu(BiasConformance):
    """The compiled kernels, where they run: transformations and float16 go to the reference."""

    run = staticmethod(bias_act_dropout)

    def test_saved_for_backward_are_the_operands_themselves(self):
        tensors, saved = tensors_of((9, 129), torch.float32), []
        with torch.autograd.graph.saved_tensors_hooks(
            lambda tensor: saved.append(tensor) or tensor, lambda packed: packed
        ):
            self.block()(*(tensor.requires_grad_() for tensor in tensors))
        assert [t.data_ptr() for t in saved] == [t.data_ptr() for t in tensors]

    @given(
        shape=st.lists(st.integers(1, 40), min_size=1, max_size=3),
        dtype=st.sampled_from([torch.float32, torch.float64, torch.bfloat16]),
        has_bias=st.booleans(),
        data=st.data(),
    )
    def test_result_is_the_reference_s_for_any_shape_stride_and_offset(
        self, shape, dtype, has_bias, data
    ):
        x, bias = tensors_of(shape, dtype, has_bias)
        offset, order = data.draw(st.integers(0, 3)), data.draw(st.permutations(range(len(shape))))
        memory = torch.cat([x.new_zeros(offset), x.permute(order).flatten()])
        view = memory[offset:].view([shape[dim] for dim in order])
        view = view.permute([order.index(dim) for dim in range(len(shape))])
        assert torch.equal(view, x)
        assert executor_for("bias_act_dropout", view)
        upstream = torch.randn(shape)
        ours = values_and_gradients(self.block(), [view, bias], upstream)
        with use_executor("reference"):
            reference = values_and_gradients(self.block(), [x, bias], upstream)
        eps = torch.finfo(dtype).eps
        for one, other in zip(ours, reference, strict=True):
            torch.testing.assert_close(one, other, rtol=8 * eps, atol=200 * eps)

    @pytest.mark.parametrize("num_threads", [2, 3, 8])
    @pytest.mark.parametrize("shape", [(2000, 129), (3, 100_003)], ids=str)
    def test_result_has_the_same_bits_for_any_number_of_threads(self, shape, num_threads):
        tensors, upstream = tensors_of(shape, torch.float32), torch.randn(shape)
        before, found = torch.get_num_threads(), []
        try:
            for threads in (1, num_threads):
                torch.set_num_threads(threads)
                found.append(values_and_gradients(self.block(), tensors, upstream))
        finally:
            torch.set_num_threads(before)
        assert all(torch.equal(one, other) for one, other in zip(*found, strict=True))

    def test_default_device_is_not_where_the_kernels_keep_their_numbers(self):
        tensors, upstream = tensors_of((9, 129), torch.float32), torch.randn(9, 129)
        expected = values_and_gradients(self.block(), tensors, upstream)
        with torch.device("meta"):
            found = values_and_gradients(self.block(), tensors, upstream)
        assert all(torch.equal(one, other) for one, other in zip(found, expected, strict=True))


def test_sums_of_a_wide_bias_stay_small():
    features = 1 << 19
    x = torch.randn(3, features, requires_grad=True)
    bias = torch.randn(features, requires_grad=True)
    bias_act_dropout(x, bias, Tail(as_activation("relu"))).sum().backward()
    assert torch.equal(bias.grad, ((x + bias) > 0).sum(0).float())
