"""What torch.compile makes of the layers: no kernel is called in a trace, and results stay."""

import pytest
import torch

from wolfsbane import nn


def network():
    torch.manual_seed(0)
    return torch.nn.Sequential(
        torch.nn.Linear(6, 8, bias=False),
        nn.BiasActDropout(8, "gelu", p=0.0),
        torch.nn.Linear(8, 8),
        nn.BatchNormAct1d(8, "silu", p=0.0),
        nn.BatchNorm1d(8),
        nn.Dropout(0.5),
    )


@pytest.fixture(autouse=True)
def compiler_is_reset():
    torch.compiler.reset()
    yield
    torch.compiler.reset()


def test_network_in_evaluation_is_one_graph():
    model, x = network().eval(), torch.randn(5, 6)
    compiled = torch.compile(model, backend="eager", fullgraph=True)
    assert torch.allclose(compiled(x), model(x), atol=1e-6)


# Dynamo, guarding the values between two graphs, asks each of them for its gradient.
@pytest.mark.filterwarnings("ignore:The .grad attribute of a Tensor that is not a leaf")
@pytest.mark.parametrize("backend", ["eager", "aot_eager"])
def test_network_in_training_gives_the_eager_gradients(backend):
    x, grads = torch.randn(5, 6), []
    for compile_it in (False, True):
        model = network()[:-1]
        step = torch.compile(model, backend=backend) if compile_it else model
        step(x).pow(3).sum().backward()
        grads.append([parameter.grad for parameter in model.parameters()])
    for one, other in zip(*grads, strict=True):
        assert torch.allclose(one, other, rtol=1e-4, atol=1e-5)
