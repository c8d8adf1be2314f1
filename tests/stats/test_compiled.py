"""torch.compile: frozen layers are compiled, and recalibration looks through what is."""

import pytest
import torch
from torch.nn import BatchNorm1d, Linear, Sequential

from transforms.networks import of_torch_itself
from wolfsbane import stats

pytestmark = [*of_torch_itself]


@pytest.fixture(autouse=True)
def nothing_compiled_before():
    """Let no test meet another's graphs."""
    torch._dynamo.reset()


class Network(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.linear, self.bn = Linear(2, 2), BatchNorm1d(2)

    def forward(self, x):
        return self.bn(self.linear(x))


@pytest.mark.parametrize("in_place", [True, False])
def test_compiled_model_runs_as_it_was_written(in_place):
    runs = []

    def counting(graph, _):
        def run(*args):
            runs.append(1)
            return graph(*args)

        return run

    model = Network()
    compiled = torch.compile(model, backend=counting)
    if in_place:
        model.compile(backend=counting)
        compiled = model
    x = torch.randn(16, 2)
    compiled(x)
    assert len(runs) == 1
    report = stats.recalibrate(compiled, [x, x + 1])
    assert len(runs) == 1
    seen = torch.cat([model.linear(x), model.linear(x + 1)]).detach()
    torch.testing.assert_close(model.bn.running_mean, seen.mean(0))
    torch.testing.assert_close(model.bn.running_var, seen.var(0))
    assert [layer.path for layer in report.layers] == ["bn"]
    compiled(x)
    assert len(runs) == 2


def test_frozen_model_compiles_in_one_graph():
    model = Sequential(Linear(2, 2), BatchNorm1d(2), torch.nn.ReLU(), BatchNorm1d(2))
    model(torch.randn(8, 2) + 3)
    stats.freeze(model)
    model.train()
    compiled = torch.compile(model, fullgraph=True, backend="aot_eager")
    x = torch.randn(8, 2)
    torch.testing.assert_close(compiled(x), model(x))
    before = [tensor.clone() for tensor in model.buffers()]
    compiled(x + 9)
    assert all(map(torch.equal, model.buffers(), before))
    assert stats.unfreeze(compiled) == ["1", "3"]
    compiled(x + 9)
    assert not torch.equal(model[1].running_mean, before[0])
