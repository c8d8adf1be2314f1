"""Filter response norm against the formula of the paper, and of timm."""

import pytest
import torch

from cases import dtypes
from significance import assert_as_accurate_as_torch
from wolfsbane import functional as F
from wolfsbane import nn
from wolfsbane.errors import ArgumentError, ArgumentTypeError, DtypeError, ShapeError

SHAPES = pytest.mark.parametrize(
    "shape", [(4, 3, 5), (4, 3, 1), (2, 3, 4, 5), (2, 3, 2, 4, 2), (0, 3, 4)], ids=str
)
LAYERS = pytest.mark.parametrize("dims", [1, 2, 3])


def layer_for(shape, dtype=torch.float64, **options):
    layer = getattr(nn, f"FilterResponseNorm{len(shape) - 2}d")(shape[1], dtype=dtype, **options)
    for parameter in (layer.weight, layer.bias, layer.tau):
        if parameter is not None:
            torch.nn.init.uniform_(parameter, -0.5, 1.5)
    return layer


def timm_formula(x, weight, bias, tau=None, eps=1e-5):
    """Return what timm computes for images, for any number of dimensions."""
    shape = [1, -1, *[1] * (x.dim() - 2)]
    positions = list(range(2, x.dim()))
    y = x * x.square().float().mean(positions, keepdim=True).add(eps).rsqrt().to(x.dtype)
    y = y * weight.view(shape).to(x.dtype) + bias.view(shape).to(x.dtype)
    return y if tau is None else torch.maximum(y, tau.view(shape).to(x.dtype))


def paper(x, gamma, beta, tau=None, eps=1e-5):
    """Return equations 1 to 3, channel by channel."""
    y = torch.empty_like(x)
    for n in range(len(x)):
        for c in range(x.size(1)):
            nu2 = (x[n, c] ** 2).sum() / x[n, c].numel()
            y[n, c] = gamma[c] * x[n, c] / torch.sqrt(nu2 + abs(eps)) + beta[c]
            if tau is not None:
                y[n, c] = torch.clamp(y[n, c], min=tau[c].item())
    return y


@SHAPES
@pytest.mark.parametrize("training", [True, False])
def test_output_is_the_paper_s_in_training_and_evaluation(shape, training):
    layer = layer_for(shape).train(training)
    x = torch.randn(shape, dtype=torch.float64) * 3 + 1
    with torch.no_grad():
        expected = paper(x, layer.weight, layer.bias, layer.tau)
        torch.testing.assert_close(layer(x), expected)


@pytest.mark.parametrize(
    ("options", "activate"),
    [
        ({"activation": None}, lambda y: y),
        ({"activation": "identity"}, lambda y: y),
        ({"activation": "relu"}, torch.relu),
        ({"activation": torch.nn.SiLU()}, torch.nn.functional.silu),
    ],
)
def test_other_activation_than_the_tlu_follows_the_norm(options, activate):
    layer = layer_for((4, 3, 5), **options)
    x = torch.randn(4, 3, 5, dtype=torch.float64)
    with torch.no_grad():
        torch.testing.assert_close(layer(x), activate(paper(x, layer.weight, layer.bias)))


@LAYERS
def test_tlu_has_the_keys_and_shapes_of_timm_and_the_norm_alone_has_no_tau(dims):
    cls = getattr(nn, f"FilterResponseNorm{dims}d")
    theirs = {"weight": torch.rand(3), "bias": torch.rand(3), "tau": torch.rand(3)}
    x = torch.randn(2, 3, *[4] * dims)
    layer = cls(3)
    assert list(layer.state_dict()) == list(theirs)
    layer.load_state_dict(theirs)
    torch.testing.assert_close(layer(x).detach(), timm_formula(x, **theirs))
    theirs.pop("tau")
    for activation in (None, "relu"):  # FilterResponseNormTlu2d(apply_act=False), ...Act2d
        layer = cls(3, activation=activation)
        assert list(layer.state_dict()) == list(theirs)
        layer.load_state_dict(theirs)
        expected = timm_formula(x, **theirs)
        expected = expected if activation is None else expected.relu()
        torch.testing.assert_close(layer(x).detach(), expected)


@dtypes
@pytest.mark.parametrize("wide_parameters", [False, True])
def test_each_dtype_is_as_accurate_as_timm_s_formula_in_float32_rounded_once(
    dtype, wide_parameters
):
    half = dtype in {torch.float16, torch.bfloat16}
    layer = layer_for((8, 3, 6, 7), torch.float32 if half and wide_parameters else dtype)
    x = (torch.randn(8, 3, 6, 7, dtype=torch.float64) * 3 + 1).to(dtype)
    tensors = [parameter.detach() for parameter in (layer.weight, layer.bias, layer.tau)]
    truth = paper(x.double(), *(tensor.double() for tensor in tensors))
    wide = torch.promote_types(dtype, torch.float32)
    theirs = timm_formula(x.to(wide), *(tensor.to(wide) for tensor in tensors)).to(dtype)
    assert_as_accurate_as_torch(layer(x).detach(), theirs, truth)
    if half:  # rounding twice leaves two to four percent different
        assert (layer(x) == truth.to(dtype)).float().mean() > 0.99


def test_large_input_does_not_overflow():
    y = nn.FilterResponseNorm1d(1, activation=None)(torch.full((1, 1, 8), 1e30))
    torch.testing.assert_close(y, torch.ones(1, 1, 8), rtol=1e-6, atol=0)


def test_gradient_of_a_large_input_is_not_lost():
    x = (torch.randn(2, 3, 8) * 1e30).requires_grad_()
    wide = x.detach().double().requires_grad_()
    grads = [torch.autograd.grad(F.filter_response_norm(y)[..., 0].sum(), y)[0] for y in (x, wide)]
    torch.testing.assert_close(grads[0].double(), grads[1], rtol=1e-4, atol=1e-36)


@pytest.mark.parametrize("shape", [(2, 3, 5), (2, 3, 1), (2, 2, 3, 2), (2, 2, 2, 1, 2)], ids=str)
@pytest.mark.parametrize("learn_eps", [False, True])
def test_gradients_are_those_of_finite_differences(shape, learn_eps):
    layer = layer_for(shape, learn_eps=learn_eps, eps=0.01)
    x = torch.randn(shape, dtype=torch.float64, requires_grad=True)
    eps = layer.eps
    inputs = (x, layer.weight, layer.bias, layer.tau, *([eps] if learn_eps else []))

    def function(x, weight, bias, tau, eps=eps):
        return F.filter_response_norm(x, weight, bias, tau, eps)

    assert torch.autograd.gradcheck(function, inputs)
    assert torch.autograd.gradgradcheck(function, inputs)


def test_channel_of_zeros_has_a_finite_gradient():
    x = torch.zeros(2, 3, 4, dtype=torch.float64, requires_grad=True)
    layer = layer_for((2, 3, 4), activation=None)
    (grad,) = torch.autograd.grad(layer(x).sum(), x)
    expected = (layer.weight / torch.tensor(layer.eps).double().sqrt()).view(1, 3, 1)
    torch.testing.assert_close(grad, expected.detach().expand(2, 3, 4))


def test_channel_of_zeros_has_a_gradient_of_its_gradient():
    """As a gradient penalty takes it: one nan there would be the loss of all."""
    x = torch.randn(2, 3, 4, dtype=torch.float64)
    x[0, 1] = 0
    x.requires_grad_()
    assert torch.autograd.gradgradcheck(lambda x: F.filter_response_norm(x, eps=0.5), x)


def test_learned_eps_is_a_parameter_whose_magnitude_counts():
    layer = layer_for((2, 3, 4), learn_eps=True, eps=1e-4)
    assert list(layer.state_dict()) == ["weight", "bias", "tau", "eps"]
    x = torch.randn(2, 3, 4, dtype=torch.float64)
    expected = layer(x)
    with torch.no_grad():
        layer.eps.neg_()
    torch.testing.assert_close(layer(x), expected)
    layer.reset_parameters()
    assert layer.eps.item() == 1e-4
    assert torch.equal(layer.weight.detach(), torch.ones(3).double())


def test_derivatives_hold_in_both_modes_and_for_maps():
    layer = layer_for((2, 3, 4))
    x = torch.randn(2, 3, 4, dtype=torch.float64)
    torch.testing.assert_close(torch.func.jacfwd(layer)(x), torch.func.jacrev(layer)(x))


def test_samples_do_not_see_each_other():
    layer = layer_for((4, 3, 5))
    x = torch.randn(4, 3, 5, dtype=torch.float64)
    torch.testing.assert_close(layer(x)[1:2], layer(x[1:2]))


def test_layout_is_kept():
    x = torch.randn(4, 3, 4, 5).to(memory_format=torch.channels_last)
    assert layer_for(x.shape, torch.float32)(x).is_contiguous(memory_format=torch.channels_last)


@pytest.mark.parametrize(
    ("dims", "shape", "message"),
    [
        (1, (3, 4), r"^expected 3D input \(got 2D input\)"),
        (2, (2, 3, 4), r"^expected 4D input \(got 3D input\)"),
        (3, (2, 3, 4, 4), r"^expected 5D input \(got 4D input\)"),
        (1, (2, 4, 3), "^weight should contain 4 elements not 3"),
    ],
)
def test_input_of_another_shape_is_refused(dims, shape, message):
    with pytest.raises(ShapeError, match=message):
        getattr(nn, f"FilterResponseNorm{dims}d")(3)(torch.randn(shape))


def test_function_refuses_vectors_integers_and_a_bad_eps():
    with pytest.raises(ShapeError, match=r"^expected at least 3D input \(got 2D input\)"):
        F.filter_response_norm(torch.randn(2, 3))
    with pytest.raises(DtypeError, match=r"not implemented for torch\.int64"):
        F.filter_response_norm(torch.ones(2, 3, 4, dtype=torch.int64))
    with pytest.raises(DtypeError, match="mixed dtype"):
        F.filter_response_norm(torch.ones(2, 3, 4), torch.ones(3, dtype=torch.float64))
    with pytest.raises(ArgumentError, match=r"eps must be positive, but got 0\.0"):
        F.filter_response_norm(torch.ones(2, 3, 4), eps=0.0)
    with pytest.raises(ArgumentTypeError, match=r"eps has to be a finite number, but got 'a'"):
        F.filter_response_norm(torch.ones(2, 3, 4), eps="a")


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"num_features": 0}, ArgumentError, "^num_features has to be a positive integer"),
        ({"eps": -1.0}, ArgumentError, "^batch_norm eps must be positive"),
        ({"activation": "swish"}, ArgumentError, "did you mean 'silu'"),
        ({"activation": 3}, ArgumentTypeError, "^activation has to be one of"),
        ({"epsilon": 1e-3}, ArgumentTypeError, "did you mean eps"),
    ],
)
def test_option_out_of_range_is_refused(options, error, message):
    with pytest.raises(error, match=message):
        nn.FilterResponseNorm2d(**({"num_features": 3} | options))


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, "FilterResponseNorm1d(3, eps=1e-05, activation=tlu)"),
        (
            {"activation": None, "learn_eps": True, "eps": 1e-4},
            "FilterResponseNorm1d(3, eps=0.0001, activation=identity, learn_eps=True)",
        ),
    ],
)
def test_repr_names_the_activation(options, expected):
    assert repr(nn.FilterResponseNorm1d(3, **options)) == expected
