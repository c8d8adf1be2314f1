"""Networks of wolfsbane's layers, a table of the layers, and training that says what it did."""

from collections.abc import Callable
from dataclasses import dataclass

import pytest
import torch
from torch import Tensor

from cases import BATCH_NORMS, DROPOUTS
from wolfsbane import nn

SEED = 20260731
P = 0.25
SHAPE = (6, 2, 4, 4)
"""Of the input of `Everything`."""

# Torch's compiler, exporters and pruning still use what torch has deprecated.
of_torch_itself = (
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
)

backends = pytest.mark.parametrize("backend", ["aot_eager", "inductor"])


class Everything(torch.nn.Module):
    """Every layer of wolfsbane that drops or normalises, with parameters in between."""

    def __init__(self, p: float = P):
        super().__init__()
        self.conv = torch.nn.Conv2d(2, 4, 3, padding=1)
        self.images = torch.nn.Sequential(
            nn.BatchNormAct2d(4, "gelu", p=p),
            nn.Dropout2d(p),
            nn.BatchNorm2d(4, momentum=None),
        )
        self.volumes = torch.nn.Sequential(nn.Dropout3d(p), nn.BatchNorm3d(4))
        self.branch = torch.nn.Sequential(nn.FeatureAlphaDropout(p), nn.DropPath(p))
        self.sequences = nn.Dropout1d(p)
        self.narrow = torch.nn.Linear(64, 16, bias=False)
        self.bias = nn.BiasActDropout(16, "silu", p=p)
        self.sublayer = torch.nn.Linear(16, 16)
        self.add = nn.DropoutAdd(p)
        self.head = torch.nn.Sequential(
            nn.AlphaDropout(p),
            nn.BatchNormAct1d(16, "relu", p=p, momentum=None),
            nn.BatchNorm1d(16),
            nn.Dropout(p),
            torch.nn.Linear(16, 3),
        )

    def forward(self, input: Tensor) -> Tensor:
        x = self.images(self.conv(input))
        x = self.volumes(x.unsqueeze(2)).squeeze(2)
        x = x + self.branch(x)
        x = self.sequences(x.flatten(2)).flatten(1)
        x = self.bias(self.narrow(x))
        return self.head(self.add(self.sublayer(x), x))


class Branch(torch.nn.Module):
    """A layer of two inputs as one of one."""

    def __init__(self, layer: torch.nn.Module):
        super().__init__()
        self.layer = layer

    def forward(self, input: Tensor) -> Tensor:
        return self.layer(input.sin(), input)


@dataclass(frozen=True)
class LayerCase:
    """A layer of wolfsbane, and the shape of an input for it."""

    name: str
    make: Callable[[], torch.nn.Module]
    shape: tuple[int, ...]


DROPOUT_LAYERS = tuple(
    LayerCase(case.name, lambda case=case: getattr(nn, case.layer)(P), case.shape)
    for case in DROPOUTS
)

BLOCKS = (
    LayerCase("DropoutAdd", lambda: Branch(nn.DropoutAdd(P)), (5, 7, 31)),
    LayerCase("BiasActDropout", lambda: nn.BiasActDropout(13, "gelu", P), (11, 13)),
    LayerCase("BatchNormAct1d", lambda: nn.BatchNormAct1d(5, "silu", P), (7, 5, 11)),
    LayerCase("BatchNormAct2d", lambda: nn.BatchNormAct2d(3, "relu", P), (5, 3, 7, 2)),
    LayerCase("BatchNormAct3d", lambda: nn.BatchNormAct3d(2, "tanh", P), (3, 2, 5, 2, 3)),
    LayerCase("momentum-None", lambda: nn.BatchNormAct1d(5, "gelu", P, momentum=None), (7, 5)),
)

NORMS = tuple(
    LayerCase(case.name, lambda case=case: getattr(nn, case.layer)(case.num_features), case.shape)
    for case in BATCH_NORMS
    if case.layer != "SyncBatchNorm"  # Alone, it is the batch norm of its dimensions.
)

LAYERS = (*DROPOUT_LAYERS, *BLOCKS, *NORMS)

layers = pytest.mark.parametrize("case", LAYERS, ids=lambda case: case.name)


def everything(p: float = P) -> Everything:
    """Return the same network at every call."""
    torch.manual_seed(SEED)
    return Everything(p)


def seeded(function, *args):
    """Return a function's results for a fixed seed, and the generator's state after."""
    torch.manual_seed(SEED)
    results = function(*args)
    results = results if isinstance(results, tuple | list) else (results,)
    return [*results, torch.get_rng_state()]


def train(model, call, num_steps=3, shape=SHAPE):
    """Return all that training leaves: outputs, gradients, parameters, buffers, random state."""
    torch.manual_seed(SEED)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    seen = {}
    for step in range(num_steps):
        # Not from the default generator: its state afterwards tells of the draws alone.
        inputs = torch.Generator().manual_seed(step)
        x = torch.randn(shape, generator=inputs).requires_grad_()
        optimizer.zero_grad()
        y = call(x)
        y.square().mean().backward()
        optimizer.step()
        seen |= {f"output of step {step}": y.detach(), f"input gradient of step {step}": x.grad}
    for name, parameter in model.named_parameters():
        seen |= {name: parameter.detach(), f"gradient of {name}": parameter.grad}
    return seen | dict(model.named_buffers()) | {"random state": torch.get_rng_state()}


def assert_same(found, expected, **bounds):
    """Assert the same named results, as close as torch takes rounding in their dtype to be."""
    assert found.keys() == expected.keys()
    for name, value in expected.items():
        torch.testing.assert_close(
            found[name], value, msg=lambda words, name=name: f"{name}: {words}", **bounds
        )


def operators_of(graph_module):
    """Return the names of the operators of wolfsbane that a graph calls."""
    return [
        str(node.target)
        for module in graph_module.modules()
        if isinstance(module, torch.fx.GraphModule)
        for node in module.graph.nodes
        if "wolfsbane" in str(node.target)
    ]
