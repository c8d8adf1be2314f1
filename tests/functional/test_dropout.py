"""Dropout as a function: which key, which mask, what is drawn, what is left alone."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from cases import RATES, draw, dropouts, dtypes, layouts, zeroing_dropouts
from significance import FALSE_ALARM
from wolfsbane import functional as F
from wolfsbane.mask import draw_key, keep_mask, scale


def function_of(case):
    return getattr(F, case.function)


def next_key():
    """Return the key that the next dropout will draw, and draw nothing."""
    with torch.random.fork_rng(devices=[]):
        return draw_key()


@dropouts
@pytest.mark.parametrize("p", [0.1, 0.5])
def test_mask_is_the_contract_s_for_the_next_key(case, p):
    x = torch.rand(case.shape) + 1
    keep = keep_mask(case.mask_shape, p, next_key()).expand(case.shape)
    y = function_of(case)(x, p, training=True)
    dropped_value = y[~keep].unique()
    assert dropped_value.numel() == 1
    assert torch.equal(y != dropped_value, keep)


@zeroing_dropouts
@dtypes
def test_kept_values_are_multiplied_by_the_contract_s_scale(case, dtype):
    x = torch.randn(case.shape).to(dtype)
    keep = keep_mask(case.mask_shape, 0.3, next_key()).expand(case.shape)
    y = function_of(case)(x, 0.3, training=True)
    wide = x if dtype is torch.float64 else x.float()
    assert torch.equal(y, (wide * scale(0.3)).masked_fill(~keep, 0).to(dtype))


@dropouts
def test_evaluation_and_rate_zero_return_the_input_and_draw_nothing(case):
    x = torch.randn(case.shape)
    before = torch.get_rng_state()
    assert function_of(case)(x, 0.5, training=False) is x
    assert function_of(case)(x, 0.0, training=True) is x
    assert torch.equal(torch.get_rng_state(), before)


@dropouts
@pytest.mark.parametrize("p", [1e-6, 0.5, 1.0])
def test_training_draws_one_key(case, p):
    with torch.random.fork_rng(devices=[]):
        draw_key()
        expected = torch.get_rng_state()
    function_of(case)(torch.ones(case.shape), p, training=True)
    assert torch.equal(torch.get_rng_state(), expected)


@dropouts
@pytest.mark.parametrize("value", [1.0, math.inf, math.nan])
@pytest.mark.parametrize("inplace", [False, True])
def test_rate_one_gives_zeros_whatever_the_input(case, value, inplace):
    x = torch.full(case.shape, value, requires_grad=True)
    y = function_of(case)(x.clone(), 1.0, True, inplace)
    assert torch.equal(y, torch.zeros(case.shape))
    (grad,) = torch.autograd.grad(y, x, torch.ones_like(y))
    assert torch.equal(grad, torch.zeros(case.shape))


def test_rate_that_rounds_to_one_gives_zeros():
    assert torch.equal(F.dropout(torch.full((100,), math.inf), 1 - 1e-7), torch.zeros(100))


@dropouts
def test_generator_is_used_and_the_default_one_left_alone(case):
    x = torch.rand(case.shape) + 1
    expected = function_of(case)(x, 0.5, True, generator=torch.Generator().manual_seed(9))
    before = torch.get_rng_state()
    y = function_of(case)(x, 0.5, True, generator=torch.Generator().manual_seed(9))
    assert torch.equal(y, expected)
    assert torch.equal(torch.get_rng_state(), before)


@dropouts
def test_inplace_writes_into_the_input(case):
    x = torch.rand(case.shape) + 1
    with torch.random.fork_rng(devices=[]):
        expected = function_of(case)(x, 0.5, True)
    y = function_of(case)(x, 0.5, True, inplace=True)
    assert y is x
    assert torch.equal(x, expected)


@layouts
def test_mask_is_the_same_in_every_layout(layout):
    x = draw(layout)
    with torch.random.fork_rng(devices=[]):
        expected = F.dropout(x.contiguous(), 0.5)
    assert torch.equal(F.dropout(x, 0.5), expected)


@given(p=st.floats(0, 1), shape=st.lists(st.integers(0, 5), max_size=4))
def test_evaluation_is_the_identity(p, shape):
    x = torch.randn(shape)
    assert F.dropout(x, p, training=False) is x


@given(seed=st.integers(0, 2**63 - 1), p=st.floats(0, 1))
def test_manual_seed_gives_the_same_output_again(seed, p):
    outputs = []
    for _ in range(2):
        torch.manual_seed(seed)
        outputs.append(F.dropout(torch.ones(300), p))
    assert torch.equal(*outputs)


@zeroing_dropouts
@pytest.mark.parametrize("p", [rate for rate in RATES if rate < 1])
def test_expectation_is_the_input(case, p):
    """Hoeffding: 200 masks of n decisions, each output in [0, s]; false alarm FALSE_ALARM."""
    draws = 200
    x = torch.ones(case.shape)
    total = sum(function_of(case)(x, p, True).double().mean().item() for _ in range(draws))
    decisions = draws * math.prod(case.mask_shape)
    allowed = scale(p) * math.sqrt(math.log(2 / FALSE_ALARM) / (2 * decisions))
    # Plus the rounding of float32 scales.
    assert abs(total / draws - 1) <= allowed + 1e-6


@pytest.mark.parametrize("p", [0.1, 0.3, 1 / 3, 0.7, 0.999])
@dtypes
def test_scale_times_keep_rate_is_one(p, dtype):
    y = F.dropout(torch.ones(100_000, dtype=dtype), p).double().max().item()
    keep_rate = 1 - round(65536 * p) / 65536
    # One rounding to the dtype (and one of the scale to float32, at most 2^-24).
    assert abs(y * keep_rate - 1) <= torch.finfo(dtype).eps / 2 + 2**-23


def test_calls_draw_different_masks():
    x = torch.ones(1000)
    # Equal with probability (1/2)^1000.
    assert not torch.equal(F.dropout(x), F.dropout(x))


@dropouts
def test_meta_input_gives_a_meta_output(case):
    y = function_of(case)(torch.ones(case.shape, device="meta"), 0.5, True)
    assert (y.device.type, y.shape) == ("meta", case.shape)


@dropouts
@pytest.mark.parametrize("size", [0, 1])
def test_empty_and_one_element_inputs(case, size):
    x = torch.ones([size] * len(case.shape))
    y = function_of(case)(x, 0.5, True)
    assert y.shape == x.shape
    assert y.isfinite().all()


@dropouts
def test_integers_are_refused_before_anything_is_drawn(case):
    before = torch.get_rng_state()
    message = "^result type Float can't be cast to the desired output type .*input.float()"
    with pytest.raises(TypeError, match=message) as raised:
        function_of(case)(torch.ones(case.shape, dtype=torch.int64), 0.5, True)
    assert isinstance(raised.value, RuntimeError)
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("function", [F.alpha_dropout, F.feature_alpha_dropout])
def test_complex_input_is_refused_by_alpha_dropout(function):
    with pytest.raises(RuntimeError, match="floating-point"):
        function(torch.ones(3, 3, dtype=torch.complex64), 0.5, True)


def test_complex_input_is_dropped_as_one_number():
    keep = keep_mask(1000, 0.5, next_key())
    y = F.dropout(torch.full((1000,), 1 + 2j), 0.5)
    assert torch.equal(y, torch.where(keep, 2 + 4j, 0j))


@pytest.mark.parametrize(
    ("target", "message"),
    [
        (lambda x: x.requires_grad_(), "a leaf Variable that requires grad"),
        (lambda x: x.requires_grad_()[:3], "a view of a leaf Variable that requires grad"),
        (lambda x: (2 * x.requires_grad_()).chunk(2)[0], "a function that returns multiple views"),
        (lambda x: x[:1].expand(x.shape), "single memory location"),
    ],
    ids=["leaf", "view-of-leaf", "chunk", "expanded"],
)
@dropouts
def test_inplace_that_torch_refuses_changes_nothing(case, target, message):
    written = target(torch.ones(case.shape))
    before, state = written.detach().clone(), torch.get_rng_state()
    with pytest.raises(RuntimeError, match=message):
        function_of(case)(written, 0.5, True, inplace=True)
    assert torch.equal(written.detach(), before)
    assert torch.equal(torch.get_rng_state(), state)


def test_inplace_on_a_view_changes_what_it_views():
    x = torch.ones(2, 50, requires_grad=True)
    doubled = 2 * x
    keep = keep_mask(50, 0.5, next_key())
    y = F.dropout(doubled[0], 0.5, inplace=True)
    assert torch.equal(y, 4.0 * keep)
    assert torch.equal(doubled[0], y)
    doubled.sum().backward()
    assert torch.equal(x.grad, torch.stack([4.0 * keep, torch.full((50,), 2.0)]))
