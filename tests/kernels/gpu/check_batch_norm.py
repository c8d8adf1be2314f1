"""Batch norm + activation + dropout: the kernels against torch and a composition in float64."""

import math

import pytest
import torch

from blocks import (
    BLOCK_LAYOUTS,
    EPS,
    KEY,
    MOMENTUM,
    Block,
    activations,
    block_layouts,
    parameters_of,
    statistics_of,
)
from cases import draw
from significance import ROUNDINGS, assert_as_accurate_as_torch
from wolfsbane.kernels.block import Norm, Running, Tail
from wolfsbane.kernels.gpu import batch_norm_backward, batch_norm_forward
from wolfsbane.mask import keep_mask

VARIANCE_ERRORS = {0.0: 1e-6, 1e3: 1e-6, 1e4: 1e-5, 1e5: 1e-4}
"""Relative error allowed to the variance by mean, sigma = 1, float32. See `batch_norm_statistics`:
the difference of the two sums loses at most a factor of the number of blocks."""

FEW_LAYOUTS = [
    case
    for case in BLOCK_LAYOUTS
    if case.name in {"contiguous", "channels-last", "vectors", "sequences-channels-last"}
]

dtypes = pytest.mark.parametrize(
    "dtype",
    [torch.float32, torch.bfloat16, torch.float16],
    ids=["float32", "bfloat16", "float16"],
)
both_modes = pytest.mark.parametrize("training", [True, False], ids=["training", "evaluation"])
SHAPES = pytest.mark.parametrize("shape", [(67, 5), (5, 3, 7, 11)], ids=["rows", "planes"])


def _channels_last(tensor):
    return tensor.movedim(1, -1).contiguous().movedim(-1, 1)


@pytest.fixture
def run(device):
    """Return a function of a block, its operands and running statistics.

    It gives the output, the gradients of input, weight and bias, and the statistics. The running
    statistics are moved where they are.
    """

    def block(how, x, weight, bias, upstream, running=None, start=0):
        def moved(tensor):
            return None if tensor is None else tensor.to(device)

        x, upstream = moved(x), moved(upstream)
        norm = Norm(moved(weight), moved(bias), EPS, uses_batch=how.training)
        tail = Tail(how.activation, how.p, KEY, start)
        past = None if running is None else Running(*map(moved, running), MOMENTUM)
        if how.training:
            statistics = torch.empty(2, x.size(1), dtype=torch.float64, device=device)
        else:
            statistics = torch.stack([past.mean, past.var]).double()
        y = batch_norm_forward(x, norm, tail, statistics, past if how.training else None)
        grads = batch_norm_backward(upstream, x, norm, tail, statistics)
        if past is not None:
            for ours, theirs in zip((past.mean, past.var), running, strict=True):
                theirs.copy_(ours)
        return [t.cpu() for t in (y, *grads, statistics)]

    return block


def theirs(how, x, weight, bias, upstream, running=None):
    leaves = [None if t is None else t.clone().requires_grad_() for t in (x, weight, bias)]
    if running is not None:
        running = [vector.to(x.dtype) for vector in running]
    y = how.of_torch(*leaves, running)
    found = torch.autograd.grad(y, [t for t in leaves if t is not None], upstream.to(y.dtype))
    found = iter(found)
    return [y.detach(), *(None if t is None else next(found) for t in leaves)]


def assert_accurate(run, how, x, kinds="wb"):
    weight, bias = parameters_of(x, kinds)
    upstream = torch.randn(x.shape).to(x.dtype)
    running = None if how.training else statistics_of(x)
    ours = run(how, x, weight, bias, upstream, running)
    wide = [t if t is None else t.double() for t in (x, weight, bias, upstream)]
    same = [running and [v.to(x.dtype).float() for v in running], running]
    as_torch = theirs(how, x, weight, bias, upstream, same[x.dtype is torch.float32])
    truth = theirs(how, *wide, running)
    same_layout = torch.empty_like(x)
    assert (ours[0].stride(), ours[0].dtype) == (same_layout.stride(), x.dtype)
    assert (ours[1].stride(), ours[1].dtype) == (same_layout.stride(), x.dtype)
    # A vector's gradient is a sum over a channel of terms as large as the normalised input, each of
    # them rounded: errors add up as in a random walk, also where the terms cancel each other.
    past = None if running is None else [vector.double() for vector in running]
    normalised = Block("identity", 0.0, how.training).of_torch(wide[0], None, None, past)
    random_walk = normalised.norm().item() / math.sqrt(x.size(1))
    for one, other, exact in zip(ours[:4], as_torch, truth, strict=True):
        if exact is not None:
            least = random_walk if one.dim() == 1 else 0.0
            one = one.to(other.dtype)  # noqa: PLW2901 (gradients of vectors come in float64)
            size = max(exact.abs().max().item(), least)
            floor = ROUNDINGS[one.dtype] * torch.finfo(one.dtype).eps * size
            assert_as_accurate_as_torch(one, other, exact.double(), floor)


@activations
@both_modes
@pytest.mark.parametrize("layout", [torch.clone, _channels_last], ids=["planes", "rows"])
def test_every_activation_is_as_accurate_as_torch(run, name, training, layout):
    assert_accurate(run, Block(name, 0.3, training), layout(torch.randn(4, 2, 7, 11) * 3 + 1))


@block_layouts
def test_every_layout_is_as_accurate_as_torch(run, layout):
    assert_accurate(run, Block("silu", 0.3), draw(layout))


@pytest.mark.parametrize("layout", FEW_LAYOUTS, ids=lambda case: case.name)
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16], ids=["bfloat16", "float16"])
def test_half_precision_is_as_accurate_as_torch(run, layout, dtype):
    assert_accurate(run, Block("silu", 0.3), draw(layout, dtype))


@pytest.mark.parametrize("layout", FEW_LAYOUTS, ids=lambda case: case.name)
def test_evaluation_is_as_accurate_as_torch(run, layout):
    assert_accurate(run, Block("relu", 0.3, training=False), draw(layout))


@pytest.mark.parametrize("layout", FEW_LAYOUTS, ids=lambda case: case.name)
def test_every_way_to_a_mask_and_a_sum_gives_the_same(run, mask_source, num_merged, layout):
    assert_accurate(run, Block("silu", 0.3), draw(layout))


@pytest.mark.parametrize("length", [1, 2, 4, 8, 16, 49, 514])
def test_planes_of_any_length(run, mask_source, length):
    assert_accurate(run, Block("silu", 0.3), torch.randn(9, 2, length))


@pytest.mark.parametrize("kinds", ["w", "b", ""], ids=lambda kinds: kinds or "none")
@both_modes
@SHAPES
def test_weight_and_bias_may_be_missing(run, shape, kinds, training):
    assert_accurate(run, Block("silu", 0.3, training), torch.randn(shape), kinds)


@pytest.mark.parametrize("name", ["identity", "silu"])
@both_modes
@SHAPES
def test_dropout_may_be_missing(run, name, training, shape):
    assert_accurate(run, Block(name, 0.0, training), torch.randn(shape))


@pytest.mark.parametrize("start", [0, 5000, 2**32 - 5])
@pytest.mark.parametrize(
    "x",
    [torch.randn(3, 5, 8, 8), _channels_last(torch.randn(3, 67, 8)), torch.randn(31, 67)],
    ids=["planes", "rows", "vectors"],
)
def test_mask_is_the_contract_s(run, mask_source, x, start):
    how = Block("silu", 0.4, training=False)
    y, grad, *_ = run(how, x, None, None, torch.ones_like(x), statistics_of(x), start)
    keep = keep_mask(x.shape, 0.4, KEY, start=start)
    assert torch.equal(y != 0, keep)
    assert torch.equal(grad != 0, keep)


@dtypes
@SHAPES
def test_running_statistics_follow_as_torch_s(run, num_merged, shape, dtype):
    x = (torch.randn(shape) * 3 + 1).to(dtype)
    ours, others = ([v.clone() for v in statistics_of(x)] for _ in range(2))
    exact = [v.double() for v in ours]
    run(Block("silu", 0.3), x, None, None, torch.ones_like(x), ours)
    Block("silu", 0.3).of_torch(x, None, None, others)
    Block("silu", 0.3).of_torch(x.double(), None, None, exact)
    for one, other, truth in zip(ours, others, exact, strict=True):
        assert_as_accurate_as_torch(one, other, truth)


def test_vectors_may_be_in_half_precision(run):
    x = torch.randn(5, 3, 7, 11).bfloat16()
    running = [v.bfloat16() for v in statistics_of(x)]
    before = [v.clone() for v in running]
    weight, bias = (v.bfloat16() for v in parameters_of(x))
    y, *_ = run(Block("relu", 0.0), x, weight, bias, torch.ones_like(x), running)
    exact = Block("relu", 0.0).of_torch(x.double(), weight.double(), bias.double())
    assert (y.double() - exact).abs().max() <= 2**-8 * exact.abs().max()
    mean = x.double().mean((0, 2, 3))
    expected = before[0].double() * (1 - MOMENTUM) + MOMENTUM * mean
    assert (running[0].double() - expected).abs().max() <= 2**-8 * expected.abs().max()


@pytest.mark.parametrize("mean", VARIANCE_ERRORS)
@pytest.mark.parametrize("layout", [torch.clone, _channels_last], ids=["planes", "rows"])
def test_statistics_are_accurate_far_from_zero(run, num_merged, mean, layout):
    x = layout(torch.randn(8, 2, 32, 32) + mean)
    y, *_, statistics = run(Block("identity", 0.0), x, None, None, torch.ones_like(x))
    variance, centre = torch.var_mean(x.double(), (0, 2, 3), correction=0)
    assert ((statistics[1] - variance).abs() / variance).max() < VARIANCE_ERRORS[mean]
    assert ((statistics[0] - centre).abs() <= 1e-6 + 1e-7 * abs(mean) * 2**-10).all()
    exact = (x.double() - centre.view(1, 2, 1, 1)) / (variance + EPS).sqrt().view(1, 2, 1, 1)
    assert (y.double() - exact).abs().max() < 1e-5


@SHAPES
def test_variance_is_accurate_where_the_first_block_is_unlike_the_rest(run, shape):
    x = torch.randn(10_000, 1) + 1e5
    x[:2000] = 0.0
    x = x if len(shape) == 2 else x.view(1, 1, 100, 100)
    *_, statistics = run(Block("identity", 0.0), x, None, None, torch.ones_like(x))
    truth = x.double().var(correction=0)
    assert abs(statistics[1].item() - truth) / truth < 1e-5


@pytest.mark.parametrize("size", [1e15, 1e30, 1e37])
def test_output_is_finite_where_the_squares_overflow(run, num_merged, size):
    x = torch.randn(64, 3, 5) * size
    y, *_ = run(Block("identity", 0.0), x, None, None, torch.ones_like(x))
    exact = Block("identity", 0.0).of_torch(x.double(), None, None)
    torch.testing.assert_close(y.double(), exact, rtol=1e-6, atol=1e-6)


@SHAPES
def test_rate_of_one_gives_zeros_and_zero_gradients(run, shape):
    x = torch.randn(shape)
    running = [v.clone() for v in statistics_of(x)]
    before = [v.clone() for v in running]
    y, *grads, _ = run(Block("silu", 1.0), x, *parameters_of(x), torch.ones(shape), running)
    assert all((tensor == 0).all() for tensor in (y, *grads))
    assert not torch.equal(running[0], before[0])


@pytest.mark.parametrize("value", [math.inf, math.nan])
@SHAPES
def test_inf_or_nan_is_gone_where_dropped_and_stays_where_kept(run, shape, value):
    x = torch.full(shape, value)
    how = Block("identity", 0.4, training=False)
    y, *_ = run(how, x, None, None, torch.ones(shape), statistics_of(x))
    keep = keep_mask(shape, 0.4, KEY)
    assert (y[~keep] == 0).all()
    assert not y[keep].isfinite().any()


def test_result_has_the_same_bits_in_every_call(run):
    x, upstream = torch.randn(2, 9, 3, 17, 19).unbind()
    vectors = parameters_of(x)
    once, again = (run(Block("silu", 0.3), x, *vectors, upstream) for _ in range(2))
    assert all(torch.equal(*pair) for pair in zip(once, again, strict=True))
