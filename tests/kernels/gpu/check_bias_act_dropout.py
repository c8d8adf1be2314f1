"""Bias + activation + dropout: the kernels against a composition in float64."""

import math

import pytest
import torch

from blocks import HALF_PRECISION, KEY, TORCH, activations, dropped
from significance import ROUNDINGS, assert_as_accurate_as_torch
from wolfsbane.kernels.block import DEFAULT_PARAMETERS, Activation, Tail
from wolfsbane.kernels.gpu import bias_act_dropout_backward, bias_act_dropout_forward
from wolfsbane.mask import keep_mask

SHAPES = ((1,), (1000,), (7, 1), (7, 3), (9, 128), (3, 1000), (2, 3, 67), (5000, 1), (70, 65))

dtypes = pytest.mark.parametrize(
    "dtype",
    [torch.float32, torch.bfloat16, torch.float16],
    ids=["float32", "bfloat16", "float16"],
)


@pytest.fixture
def block(device):
    """Return a function of (x, bias, upstream, tail): output and gradients."""

    def run(x, bias, upstream, tail):
        x, upstream = x.to(device), upstream.to(device)
        bias = None if bias is None else bias.to(device)
        y = bias_act_dropout_forward(x, bias, tail)
        grad, sums = bias_act_dropout_backward(upstream, x, bias, tail)
        return [t.cpu() for t in (y, grad, sums) if t is not None]

    return run


def tail_of(name, p=0.3, start=0):
    return Tail(Activation(name, DEFAULT_PARAMETERS.get(name, 0.0)), p, KEY, start)


def composed(name, p, x, bias, upstream):
    leaves = [t.clone().requires_grad_() for t in (x, bias) if t is not None]
    y = leaves[0] if bias is None else (leaves[0] + leaves[1]).to(x.dtype)
    y = dropped(TORCH[name](y), p)
    return [y.detach(), *torch.autograd.grad(y, leaves, upstream.to(y.dtype))]


def assert_accurate(block, shape, dtype, name, p=0.3, has_bias=True):
    x, upstream = torch.randn(2, *shape).to(dtype).unbind()
    bias = None
    if has_bias:
        bias = torch.randn(shape[-1]).to(torch.float32 if dtype in HALF_PRECISION else dtype)
    exact = composed(name, p, *(t if t is None else t.double() for t in (x, bias, upstream)))
    for one, other, truth in zip(
        block(x, bias, upstream, tail_of(name, p)),
        composed(name, p, x, bias, upstream),
        exact,
        strict=True,
    ):
        ours = one.to(other.dtype)
        # A bias's gradient is a sum of terms about 1 in size, each of them rounded.
        rows = math.sqrt(x.numel() / shape[-1])
        size = max(truth.abs().max().item(), rows if truth.dim() == 1 else 0.0)
        floor = ROUNDINGS[ours.dtype] * torch.finfo(ours.dtype).eps * size
        assert_as_accurate_as_torch(ours, other, truth, floor)


@activations
def test_every_activation_is_as_accurate_as_torch(block, name):
    assert_accurate(block, (31, 67), torch.float32, name)


@dtypes
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_every_shape_and_dtype_is_as_accurate_as_torch(block, shape, dtype):
    assert_accurate(block, shape, dtype, "silu")


@pytest.mark.parametrize("shape", [(7, 3), (3, 1000), (70, 65)], ids=str)
def test_mask_from_its_bits_is_as_accurate_as_torch(block, mask_source, shape):
    assert_accurate(block, shape, torch.float32, "silu")


@dtypes
@pytest.mark.parametrize("has_bias", [True, False], ids=["bias", "none"])
@pytest.mark.parametrize("p", [0.0, 0.3, 1.0])
def test_bias_and_dropout_may_be_missing(block, dtype, has_bias, p):
    assert_accurate(block, (9, 129), dtype, "silu", p, has_bias)


def test_sums_of_several_programs_are_added(block, num_merged):
    assert_accurate(block, (300, 65), torch.float32, "silu")


@pytest.mark.parametrize("start", [0, 5000, 2**32 - 5])
@pytest.mark.parametrize("has_bias", [True, False], ids=["bias", "none"])
def test_mask_is_the_contract_s(block, mask_source, has_bias, start):
    x, bias = torch.randn(70, 40), torch.randn(40) if has_bias else None
    y, grad, *_ = block(x, bias, torch.ones_like(x), tail_of("silu", 0.4, start))
    keep = keep_mask(x.shape, 0.4, KEY, start=start)
    assert torch.equal(y != 0, keep)
    assert torch.equal(grad != 0, keep)


def test_layout_is_kept(block):
    x = torch.randn(5, 3, 7, 11)
    for strange in (x.movedim(1, -1).contiguous().movedim(-1, 1), x.mT.contiguous().mT):
        y, grad, _ = block(strange, torch.randn(11), torch.ones_like(x), tail_of("silu"))
        assert y.stride() == grad.stride() == strange.stride()


@pytest.mark.parametrize("value", [math.inf, math.nan])
@pytest.mark.parametrize("p", [0.4, 1.0])
def test_dropped_inf_or_nan_is_gone_and_kept_stays(block, value, p):
    x = torch.full((9, 129), value)
    y, *_ = block(x, None, torch.ones_like(x), tail_of("relu", p))
    keep = keep_mask(x.shape, p, KEY)
    assert (y[~keep] == 0).all()
    assert not y[keep].isfinite().any()
