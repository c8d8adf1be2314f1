"""Normal noise on a GPU, which has no kernel for it: the reference runs there."""

import pytest
import torch

from wolfsbane.errors import ArgumentError
from wolfsbane.kernels.noise import gaussian
from wolfsbane.kernels.select import choose, use_executor

KEY = 0xFEDCBA9876543210

dtypes = pytest.mark.parametrize(
    "dtype",
    [torch.float64, torch.float32, torch.bfloat16, torch.float16],
    ids=["float64", "float32", "bfloat16", "float16"],
)
kinds = pytest.mark.parametrize("is_factor", [True, False], ids=["factor", "added"])


@kinds
@dtypes
def test_noise_is_the_cpu_s_to_rounding(device, dtype, is_factor):
    x = torch.rand(5, 1021).to(dtype) + 1
    with use_executor("reference"):
        y = gaussian(x.to(device), 0.7, is_factor, KEY, 77)
    assert (y.device.type, y.dtype) == (device.type, dtype)
    eps = torch.finfo(dtype).eps
    expected = gaussian(x, 0.7, is_factor, KEY, 77)
    torch.testing.assert_close(y.cpu(), expected, rtol=4 * eps, atol=40 * eps)


def test_backward_has_the_noise_of_forward(device):
    x = torch.ones(1021, device=device, requires_grad=True)
    y = gaussian(x, 0.7, True, KEY)
    (grad,) = torch.autograd.grad(y, x, torch.ones_like(y))
    assert torch.equal(grad, y)


def test_forced_executor_says_that_it_has_no_kernel(device):
    x = torch.ones(3, device=device)
    if device.type == "cuda":
        assert choose("gaussian", x).executor == "reference"
    with use_executor("gpu"), pytest.raises(ArgumentError) as raised:
        gaussian(x, 0.7, True, KEY)
    assert "it has no kernel for gaussian" in str(raised.value)
