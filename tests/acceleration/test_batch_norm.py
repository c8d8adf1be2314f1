"""Which batch norms are routed, what they then compute, and what they leave to torch."""

import copy

import pytest
import torch
import torch.nn.functional as F

from wolfsbane import accelerate

pytestmark = pytest.mark.usefixtures("any_size_pays")

LAYERS = {
    "BatchNorm1d": (64, 5),
    "BatchNorm1d-sequence": (16, 5, 11),
    "BatchNorm2d": (16, 5, 7, 3),
    "BatchNorm3d": (8, 5, 2, 3, 4),
}

layers = pytest.mark.parametrize("name", LAYERS)

DTYPES = {
    "float32": (torch.float32, torch.float32),
    "float64": (torch.float64, torch.float64),
    "bfloat16": (torch.bfloat16, torch.bfloat16),
    "mixed": (torch.bfloat16, torch.float32),
}
"""dtype of the input, dtype of the parameters."""

dtypes = pytest.mark.parametrize("dtypes", DTYPES.values(), ids=DTYPES)


def build(name, dtype=torch.float32, **options):
    torch.manual_seed(3)
    layer = getattr(torch.nn, name.partition("-")[0])(5, **options)
    if layer.affine:
        torch.nn.init.normal_(layer.weight)
        torch.nn.init.normal_(layer.bias)
    return layer.to(dtype)


def step(layer, x, grad):
    """Return the output, the gradients and the buffers of one forward and backward pass."""
    layer, x = copy.deepcopy(layer), x.detach().requires_grad_()
    y = layer(x)
    y.backward(grad)
    gradients = [x.grad, *(parameter.grad for parameter in layer.parameters())]
    return [y.detach(), *gradients, *layer.buffers()]


def exact(layer, x, grad):
    return step(copy.deepcopy(layer).double(), x.double(), grad.double())


def assert_no_worse(given, stock, truth, floor):
    """Assert errors of at most twice torch's plus a floor, relative to the largest value."""
    for mine, theirs, true in zip(given, stock, truth, strict=True):
        assert mine.dtype is theirs.dtype
        assert mine.shape == theirs.shape
        size = true.abs().max().clamp(min=1)
        error, allowed = (mine - true).abs().max(), (theirs - true).abs().max()
        assert error <= 2 * allowed + floor * size


@layers
@dtypes
@pytest.mark.parametrize("affine", [True, False])
@pytest.mark.parametrize("momentum", [0.1, None])
@pytest.mark.parametrize("track", [True, False])
def test_a_routed_step_is_as_exact_as_torch_s(name, dtypes, affine, momentum, track, routed):
    dtype, parameter_dtype = dtypes
    options = {"affine": affine, "momentum": momentum, "track_running_stats": track}
    layer = build(name, parameter_dtype, **options)
    x, grad = torch.randn(2, *LAYERS[name]).to(dtype) + 1
    stock = step(layer, x, grad)
    with accelerate():
        given = step(layer, x, grad)
    assert routed == [("batch_norm", LAYERS[name]), ("backward", LAYERS[name])]
    # One rounding of the dtype: torch may have been lucky. In float64 the truth is torch's own,
    # and sums of up to 200 values differ by some sqrt(200) roundings from it.
    num_roundings = 32 if dtype is torch.float64 else 1
    floor = num_roundings * torch.finfo(dtype).eps
    assert_no_worse(given, stock, exact(layer, x, grad), floor)


@layers
def test_evaluation_is_torch_s_bit_for_bit(name, routed):
    layer = build(name).eval()
    x, grad = torch.randn(2, *LAYERS[name])
    stock = step(layer, x, grad)
    with accelerate():
        given = step(layer, x, grad)
    assert not routed
    assert all(torch.equal(a, b) for a, b in zip(given, stock, strict=True))


@pytest.mark.parametrize(
    ("make", "track"),
    [
        (lambda x: x.contiguous(memory_format=torch.channels_last), True),
        (lambda x: x.mT, True),
        (lambda x: x[..., ::2], False),
        (lambda x: x.half(), True),
    ],
    ids=["channels-last", "transposed", "strided", "float16"],
)
def test_what_does_not_pay_is_torch_s_bit_for_bit(make, track, routed):
    x = make(torch.randn(16, 5, 8, 6))
    layer = build("BatchNorm2d", x.dtype, track_running_stats=track)
    grad = torch.randn(x.shape).to(x.dtype)
    stock = step(layer, x, grad)
    with accelerate():
        given = step(layer, x, grad)
    assert not routed
    assert all(torch.equal(a, b) for a, b in zip(given, stock, strict=True))


def test_small_batches_are_torch_s_bit_for_bit(routed, monkeypatch):
    monkeypatch.undo()
    layer, (x, grad) = build("BatchNorm2d"), torch.randn(2, 4, 5, 3, 3)
    stock = step(layer, x, grad)
    with accelerate():
        given = step(layer, x, grad)
    assert not routed
    assert all(torch.equal(a, b) for a, b in zip(given, stock, strict=True))


def test_a_subclass_keeps_torch_s_numbers(routed):
    class Named(torch.Tensor):
        pass

    x = torch.randn(16, 5, 7, 3)
    stock = build("BatchNorm2d")(x)
    with accelerate():
        y = build("BatchNorm2d")(x.as_subclass(Named))
    assert type(y) is Named
    assert not routed
    assert torch.equal(y.as_subclass(torch.Tensor), stock)


def test_one_running_statistic_alone_is_refused_in_torch_s_words():
    with accelerate(), pytest.raises(ValueError, match="must either both be None or neither"):
        F.batch_norm(torch.randn(8, 5), torch.zeros(5), None, training=True)


def test_a_graph_recorded_inside_runs_backward_outside(routed):
    layer, (x, grad) = build("BatchNorm2d"), torch.randn(2, 16, 5, 7, 3)
    stock = step(layer, x, grad)
    x = x.requires_grad_()
    with accelerate():
        y = layer(x)
    y.backward(grad)
    assert routed == [("batch_norm", (16, 5, 7, 3))]
    for given, expected in zip((x.grad, layer.weight.grad), stock[1:], strict=False):
        torch.testing.assert_close(given, expected)


def test_a_graph_recorded_outside_runs_backward_inside(routed):
    layer, (x, grad) = build("BatchNorm2d"), torch.randn(2, 16, 5, 7, 3)
    stock = step(layer, x, grad)
    x = x.requires_grad_()
    y = layer(x)
    with accelerate():
        y.backward(grad)
    assert routed == [("backward", (16, 5, 7, 3))]
    for given, expected in zip((x.grad, layer.weight.grad), stock[1:], strict=False):
        torch.testing.assert_close(given, expected)


def test_only_the_gradients_asked_for_are_returned():
    layer, x = build("BatchNorm2d"), torch.randn(16, 5, 7, 3)
    layer.bias.requires_grad_(requires_grad=False)
    with accelerate():
        layer(x).square().mean().backward()
    assert layer.bias.grad is None
    assert layer.weight.grad is not None


def test_a_gradient_in_another_layout_is_taken():
    layer, x = build("BatchNorm2d"), torch.randn(16, 5, 8, 6)
    grad = torch.randn(16, 5, 6, 8).mT
    with accelerate():
        for mine, theirs in zip(
            step(layer, x, grad), step(layer, x, grad.contiguous()), strict=True
        ):
            assert torch.equal(mine, theirs)
        x = x.requires_grad_()
        layer(x).sum().backward()  # a gradient that is one value, expanded
    assert x.grad.abs().max() < 1e-4


def test_first_and_second_derivatives_are_right(routed):
    x = torch.randn(4, 2, 3, dtype=torch.float64, requires_grad=True)
    weight, bias = torch.randn(2, 2, dtype=torch.float64).requires_grad_()

    def function(x, weight, bias):
        return F.batch_norm(x, None, None, weight, bias, training=True).square()

    with accelerate():
        assert torch.autograd.gradcheck(function, (x, weight, bias))
        assert torch.autograd.gradgradcheck(function, (x, weight, bias))
    assert ("backward", (4, 2, 3)) in routed


def test_forward_derivatives_are_right():
    x, t = torch.randn(2, 4, 2, 3, dtype=torch.float64)
    function = lambda x: F.batch_norm(x, None, None, training=True)  # noqa: E731
    stock = torch.func.jvp(function, (x,), (t,))
    with accelerate():
        given = torch.func.jvp(function, (x,), (t,))
    torch.testing.assert_close(given, stock)


def test_vmap_and_grad_agree_with_torch_s():
    x = torch.randn(3, 16, 5, 7)

    def loss(x):
        return F.batch_norm(x, None, None, training=True).pow(3).mean()

    stock = torch.func.vmap(torch.func.grad(loss))(x)
    with accelerate():
        given = torch.func.vmap(torch.func.grad(loss))(x)
    torch.testing.assert_close(given, stock)


@pytest.mark.parametrize("mode", [torch.no_grad, torch.inference_mode])
def test_without_grad_it_is_routed_and_the_running_statistics_move(mode, routed):
    layer, x = build("BatchNorm2d"), torch.randn(16, 5, 7, 3)
    with accelerate(), mode():
        y = layer(x)
    assert routed == [("batch_norm", (16, 5, 7, 3))]
    assert not y.requires_grad
    assert (layer.running_mean != 0).all()


def test_under_autocast_it_is_routed_with_float32_parameters(routed):
    model = torch.nn.Sequential(torch.nn.Conv2d(3, 5, 3), build("BatchNorm2d"))
    with accelerate(), torch.autocast("cpu", dtype=torch.bfloat16):
        y = model(torch.randn(8, 3, 9, 9))
        y.float().square().mean().backward()
    assert y.dtype is torch.bfloat16
    assert routed == [("batch_norm", (8, 5, 7, 7)), ("backward", (8, 5, 7, 7))]


def test_parameters_of_two_dtypes_take_the_stock_path(routed):
    x = torch.randn(16, 5)
    with accelerate():
        F.batch_norm(x, None, None, torch.ones(5), torch.zeros(5), training=True)
        assert len(routed) == 1
        with pytest.raises(RuntimeError):
            F.batch_norm(x, None, None, torch.ones(5).double(), training=True)
    assert len(routed) == 1


def test_one_value_per_channel_is_refused_as_in_torch():
    with accelerate(), pytest.raises(ValueError, match="Expected more than 1 value per channel"):
        build("BatchNorm1d")(torch.randn(1, 5))


def test_instance_norm_is_batch_norm_and_so_routed(routed):
    x = torch.randn(4, 5, 7, 3)
    stock = F.instance_norm(x)
    with accelerate():
        given = F.instance_norm(x)
    assert routed == [("batch_norm", (1, 20, 7, 3))]
    torch.testing.assert_close(given, stock)
