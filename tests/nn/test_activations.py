"""That torch's activations are right, which is why they are re-exported and not written again."""

import pytest
import torch

from wolfsbane import nn

ARGUMENTS = {"Threshold": (0.5, 0.1), "Softmin": (0,), "Softmax": (0,), "LogSoftmax": (0,)}

NAMES = sorted(
    name
    for name in nn.__all__
    if getattr(nn, name).__module__ == "torch.nn.modules.activation" and name != "Softmax2d"
)

ROUNDINGS = 6
"""Half units in the last place allowed, at the size of the largest term. GELU makes 4.6 (its erf is
a polynomial), the others at most 3."""


def whole_range():
    magnitudes = torch.logspace(-30, 2, 20_001)
    return torch.cat([torch.linspace(-100, 100, 200_001), magnitudes, -magnitudes, torch.zeros(1)])


@pytest.mark.parametrize("name", NAMES)
def test_float32_is_within_a_few_roundings_of_float64(name):
    """The size is that of input or output: x - tanh(x) near zero is right to the size of x."""
    layer = getattr(nn, name)(*ARGUMENTS.get(name, ())).eval()
    x = whole_range()
    if name == "GLU":
        x = torch.stack([x, x.flip(0)], dim=-1)
    with torch.no_grad():
        y, truth = layer(x).double(), layer.double()(x.double())
    largest_input = x.double().abs().amax(-1, keepdim=True) if name == "GLU" else x.double().abs()
    size = torch.maximum(truth.abs(), largest_input)
    rounding = torch.finfo(torch.float32).eps / 2
    allowed = ROUNDINGS * rounding * size + torch.finfo(torch.float32).tiny
    assert (y - truth).abs().le(allowed).all()
