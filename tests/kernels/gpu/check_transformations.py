"""The layers on the GPU's kernels: chosen by `select`, differentiated, recorded by a compiler."""

import copy

import pytest
import torch

from skips import require
from wolfsbane import functional as F
from wolfsbane import nn
from wolfsbane.kernels.select import use_executor
from wolfsbane.mask import keep_mask, scale

# torch's compiler warns of torch.
pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
]


def network():
    torch.manual_seed(0)
    return torch.nn.Sequential(
        torch.nn.Conv2d(2, 4, 3),
        nn.BatchNormAct2d(4, "relu", p=0.2),
        nn.Dropout2d(0.3),
        torch.nn.Flatten(),
        torch.nn.Linear(64, 8, bias=False),
        nn.BiasActDropout(8, "gelu", p=0.1),
        nn.Dropout(0.5),
        nn.Dropout(0.5),
    )


def step(model, x):
    """Return the output, all gradients, and the running statistics after a step."""
    torch.manual_seed(7)
    leaf = x.clone().requires_grad_()
    with use_executor("gpu"):
        output = model(leaf)
        output.square().sum().backward()
    gradients = [parameter.grad for parameter in model.parameters()]
    return [output.detach(), leaf.grad, *gradients, *model.buffers()]


def test_layers_on_the_kernels_are_what_they_are_on_the_reference(device):
    model, x = network().to(device), torch.randn(3, 2, 6, 6, device=device)
    ours = step(copy.deepcopy(model), x)
    torch.manual_seed(7)
    leaf = x.clone().requires_grad_()
    with use_executor("reference"):
        output = model(leaf)
        output.square().sum().backward()
    assert torch.equal(ours[0] == 0, output == 0)
    theirs = [output.detach(), leaf.grad, *(p.grad for p in model.parameters()), *model.buffers()]
    for mine, other in zip(ours, theirs, strict=True):
        torch.testing.assert_close(mine, other, rtol=1e-3, atol=1e-4)


def test_compiled_step_is_the_eager_one(device):
    model, x = network().to(device), torch.randn(3, 2, 6, 6, device=device)
    eager = step(copy.deepcopy(model), x)
    torch.compiler.reset()
    compiled = copy.deepcopy(model)
    graph = torch.compile(compiled, backend="aot_eager", fullgraph=True)
    torch.manual_seed(7)
    leaf = x.clone().requires_grad_()
    with use_executor("gpu"):
        output = graph(leaf)
        output.square().sum().backward()
    found = [output.detach(), leaf.grad, *(p.grad for p in compiled.parameters())]
    for mine, other in zip([*found, *compiled.buffers()], eager, strict=True):
        torch.testing.assert_close(mine, other)


def test_functions_under_use_executor_have_the_mask_of_the_contract(device):
    x = torch.ones(3001, device=device)
    torch.manual_seed(3)
    with use_executor("gpu"):
        y = F.dropout(x, 0.3)
    torch.manual_seed(3)
    key = int(torch.randint(-(2**63), 2**63 - 1, (), dtype=torch.int64)) % 2**64
    expected = keep_mask(3001, 0.3, key, device) * torch.tensor(scale(0.3), device=device)
    assert torch.equal(y, expected.float())


def test_capture_of_a_cuda_graph_is_refused_in_training_and_not_in_evaluation(device):
    require(device.type == "cuda", "a CUDA GPU")
    layer, x = nn.Dropout(0.5), torch.ones(8, device=device)
    layer(x)
    with torch.cuda.graph(torch.cuda.CUDAGraph()):
        assert layer.eval()(x) is x
    with (
        pytest.raises(RuntimeError, match="the same mask for ever"),
        torch.cuda.graph(torch.cuda.CUDAGraph()),
    ):
        layer.train()(x)
