"""The conformance suite of batch norm + activation + dropout: every executor subclasses it."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.autograd import forward_ad, gradcheck, gradgradcheck

from blocks import (
    EPS,
    KEY,
    MOMENTUM,
    Block,
    activations,
    block_layouts,
    parameters_of,
    relu_and_gelu,
    statistics_of,
    values_and_gradients,
    widened,
)
from cases import draw, dtypes
from significance import ROUNDINGS, assert_as_accurate_as_torch
from wolfsbane.kernels.block import Norm, Running, Tail
from wolfsbane.kernels.fused import batch_norm_act_dropout
from wolfsbane.kernels.select import executor_for, use_executor
from wolfsbane.mask import keep_mask

affine = pytest.mark.parametrize("kinds", ["wb", "w", "b", ""], ids=lambda k: k or "none")
both_modes = pytest.mark.parametrize("training", [True, False], ids=["training", "evaluation"])

ROUNDINGS_HERE = ROUNDINGS | {torch.float64: 32}
"""float64: torch's derivatives of activations are up to 22 eps off (see test_activations)."""


def assert_block_is_accurate(ours, theirs, truth):
    """Assert accuracy of an output and of the gradients of input, weight and bias.

    The latter two are sums over a channel of terms about 1 in size, each of them rounded: errors
    add up as in a random walk, also where the terms cancel each other.
    """
    num_values = ours[0].numel() // ours[0].size(1)
    for one, other, exact in zip(ours, theirs, truth, strict=True):
        size = max(exact.abs().max().item(), math.sqrt(num_values) if one.dim() == 1 else 0.0)
        floor = ROUNDINGS_HERE[one.dtype] * torch.finfo(one.dtype).eps * size
        assert_as_accurate_as_torch(one, other, exact.double(), floor)


class BlockConformance:
    """Claims about `run(input, norm, tail, running)`."""

    run = None

    def block(self, block, x, weight=None, bias=None, running=None):
        norm = Norm(weight, bias, EPS, uses_batch=block.training)
        tail = Tail(block.activation, block.p, KEY)
        return self.run(x, norm, tail, None if running is None else Running(*running, MOMENTUM))

    def assert_accurate(self, block, x, kinds="wb", upstream=None):
        tensors = [x, *parameters_of(x, kinds)]
        running = None if block.training else statistics_of(x)
        upstream = torch.randn(x.shape).to(x.dtype) if upstream is None else upstream

        def ours(*tensors):
            return self.block(block, *tensors, running)

        def theirs(*tensors):
            given = running and [vector.to(tensors[0].dtype) for vector in running]
            given = running if tensors[0].dtype is x.dtype else given
            return block.of_torch(*tensors, given)

        assert_block_is_accurate(
            values_and_gradients(ours, tensors, upstream),
            values_and_gradients(theirs, tensors, upstream),
            values_and_gradients(theirs, widened(tensors), upstream),
        )

    @activations
    @both_modes
    def test_every_activation_is_as_accurate_as_torch(self, name, training):
        self.assert_accurate(Block(name, 0.3, training), torch.randn(5, 3, 31, 37) * 3 + 1)

    @relu_and_gelu
    @dtypes
    @block_layouts
    def test_every_layout_and_dtype_is_as_accurate_as_torch(self, layout, dtype, name):
        self.assert_accurate(Block(name, 0.3), draw(layout, dtype))

    @dtypes
    @block_layouts
    def test_evaluation_is_as_accurate_as_torch(self, layout, dtype):
        self.assert_accurate(Block("gelu", 0.3, training=False), draw(layout, dtype))

    @pytest.mark.parametrize("name", ["identity", "relu", "gelu"])
    @pytest.mark.parametrize("memory_format", [torch.contiguous_format, torch.channels_last])
    @both_modes
    def test_block_without_dropout_is_as_accurate_as_torch(self, name, memory_format, training):
        x = torch.randn(5, 3, 7, 11).contiguous(memory_format=memory_format)
        self.assert_accurate(Block(name, 0.0, training), x)

    @affine
    @both_modes
    @pytest.mark.parametrize("shape", [(17, 67), (5, 3, 7, 11)], ids=["rows", "planes"])
    def test_weight_and_bias_may_be_missing(self, shape, kinds, training):
        self.assert_accurate(Block("gelu", 0.3, training), torch.randn(shape), kinds)

    @block_layouts
    @dtypes
    def test_layout_and_dtype_are_kept(self, layout, dtype):
        x = draw(layout, dtype)
        y, grad = values_and_gradients(
            lambda x: self.block(Block("gelu", 0.3), x), [x], torch.ones_like(x)
        )
        same = torch.empty_like(x)
        assert (y.stride(), y.dtype) == (same.stride(), dtype)
        assert (grad.stride(), grad.dtype) == (same.stride(), dtype)

    @block_layouts
    @both_modes
    def test_mask_is_the_contract_s_in_every_layout(self, layout, training):
        x = draw(layout).requires_grad_()
        y = self.block(Block("gelu", 0.4, training), x, running=statistics_of(x))
        assert torch.equal(y != 0, keep_mask(x.shape, 0.4, KEY))

    @pytest.mark.parametrize("shape", [(67, 5), (5, 3, 7, 11)], ids=["rows", "planes"])
    def test_mask_of_the_gradient_is_that_of_the_output(self, shape):
        # In evaluation an element's gradient depends on itself alone.
        x = torch.randn(shape, requires_grad=True)
        y = self.block(Block("gelu", 0.4, training=False), x, running=statistics_of(x))
        (grad,) = torch.autograd.grad(y.sum(), x)
        assert torch.equal(grad != 0, y != 0)

    @dtypes
    @pytest.mark.parametrize("shape", [(67, 5), (5, 3, 7, 11)], ids=["rows", "planes"])
    @pytest.mark.parametrize("strided", [False, True])
    def test_running_statistics_follow_as_torch_s(self, shape, dtype, strided):
        x = (torch.randn(shape) * 3 + 1).to(dtype)
        ours, theirs = ([v.clone() for v in statistics_of(x)] for _ in range(2))
        if strided:
            ours = [torch.stack([v, v], dim=1)[:, 0] for v in ours]
        exact = widened(ours)
        self.block(Block("gelu", 0.3), x, running=ours)
        Block("gelu", 0.3).of_torch(x, None, None, theirs)
        Block("gelu", 0.3).of_torch(x.double(), None, None, exact)
        for one, other, truth in zip(ours, theirs, exact, strict=True):
            assert_as_accurate_as_torch(one, other, truth)

    def test_running_statistics_know_that_they_were_written_to(self):
        running = statistics_of(torch.empty(1, 3))
        versions = [vector._version for vector in running]
        self.block(Block("gelu", 0.3), torch.randn(5, 3), running=running)
        assert all(v._version > before for v, before in zip(running, versions, strict=True))

    def test_batch_in_training_before_a_backward_pass_in_evaluation_changes_nothing(self):
        x = torch.randn(9, 3, requires_grad=True)
        running = statistics_of(x)
        before = [vector.clone() for vector in running]
        y = self.block(Block("gelu", 0.3, training=False), x, running=running)
        self.block(Block("gelu", 0.3), x.detach(), running=running)
        expected = self.block(Block("gelu", 0.3, training=False), x, running=before)
        grads = [torch.autograd.grad(output.sum(), x)[0] for output in (y, expected)]
        assert torch.equal(*grads)

    @affine
    @both_modes
    @pytest.mark.parametrize("p", [0.0, 0.3, 1.0])
    def test_derivatives_hold_to_second_order_and_in_both_modes(self, kinds, training, p):
        x = torch.randn(4, 2, 3, dtype=torch.float64)
        tensors = [x, *parameters_of(x, kinds)]
        running = statistics_of(x)

        def function(*given_ones):
            left = list(given_ones)
            filled = [None if tensor is None else left.pop(0) for tensor in tensors]
            statistics = None if training else running
            return self.block(Block("gelu", p, training), *filled, statistics)

        leaves = [t.requires_grad_() for t in tensors if t is not None]
        gradcheck(function, leaves, check_forward_ad=True, check_batched_grad=True)
        gradgradcheck(function, leaves, check_fwd_over_rev=True)

    @activations
    def test_gradients_of_the_gradients_are_those_of_the_composition(self, name):
        x, upstream = torch.randn(2, 9, 3, 5, dtype=torch.float64).unbind()
        tensors = [x, *parameters_of(x)]

        def second_order(function):
            leaves = [tensor.clone().requires_grad_() for tensor in tensors]
            first = torch.autograd.grad(function(*leaves), leaves, upstream, create_graph=True)
            penalty = sum(grad.square().sum() for grad in first)
            return [*first, *torch.autograd.grad(penalty, leaves, materialize_grads=True)]

        block = Block(name, 0.3)
        found = second_order(lambda *tensors: self.block(block, *tensors))
        for one, other in zip(found, second_order(block.of_torch), strict=True):
            # Sums in another order, through two derivatives.
            assert_as_accurate_as_torch(one, other, other, 1e-12 * other.abs().max().item())

    @pytest.mark.parametrize("wanted", [(0,), (1,), (2,), (0, 1), (1, 2), (0, 2)], ids=str)
    @pytest.mark.parametrize("shape", [(17, 67), (5, 3, 7, 11)], ids=["rows", "planes"])
    def test_gradients_of_some_are_those_of_all(self, shape, wanted):
        x = torch.randn(shape)
        tensors, upstream = [x, *parameters_of(x)], torch.randn(shape)

        def block(*tensors):
            return self.block(Block("gelu", 0.3), *tensors)

        _, *everything = values_and_gradients(block, tensors, upstream)
        leaves = [t.clone().requires_grad_(i in wanted) for i, t in enumerate(tensors)]
        block(*leaves).backward(upstream)
        for i, leaf in enumerate(leaves):
            assert torch.equal(leaf.grad, everything[i]) if i in wanted else leaf.grad is None

    @pytest.mark.parametrize(
        "upstream",
        [
            lambda shape: torch.ones(()).expand(shape),
            lambda shape: torch.randn(shape[0], 1, 1, 1).expand(shape),
            lambda shape: torch.randn(shape[::-1]).permute(3, 2, 1, 0),
            lambda shape: torch.randn(*shape[:-1], 2 * shape[-1])[..., ::2],
            lambda shape: torch._neg_view(torch.randn(shape)),
            torch._efficientzerotensor,
        ],
        ids=["one-number", "expanded", "permuted", "strided", "negated", "zero"],
    )
    @pytest.mark.parametrize("memory_format", [torch.contiguous_format, torch.channels_last])
    def test_gradient_may_lie_in_memory_in_any_way(self, memory_format, upstream):
        x = torch.randn(5, 3, 7, 11).contiguous(memory_format=memory_format)
        grad = upstream(x.shape)

        def gradients(grad):
            leaves = [tensor.clone().requires_grad_() for tensor in (x, *parameters)]
            return torch.autograd.grad(self.block(Block("gelu", 0.3), *leaves), leaves, grad)

        parameters = parameters_of(x)
        for one, other in zip(gradients(grad), gradients(grad.clone()), strict=True):
            torch.testing.assert_close(one, other, rtol=1e-5, atol=1e-5)

    @pytest.mark.parametrize("shape", [(67, 5), (5, 3, 7, 11)], ids=["rows", "planes"])
    def test_rate_of_one_gives_zeros_and_zero_gradients(self, shape):
        x = torch.randn(shape)
        x[0, 0] = math.nan
        y, *grads = values_and_gradients(
            lambda *tensors: self.block(Block("gelu", 1.0), *tensors),
            [x, *parameters_of(x)],
            torch.ones(shape),
        )
        assert (y == 0).all()
        healthy = grads[0][:, 1:]
        assert (healthy == 0).all()
        assert all((grad[1:] == 0).all() for grad in grads[1:])

    @pytest.mark.parametrize("value", [math.inf, -math.inf, math.nan])
    @pytest.mark.parametrize("shape", [(67, 5), (5, 3, 7, 11)], ids=["rows", "planes"])
    def test_inf_or_nan_is_gone_where_dropped_and_stays_where_kept(self, shape, value):
        # In evaluation an element depends on itself alone; the identity keeps inf.
        x = torch.full(shape, value)
        y = self.block(Block("identity", 0.4, training=False), x, running=statistics_of(x))
        keep = keep_mask(shape, 0.4, KEY)
        assert (y[~keep] == 0).all()
        assert torch.equal(y[keep], torch.full_like(y[keep], value)) or math.isnan(value)
        assert not y[keep].isfinite().any()

    @pytest.mark.parametrize("shape", [(67, 5), (5, 3, 7, 11)], ids=["rows", "planes"])
    def test_nan_in_training_stays_in_its_channel(self, shape):
        x = torch.randn(shape)
        x[2, 1] = math.nan
        y = self.block(Block("gelu", 0.4), x)
        keep = keep_mask(shape, 0.4, KEY)
        assert y[:, 1][keep[:, 1]].isnan().all()
        assert (y[~keep] == 0).all()
        assert y[:, [0, 2]].isfinite().all()

    @pytest.mark.parametrize("name", ["relu", "gelu"])
    @pytest.mark.parametrize("shape", [(8, 3), (8, 3, 16, 16)], ids=["rows", "planes"])
    def test_saved_for_backward_is_one_tensor_of_the_input_s_size(self, shape, name):
        x, saved = torch.randn(shape, requires_grad=True), []
        weight, bias = (vector.requires_grad_() for vector in parameters_of(x))
        with torch.autograd.graph.saved_tensors_hooks(
            lambda tensor: saved.append(tensor) or tensor, lambda packed: packed
        ):
            self.block(Block(name, 0.3), x, weight, bias)
        self.assert_saved_is_small(x, saved)

    def assert_saved_is_small(self, x, saved):
        raise NotImplementedError

    def test_vmap_shares_one_mask_and_normalises_each_batch(self):
        x = torch.randn(4, 5, 3, 2)

        def block(batch):
            return self.block(Block("gelu", 0.3), batch)

        expected = torch.stack([block(batch) for batch in x])
        assert torch.allclose(torch.func.vmap(block)(x), expected, atol=1e-6)

    def test_directional_derivative_is_that_of_the_composition(self):
        x, tangent = torch.randn(2, 9, 3, 5, dtype=torch.float64).unbind()

        def derivative(function):
            with forward_ad.dual_level():
                return forward_ad.unpack_dual(function(forward_ad.make_dual(x, tangent))).tangent

        block = Block("gelu", 0.3)
        ours = derivative(lambda x: self.block(block, x))
        theirs = derivative(lambda x: block.of_torch(x, None, None))
        assert torch.allclose(ours, theirs, rtol=1e-10)

    def test_backward_pass_with_another_mask_would_be_seen(self):
        """A change of the input between the passes is an error, as with torch's own functions."""
        x = torch.randn(9, 3, requires_grad=True)
        z = x * 1.0
        y = self.block(Block("gelu", 0.3), z)
        z.add_(1.0)
        with pytest.raises(RuntimeError, match="modified by an inplace operation"):
            y.sum().backward()


class TestReference(BlockConformance):
    run = staticmethod(batch_norm_act_dropout)

    @pytest.fixture(autouse=True)
    def executor(self):
        with use_executor("reference"):
            yield

    def assert_saved_is_small(self, x, saved):
        # A composition keeps an input of each part: batch norm, the activation.
        assert sum(tensor.numel() >= x.numel() for tensor in saved) == 2


class TestCpu(BlockConformance):
    """The compiled kernels, where they run: transformations and float16 go to the reference."""

    run = staticmethod(batch_norm_act_dropout)

    def assert_saved_is_small(self, x, saved):
        large = [tensor for tensor in saved if tensor.numel() >= x.numel()]
        assert [tensor.data_ptr() for tensor in large] == [x.data_ptr()]
        per_channel = sum(tensor.numel() for tensor in saved) - x.numel()
        assert per_channel <= 4 * x.size(1)  # weight, bias, mean, variance

    @given(
        shape=st.lists(st.integers(1, 9), min_size=2, max_size=5).filter(
            lambda shape: math.prod(shape) > shape[1]
        ),
        dtype=st.sampled_from([torch.float32, torch.float64, torch.bfloat16]),
        training=st.booleans(),
        p=st.sampled_from([0.0, 0.3]),
        data=st.data(),
    )
    def test_result_is_the_reference_s_for_any_shape_stride_and_offset(
        self, shape, dtype, training, p, data
    ):
        x = anyhow_in_memory(torch.randn(shape).to(dtype), data)
        upstream = anyhow_in_memory(torch.randn(shape).to(dtype), data)
        tensors = [x, *parameters_of(x)]
        running = statistics_of(x)

        def block(*tensors):
            statistics = [vector.clone() for vector in running]
            return self.block(Block("gelu", p, training), *tensors, statistics)

        assert executor_for("batch_norm_act_dropout", x)
        ours = values_and_gradients(block, tensors, upstream)
        with use_executor("reference"):
            reference = values_and_gradients(block, tensors, upstream)
        assert ours[0].stride() == ours[1].stride() == torch.empty_like(x).stride()
        eps = torch.finfo(dtype).eps
        for one, other in zip(ours, reference, strict=True):
            # A variance near eps, as of two equal values, makes gradients up to 1 / sqrt(EPS).
            torch.testing.assert_close(one, other, rtol=16 * eps, atol=3000 * eps)

    @pytest.mark.parametrize("num_threads", [2, 3, 8])
    @pytest.mark.parametrize(
        "shape", [(4099, 67), (3, 2, 4099 * 5), (64, 3, 31, 37)], ids=["rows", "pieces", "planes"]
    )
    def test_result_has_the_same_bits_for_any_number_of_threads(self, shape, num_threads):
        x, upstream = torch.randn(2, *shape).unbind()
        tensors, statistics = [x, *parameters_of(x)], statistics_of(x)
        before, found = torch.get_num_threads(), []
        try:
            for threads in (1, num_threads):
                torch.set_num_threads(threads)
                running = [vector.clone() for vector in statistics]
                results = values_and_gradients(
                    lambda *tensors, running=running: self.block(
                        Block("gelu", 0.3), *tensors, running
                    ),
                    tensors,
                    upstream,
                )
                found.append([*results, *running])
        finally:
            torch.set_num_threads(before)
        assert all(torch.equal(one, other) for one, other in zip(*found, strict=True))

    def test_default_device_is_not_where_the_kernels_keep_their_numbers(self):
        x = torch.randn(5, 3, 7, 11)
        tensors, upstream = [x, *parameters_of(x)], torch.randn(5, 3, 7, 11)

        def block(*tensors):
            return self.block(Block("gelu", 0.3), *tensors)

        expected = values_and_gradients(block, tensors, upstream)
        with torch.device("meta"):
            found = values_and_gradients(block, tensors, upstream)
        assert all(torch.equal(one, other) for one, other in zip(found, expected, strict=True))


def anyhow_in_memory(tensor, data):
    """Return the same values with permuted and stretched strides, from some offset on."""
    order = data.draw(st.permutations(range(tensor.dim())))
    step, offset = data.draw(st.sampled_from([1, 1, 2])), data.draw(st.integers(0, 2))
    permuted = tensor.permute(order).contiguous()
    memory = tensor.new_zeros(offset + step * tensor.numel())
    memory[offset::step] = permuted.flatten()
    view = memory[offset::step].view(permuted.shape)
    return view.permute([order.index(dim) for dim in range(tensor.dim())])
