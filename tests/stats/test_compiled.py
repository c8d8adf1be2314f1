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


@pytest.mark.parametrize("in_place", [True, False])
def test_compiled_model_runs_as_it_was_written(in_place):
    model = Sequential(Linear(2, 2), BatchNorm1d(2))
    x = torch.randn(16, 2)
    if in_place:
        model.compile(backend="eager")
        compiled = model
    else:
        compiled = torch.compile(model, backend="eager")
    compiled(x)
    report = stats.recalibrate(compiled, [x, x + 1])
    seen = torch.cat([model[0](x), model[0](x + 1)]).detach()
    torch.testing.assert_close(model[1].running_mean, seen.mean(0))
    torch.testing.assert_close(model[1].running_var, seen.var(0))
    assert [layer.path for layer in report.layers] == ["1"]


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
