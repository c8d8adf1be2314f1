"""torch.autocast: dtypes as torch's own layers give, gradients as in float32 up to rounding."""

import pytest
import torch

from skips import require_cuda
from transforms.networks import SHAPE, P, everything, layers, of_torch_itself, seeded
from wolfsbane import nn

pytestmark = [*of_torch_itself]

EPS = torch.finfo(torch.bfloat16).eps


def autocast(device="cpu"):
    return torch.autocast(device, torch.bfloat16)


TWINS = (
    ("Dropout", (P,), (6, 8)),
    ("Dropout1d", (P,), (6, 8, 3)),
    ("Dropout2d", (P,), (6, 8, 3, 3)),
    ("Dropout3d", (P,), (6, 8, 2, 3, 3)),
    ("AlphaDropout", (P,), (6, 8)),
    ("FeatureAlphaDropout", (P,), (6, 8, 3)),
    ("BatchNorm1d", (8,), (6, 8)),
    ("BatchNorm2d", (8,), (6, 8, 3, 3)),
    ("BatchNorm3d", (8,), (6, 8, 2, 3, 3)),
)


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float32])
@pytest.mark.parametrize(("layer", "arguments", "shape"), TWINS, ids=str)
def test_layer_has_the_dtype_of_torch_s_layer(layer, arguments, shape, dtype, training):
    x = torch.randn(shape, dtype=dtype)
    with autocast():
        found = getattr(nn, layer)(*arguments).train(training)(x)
        expected = getattr(torch.nn, layer)(*arguments).train(training)(x)
    assert found.dtype is expected.dtype


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float32])
@layers
def test_layer_keeps_the_dtype_of_its_input(case, dtype):
    x = torch.randn(case.shape, dtype=dtype)
    with autocast():
        y = case.make()(x)
    assert y.dtype is dtype


@pytest.mark.parametrize("branch", [torch.bfloat16, torch.float32])
def test_branch_is_added_in_the_wider_dtype_as_in_torch(branch):
    x, residual = torch.randn(6, 8, dtype=branch), torch.randn(6, 8)
    with autocast():
        found, _ = seeded(nn.DropoutAdd(P), x, residual)
        expected, _ = seeded(lambda x, r: nn.Dropout(P)(x) + r, x, residual)
    torch.testing.assert_close(found, expected)


def mlp(device="cpu"):
    torch.manual_seed(0)
    return torch.nn.Sequential(
        torch.nn.Linear(8, 16),
        nn.BatchNormAct1d(16, "gelu", P),
        torch.nn.Linear(16, 16, bias=False),
        nn.BiasActDropout(16, "silu", P),
        torch.nn.Linear(16, 16),
        nn.BatchNorm1d(16),
        nn.AlphaDropout(P),
        torch.nn.Linear(16, 4),
        nn.Dropout(P),
    ).to(device)


def step(model, x, enabled, device="cpu", call=None):
    """Return output and gradients of one step, forward under autocast where it is enabled."""
    torch.manual_seed(3)
    model.zero_grad()
    with torch.autocast(device, torch.bfloat16, enabled=enabled):
        y = (call or model)(x)
    y.float().square().mean().backward()
    return y.detach().float(), [parameter.grad.clone() for parameter in model.parameters()]


def assert_near_float32(model, x, device="cpu"):
    output, grads = step(model, x, enabled=True, device=device)
    expected, expected_grads = step(model, x, enabled=False, device=device)
    assert torch.equal(output == 0, expected == 0)
    # Ten roundings forward and as many backward, each of half an eps, through weights whose norms
    # are about one: 20 eps of the largest value leaves as much again for how they add up.
    for found, wide in zip([output, *grads], [expected, *expected_grads], strict=True):
        assert found.dtype is torch.float32
        largest = max(wide.abs().max().item(), expected_grads[-1].abs().max().item())
        assert (found - wide).abs().max().item() <= 20 * EPS * largest


def test_gradients_of_a_network_are_near_those_in_float32():
    assert_near_float32(mlp(), torch.randn(64, 8))


def test_compiled_network_under_autocast_is_that_of_eager_code():
    x, other = torch.randn(32, 8), mlp()
    compiled = torch.compile(other, backend="aot_eager", fullgraph=True)
    expected = step(mlp(), x, enabled=True)
    torch.testing.assert_close(step(other, x, enabled=True, call=compiled), expected)


def test_every_layer_trains_under_autocast_with_finite_gradients():
    model = everything()
    with autocast():
        y = model(torch.randn(SHAPE))
    y.float().square().mean().backward()
    for name, parameter in model.named_parameters():
        assert parameter.grad.dtype is torch.float32, name
        assert parameter.grad.isfinite().all(), name


def test_gradients_on_a_gpu_are_near_those_in_float32():
    require_cuda()
    assert_near_float32(mlp("cuda"), torch.randn(64, 8, device="cuda"), "cuda")
