"""The collection's normalisations under torch.compile, torch.fx and torch.func."""

import copy
from dataclasses import dataclass, field
from typing import Any

import pytest
import torch

from transforms.networks import of_torch_itself
from wolfsbane import nn

pytestmark = [*of_torch_itself]

NOT_CLIPPED = {"r_steps": None, "d_steps": None}


@dataclass(frozen=True)
class NormCase:
    """A layer of the collection and a batch for it."""

    layer: str
    shape: tuple[int, ...]
    options: dict[str, Any] = field(default_factory=dict)
    note: str = ""

    @property
    def name(self):
        return self.layer + self.note

    def make(self):
        features = self.shape[-1 if self.layer == "BatchNormLast" else 1]
        layer = getattr(nn, self.layer)(features, **self.options)
        for parameter in layer.parameters():
            torch.nn.init.uniform_(parameter, 0.5, 1.5)
        return layer

    def inputs(self, seed):
        generator = torch.Generator().manual_seed(seed)
        x = torch.randn(self.shape, generator=generator).requires_grad_()
        if self.layer != "MaskedBatchNorm1d":
            return (x,)
        shape = self.shape[:1] + self.shape[2:]
        return x, torch.rand(shape, generator=generator) < 0.6


CASES = (
    NormCase("GhostBatchNorm1d", (9, 3), {"ghost_batch_size": 4, "momentum": None}),
    NormCase("GhostBatchNorm2d", (9, 3, 4, 2), {"ghost_batch_size": 4}),
    NormCase("BatchRenorm1d", (9, 3), NOT_CLIPPED | {"momentum": None}),
    NormCase("BatchRenorm2d", (9, 3, 4, 2), {"r_steps": (0, 4), "d_steps": (0, 4)}, "-relaxed"),
    NormCase("BatchRenorm3d", (4, 3, 4, 2, 2), NOT_CLIPPED),
    NormCase("FrozenBatchNorm1d", (9, 3, 4)),
    NormCase("FrozenBatchNorm2d", (9, 3, 4, 2)),
    NormCase("FrozenBatchNorm3d", (4, 3, 4, 2, 2)),
    NormCase("MaskedBatchNorm1d", (9, 3)),
    NormCase("MaskedBatchNorm1d", (9, 3, 7), {"momentum": None}, "-sequence"),
    NormCase("BatchNormLast", (9, 4, 3)),
    NormCase("FilterResponseNorm1d", (4, 3, 7), {"learn_eps": True}),
    NormCase("FilterResponseNorm2d", (4, 3, 4, 2)),
    NormCase("FilterResponseNorm3d", (4, 3, 4, 2, 2), {"activation": "silu"}),
)

cases = pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)


def steps(case, layer, call):
    """Return what three steps of training and one of evaluation give, and leave behind."""
    found = []
    for seed in range(4):
        layer.train(seed < 3)
        inputs = case.inputs(seed)
        output = call(*inputs)
        wanted = [inputs[0], *layer.parameters()]
        found += [output.detach(), *torch.autograd.grad(output.square().sum(), wanted)]
        found += [buffer.clone() for buffer in layer.buffers()]
    return found


@pytest.mark.parametrize(
    ("case", "backend"),
    [
        *((case, "aot_eager") for case in CASES),
        *((case, "inductor") for case in CASES if case.name.endswith(("-relaxed", "-sequence"))),
    ],
    ids=lambda value: getattr(value, "name", value),
)
def test_compiled_layer_is_the_eager_one(case, backend):
    eager = case.make()
    other = copy.deepcopy(eager)
    call = torch.compile(other, backend=backend, fullgraph=True)
    torch.testing.assert_close(steps(case, other, call), steps(case, eager, eager))


@cases
def test_traced_network_holds_the_layer_whole(case):
    model = torch.nn.Sequential(case.make())
    traced = torch.fx.symbolic_trace(model)
    assert [node.target for node in traced.graph.nodes if node.op == "call_module"] == ["0"]


def test_traced_masked_layer_keeps_its_mask():
    class Network(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.norm = nn.MaskedBatchNorm1d(3)

        def forward(self, input, mask):
            return self.norm(input, mask)

    model = Network()
    traced = torch.fx.symbolic_trace(copy.deepcopy(model))
    x, mask = torch.randn(5, 3, 4), torch.rand(5, 4) < 0.5
    torch.testing.assert_close(traced(x, mask), model(x, mask))


@cases
def test_many_models_are_trained_at_once_as_one_by_one(case):
    """With torch.func.vmap over stacked parameters and buffers."""
    models = [case.make() for _ in range(3)]
    for number, model in enumerate(models):
        for buffer in model.buffers():
            buffer.add_(number)
    parameters, buffers = torch.func.stack_module_state(models)
    inputs = [case.inputs(seed) for seed in range(3)]
    stacked = [torch.stack([row[i].detach() for row in inputs]) for i in range(len(inputs[0]))]
    skeleton = copy.deepcopy(models[0]).to("meta")

    def one(parameters, buffers, *args):
        return torch.func.functional_call(skeleton, (parameters, buffers), args)

    output = torch.vmap(one)(parameters, buffers, *stacked)
    expected = torch.stack([model(*row) for model, row in zip(models, inputs, strict=True)])
    torch.testing.assert_close(output, expected)
    for name, stack in buffers.items():
        alone = torch.stack([dict(model.named_buffers())[name] for model in models])
        torch.testing.assert_close(stack, alone)
