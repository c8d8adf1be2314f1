"""Which dropouts are routed, what they then compute, and what they leave to torch."""

import threading
from dataclasses import dataclass

import pytest
import torch
import torch.nn.functional as F
from torch.autograd import forward_ad
from torch.autograd.graph import save_on_cpu
from torch.utils.checkpoint import checkpoint

from wolfsbane import accelerate, functional
from wolfsbane.acceleration.worth import LEAST_ELEMENTS
from wolfsbane.kernels import select
from wolfsbane.kernels.select import use_executor
from wolfsbane.mask import draw_key, keep_mask, scale


@dataclass(frozen=True)
class Kind:
    """An operator of torch, the same of wolfsbane, and a shape large enough to be routed."""

    operator: str
    ours: str
    shape: tuple[int, ...]


KINDS = (
    Kind("dropout", "dropout", (16, 32, 64)),
    Kind("alpha_dropout", "alpha_dropout", (16, 32, 64)),
)

kinds = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.operator)
inplace_or_not = pytest.mark.parametrize("inplace", [False, True], ids=["new", "inplace"])
routed_dtypes = pytest.mark.parametrize(
    "dtype", [torch.float32, torch.float64, torch.bfloat16], ids=str
)

SEED = 7


def stock(kind, inplace=False):
    return getattr(torch, kind.operator + "_" * inplace)


def seeded(function, *args):
    """Return the result with the generator set, and the generator's state after."""
    torch.manual_seed(SEED)
    result = function(*args)
    return result, torch.get_rng_state()


def same(a, b):
    return all(torch.equal(x, y) for x, y in zip(a, b, strict=True))


def contract_s_mask(shape, p):
    torch.manual_seed(SEED)
    return keep_mask(shape, p, draw_key())


@kinds
@inplace_or_not
@routed_dtypes
@pytest.mark.parametrize("p", [0.1, 0.5, 1.0])
def test_a_routed_dropout_is_wolfsbane_s(kind, inplace, dtype, p):
    x = torch.randn(kind.shape).to(dtype)
    expected = seeded(lambda: getattr(functional, kind.ours)(x, p, True))
    mine = x.clone()
    with accelerate():
        given = seeded(stock(kind, inplace), mine, p, True)
    assert same(given, expected)
    assert (given[0] is mine) == inplace


@kinds
@inplace_or_not
def test_evaluation_and_rate_zero_return_the_input_and_draw_nothing(kind, inplace):
    x = torch.randn(kind.shape)
    state = torch.get_rng_state()
    with accelerate():
        assert stock(kind, inplace)(x, 0.5, False) is x
        assert stock(kind, inplace)(x, 0.0, True) is x
    assert torch.equal(torch.get_rng_state(), state)


@kinds
@pytest.mark.parametrize("train", [False, True])
@pytest.mark.parametrize("p", [-0.1, 1.5, float("nan")])
def test_a_rate_out_of_range_is_refused_in_torch_s_words(kind, train, p):
    x = torch.randn(kind.shape)
    with pytest.raises(RuntimeError) as outside:
        stock(kind)(x, p, train)
    with accelerate(), pytest.raises(RuntimeError) as inside:
        stock(kind)(x, p, train)
    assert str(inside.value) == str(outside.value)


@kinds
def test_channels_need_two_dimensions_as_in_torch(kind):
    if "feature" in kind.operator:
        x = torch.ones(1 << 20)
        with accelerate(), pytest.raises(RuntimeError, match="at least 2 dimensions"):
            stock(kind)(x, 0.5, True)


@kinds
@inplace_or_not
@pytest.mark.parametrize(
    "x",
    [
        torch.ones(2, 3, 5),
        torch.ones(2, 0, 5),
        torch.ones(64, 64, 64, dtype=torch.float16),
    ],
    ids=["small", "empty", "float16"],
)
def test_what_does_not_pay_is_torch_s_bit_for_bit(kind, inplace, x, routed):
    outside = seeded(stock(kind, inplace), x.clone(), 0.5, True)
    with accelerate():
        inside = seeded(stock(kind, inplace), x.clone(), 0.5, True)
    assert same(inside, outside)
    assert not routed


@kinds
def test_the_smallest_size_that_pays_is_routed_and_the_next_smaller_is_not(kind, routed):
    least = LEAST_ELEMENTS[kind.operator, torch.float32]
    with accelerate():
        stock(kind)(torch.ones(1, least - 1), 0.5, True)
        assert not routed
        stock(kind)(torch.ones(1, least), 0.5, True)
    assert routed == [(kind.operator, (1, least))]


@pytest.mark.parametrize(
    "make",
    [
        lambda x: x.mT,
        lambda x: x[:, ::2],
        lambda x: x[:1].expand(16, 32, 64),
        lambda x: x.unsqueeze(0).contiguous(memory_format=torch.channels_last)[0],
    ],
    ids=["transposed", "strided", "expanded", "channels-last"],
)
def test_any_layout_has_the_mask_of_its_logical_index(make):
    x = make(torch.randn(16, 32, 64))
    keep = contract_s_mask(x.shape, 0.5)
    with accelerate():
        y, _ = seeded(torch.dropout, x, 0.5, True)
    assert torch.equal(y, (x * scale(0.5)).masked_fill(~keep, 0))


@kinds
@inplace_or_not
def test_gradients_have_the_mask_of_the_output(kind, inplace):
    x = torch.randn(kind.shape, requires_grad=True)
    grad = torch.randn(kind.shape)
    with accelerate():
        y, _ = seeded(stock(kind, inplace), x * 1, 0.5, True)
        (given,) = torch.autograd.grad(y, x, grad)
    ours = x.detach().clone().requires_grad_()
    z, _ = seeded(lambda: getattr(functional, kind.ours)(ours, 0.5, True))
    (expected,) = torch.autograd.grad(z, ours, grad)
    assert torch.equal(given, expected)


@kinds
def test_second_derivatives_are_right(kind, any_size_pays):
    x = torch.randn(3, 4, 2, 2, dtype=torch.float64, requires_grad=True)

    def function(x):
        return seeded(stock(kind), x.square(), 0.5, True)[0]

    with accelerate():
        assert torch.autograd.gradcheck(function, x)
        assert torch.autograd.gradgradcheck(function, x)


def test_a_leaf_is_not_written_into_as_in_torch():
    leaf = torch.ones(64, 256, requires_grad=True)
    with accelerate(), pytest.raises(RuntimeError, match="a leaf Variable that requires grad"):
        torch.dropout_(leaf, 0.5, True)
    assert torch.equal(leaf, torch.ones(64, 256))


def test_a_graph_recorded_inside_runs_backward_outside():
    x = torch.randn(64, 256, requires_grad=True)
    with accelerate():
        y, _ = seeded(torch.dropout, x, 0.3, True)
    y.sum().backward()
    assert torch.equal(x.grad, contract_s_mask(x.shape, 0.3) * torch.tensor(scale(0.3)))


def test_a_graph_recorded_outside_runs_backward_inside():
    x = torch.randn(64, 256, requires_grad=True)
    (outside,) = torch.autograd.grad(seeded(torch.dropout, x, 0.3, True)[0].sum(), x)
    y, _ = seeded(torch.dropout, x, 0.3, True)
    with accelerate():
        (inside,) = torch.autograd.grad(y.sum(), x)
    assert torch.equal(inside, outside)


@pytest.mark.parametrize("use_reentrant", [False, True])
def test_checkpointing_computes_the_same_mask_again(use_reentrant):
    x = torch.randn(64, 256, requires_grad=True)
    with accelerate():
        y, _ = seeded(lambda: checkpoint(F.dropout, x, 0.3, use_reentrant=use_reentrant))
        y.sum().backward()
    assert torch.equal(x.grad != 0, y != 0)


def test_saved_tensor_hooks_do_not_disturb():
    x = torch.randn(64, 256, requires_grad=True)
    with accelerate(), save_on_cpu():
        y = F.dropout(x, 0.3)
        y.sum().backward()
    assert torch.equal(x.grad != 0, y != 0)


@kinds
@pytest.mark.parametrize("mode", [torch.no_grad, torch.inference_mode])
def test_without_grad_it_is_routed_and_records_nothing(kind, mode, routed):
    x = torch.randn(kind.shape, requires_grad=True)
    expected, _ = seeded(lambda: getattr(functional, kind.ours)(x, 0.5, True))
    with accelerate(), mode():
        y, _ = seeded(stock(kind), x, 0.5, True)
        assert y.is_inference() == torch.is_inference_mode_enabled()
    assert routed == [(kind.operator, kind.shape)]
    assert not y.requires_grad
    assert torch.equal(y, expected)


def test_below_autograd_nothing_is_recorded():
    x = torch.randn(64, 256, requires_grad=True)
    with accelerate(), torch._C._AutoDispatchBelowAutograd():
        assert not torch.dropout(x, 0.5, True).requires_grad


def test_under_autocast_it_takes_what_it_is_given():
    linear, x = torch.nn.Linear(256, 256), torch.randn(64, 256)
    with accelerate(), torch.autocast("cpu", dtype=torch.bfloat16):
        y, _ = seeded(lambda: F.dropout(linear(x), 0.5))
    assert y.dtype is torch.bfloat16
    assert torch.equal(y != 0, contract_s_mask(y.shape, 0.5))


@pytest.mark.parametrize(
    ("layer", "operator", "shape", "mask_shape"),
    [
        ("Dropout", "dropout", (64, 256), (64, 256)),
        ("AlphaDropout", "alpha_dropout", (64, 256), (64, 256)),
    ],
)
@inplace_or_not
def test_stock_layers_are_routed(layer, operator, shape, mask_shape, inplace, routed):
    x = torch.ones(shape)
    keep = contract_s_mask(mask_shape, 0.5).expand(shape)
    with accelerate():
        y, _ = seeded(getattr(torch.nn, layer)(0.5, inplace=inplace), x)
    assert routed == [(operator, shape)]
    assert y[keep].unique().numel() == y[~keep].unique().numel() == 1
    assert y[keep].unique() != y[~keep].unique()


def test_attention_drops_what_the_mask_says():
    q, k, v = torch.randn(3, 2, 4, 32, 16)
    keep = contract_s_mask((2, 4, 32, 32), 0.25)
    weights = (q @ k.mT / 4).softmax(-1).masked_fill(~keep, 0) * scale(0.25)
    with accelerate():
        y, _ = seeded(lambda: F.scaled_dot_product_attention(q, k, v, dropout_p=0.25))
    torch.testing.assert_close(y, weights @ v)


@pytest.mark.parametrize("need_weights", [False, True])
def test_multihead_attention_is_routed(need_weights, routed):
    layer = torch.nn.MultiheadAttention(64, 4, dropout=0.25, batch_first=True)
    x = torch.randn(4, 32, 64)
    keep = contract_s_mask((16, 32, 32), 0.25)
    with accelerate():
        (_, weights), _ = seeded(
            lambda: layer(x, x, x, need_weights=need_weights, average_attn_weights=False)
        )
    assert routed == [("dropout", (16, 32, 32) if need_weights else (4, 4, 32, 32))]
    if need_weights:
        assert torch.equal(weights.view(16, 32, 32) != 0, keep)


@pytest.mark.parametrize("layer", ["LSTM", "GRU", "RNN"])
def test_recurrent_layers_drop_between_layers_what_the_mask_says(layer):
    build = getattr(torch.nn, layer)
    both, x = build(16, 64, 2, dropout=0.25), torch.randn(16, 8, 16)
    first, second = build(16, 64), build(64, 64)
    for name, parameter in both.named_parameters():
        part, number = (first, "0") if name.endswith("l0") else (second, "1")
        getattr(part, name.removesuffix(number) + "0").data.copy_(parameter)
    expected, _ = seeded(lambda: second(functional.dropout(first(x)[0], 0.25, True))[0])
    with accelerate():
        y, _ = seeded(lambda: both(x)[0])
    torch.testing.assert_close(y, expected)


def test_an_encoder_layer_s_four_dropouts_are_routed(routed):
    layer = torch.nn.TransformerEncoderLayer(64, 4, dim_feedforward=96, batch_first=True)
    x = torch.randn(4, 32, 64)
    with accelerate():
        layer(x)
        layer.eval()
        layer(x)
    shapes = [(4, 4, 32, 32), (4, 32, 64), (4, 32, 96), (4, 32, 64)]
    assert routed == [("dropout", shape) for shape in shapes]


@pytest.mark.filterwarnings("ignore:`torch.jit.trace:DeprecationWarning")
def test_traced_code_is_routed(routed):
    x = torch.ones(64, 256)

    def function(x):
        return torch.dropout(x, 0.5, True)

    with accelerate():
        traced = torch.jit.trace(function, x, check_trace=False)
        assert "aten::dropout" in str(traced.graph)
        routed.clear()
        y, _ = seeded(traced, x)
    assert routed == [("dropout", (64, 256))]
    assert torch.equal(y != 0, contract_s_mask(x.shape, 0.5))


def test_threads_computing_at_once_each_drop_a_half():
    x, rates = torch.ones(256, 1024), []

    def compute():
        for _ in range(5):
            y = F.dropout(x, 0.5)
            assert ((y == 0) | (y == 2)).all()
            rates.append(float((y == 0).double().mean()))

    with accelerate():
        threads = [threading.Thread(target=compute) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len(rates) == 20
    # 262,144 elements: 0.01 is ten standard deviations.
    assert all(abs(rate - 0.5) < 0.01 for rate in rates)


@kinds
def test_a_tangent_takes_the_stock_path(kind, routed):
    x, t = torch.randn(2, *kind.shape)

    def derivative():
        with forward_ad.dual_level():
            y = stock(kind)(forward_ad.make_dual(x, t), 0.5, True)
            return forward_ad.unpack_dual(y).tangent

    outside = seeded(derivative)
    with accelerate():
        inside = seeded(derivative)
    assert same(inside, outside)
    assert not routed


def negated(x):
    """Return -x as torch's lazy negative view."""
    return torch.complex(x, x).conj().imag


@pytest.mark.parametrize("make", [negated, lambda x: torch._efficientzerotensor(x.shape)])
def test_lazy_tensors_take_the_stock_path(make, routed):
    x = make(torch.randn(64, 256))
    outside = seeded(torch.dropout, x, 0.5, True)
    with accelerate():
        inside = seeded(torch.dropout, x, 0.5, True)
    assert same(inside, outside)
    assert not routed


def test_sparse_tensors_are_refused_in_torch_s_words():
    x = torch.ones(256, 256).to_sparse()
    with pytest.raises(NotImplementedError) as outside:
        torch.dropout(x, 0.5, True)
    with accelerate(), pytest.raises(NotImplementedError) as inside:
        torch.dropout(x, 0.5, True)
    assert str(inside.value)[:200] == str(outside.value)[:200]


def test_an_executor_forced_to_the_reference_leaves_torch_its_own(routed):
    # The reference is for comparing: it is slower than torch.
    x = torch.ones(64, 256)
    outside = seeded(torch.dropout, x, 0.5, True)
    with accelerate(), use_executor("reference"):
        inside = seeded(torch.dropout, x, 0.5, True)
    assert same(inside, outside)
    assert not routed


def test_without_compiled_kernels_nothing_is_routed(monkeypatch, routed):
    monkeypatch.setattr(select, "is_usable", lambda _: False)
    with accelerate():
        torch.dropout(torch.ones(64, 256), 0.5, True)
    assert not routed
