"""What torch.compile records of the layers, when it compiles again, and what surrounds a call."""

import pytest
import torch
from torch._dynamo.testing import CompileCounterWithBackend, EagerAndRecordGraphs
from torch.utils.checkpoint import checkpoint

from transforms.networks import (
    SHAPE,
    assert_same,
    backends,
    everything,
    layers,
    of_torch_itself,
    operators_of,
    seeded,
    train,
)
from wolfsbane import nn
from wolfsbane.kernels import cpu
from wolfsbane.kernels.select import use_executor
from wolfsbane.mask import shard

pytestmark = [*of_torch_itself]

X = torch.linspace(-2.0, 2.0, 6 * 16).view(6, 16)


def compiled(function, backend="aot_eager", **options):
    return torch.compile(function, backend=backend, fullgraph=True, **options)


def test_steps_after_the_first_are_not_compiled_again():
    counter = CompileCounterWithBackend("aot_eager")
    model = everything()
    train(model, compiled(model, counter), num_steps=4)
    assert counter.frame_count == 1


@backends
def test_batches_of_other_sizes_share_a_dynamic_graph(backend):
    eager, other = everything(), everything()
    call = compiled(other, backend, dynamic=True)
    torch.testing.assert_close(seeded(call, torch.ones(SHAPE)), seeded(eager, torch.ones(SHAPE)))
    with torch._dynamo.config.patch(error_on_recompile=True):
        for size in (5, 9, 3):
            x = torch.randn(size, *SHAPE[1:])
            torch.testing.assert_close(seeded(call, x), seeded(eager, x))
    assert_same(dict(other.named_buffers()), dict(eager.named_buffers()))


def test_second_batch_size_makes_the_graph_dynamic_and_later_ones_do_not_change_it():
    counter = CompileCounterWithBackend("aot_eager")
    eager, other = everything(), everything()
    call = compiled(other, counter)
    for size in (6, 5, 9, 3, 7):
        x = torch.randn(size, *SHAPE[1:])
        torch.testing.assert_close(seeded(call, x), seeded(eager, x))
    assert counter.frame_count == 2


@layers
def test_graph_of_a_layer_in_evaluation_has_no_operator_of_wolfsbane(case):
    recorder = EagerAndRecordGraphs()
    layer = case.make().eval()
    x = torch.randn(case.shape)
    torch.testing.assert_close(compiled(layer, recorder)(x), layer(x))
    for graph in recorder.graphs:  # Of a dropout in evaluation nothing is left to compile.
        assert operators_of(graph) == []


@layers
def test_graph_of_a_layer_in_training_draws_as_often_as_eager_code(case):
    recorder = EagerAndRecordGraphs()
    compiled(case.make(), recorder)(torch.randn(case.shape))
    state = torch.get_rng_state()
    case.make()(torch.randn(case.shape, generator=torch.Generator()))
    draws = [name for name in operators_of(recorder.graphs[0]) if "draw_key" in name]
    assert len(draws) == (not torch.equal(torch.get_rng_state(), state))


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
@layers
def test_layer_in_half_precision_has_the_outputs_and_gradients_of_eager_code(case, dtype):
    results = []
    for compile_it in (False, True):
        layer = case.make().to(dtype)
        call = compiled(layer) if compile_it else layer
        x = torch.randn(case.shape, generator=torch.Generator().manual_seed(1))
        x = x.to(dtype).requires_grad_()
        y, state = seeded(call, x)
        y.float().square().sum().backward()
        buffers = [buffer.clone() for buffer in layer.buffers()]
        results.append([y, state, x.grad, *(p.grad for p in layer.parameters()), *buffers])
    torch.testing.assert_close(*results)


@backends
@pytest.mark.parametrize(
    "layer",
    [nn.Dropout(), nn.Dropout2d(), nn.DropPath(), nn.BatchNorm2d(3), nn.BatchNormAct2d(3, p=0.5)],
    ids=lambda layer: type(layer).__name__,
)
def test_channels_last_stays(backend, layer):
    x = torch.randn(4, 3, 5, 7).to(memory_format=torch.channels_last).requires_grad_()
    results = []
    for call in (layer, compiled(layer, backend)):
        y, state = seeded(call, x)
        (grad,) = torch.autograd.grad(y.square().sum(), x)
        assert y.stride() == grad.stride() == x.stride()
        results.append([y, state, grad])
    torch.testing.assert_close(*results)


def test_forced_reference_calls_no_kernel_in_a_compiled_graph(monkeypatch):
    layers = torch.nn.Sequential(
        nn.Dropout(), nn.BatchNormAct1d(16, p=0.5), nn.BiasActDropout(16, p=0.5)
    )
    call = compiled(layers)
    expected = seeded(call, X)

    def fail(*args):
        raise AssertionError("a kernel was called")

    for name in ("masked_affine", "batch_norm_forward", "bias_act_dropout_forward"):
        monkeypatch.setattr(cpu, name, fail)
    with use_executor("reference"):
        torch.testing.assert_close(seeded(call, X), expected)
    with pytest.raises(AssertionError, match="a kernel was called"):
        call(X)


def test_shard_around_a_compiled_call_gives_its_part_of_the_mask():
    drop = nn.Dropout()
    call = compiled(drop)
    whole = seeded(drop, X)[0]
    parts = []
    for rank in range(2):
        with shard(rank, 2):
            parts.append(seeded(call, X[3 * rank : 3 * rank + 3])[0])
    assert torch.equal(torch.cat(parts), whole)
    assert torch.equal(seeded(call, X)[0], whole)


def test_generator_of_a_layer_s_own_works_where_the_graph_may_break():
    outputs = []
    for call_of in (lambda model: model, lambda model: torch.compile(model, backend="aot_eager")):
        own = torch.Generator().manual_seed(3)
        model = torch.nn.Sequential(nn.Dropout(generator=own), nn.Dropout())
        call = call_of(model)
        outputs.append([*seeded(call, X), *seeded(call, X), own.get_state()])
    assert all(torch.equal(a, b) for a, b in zip(*outputs, strict=True))
    assert not torch.equal(outputs[0][0], outputs[0][2])


def test_generator_of_a_layer_s_own_is_refused_in_one_graph_with_advice():
    drop = nn.Dropout(generator=torch.Generator())
    with pytest.raises(torch._dynamo.exc.Unsupported, match="Leave out generator="):
        compiled(drop)(X)


def test_default_generator_by_name_is_no_generator_of_a_layer_s_own():
    drop = nn.Dropout(generator=torch.default_generator)
    assert torch.equal(seeded(compiled(drop), X)[0], seeded(drop, X)[0])


class Checkpointed(torch.nn.Module):
    """Two blocks, whose inner tensors may be computed again for the gradients."""

    def __init__(self, checkpoints):
        super().__init__()
        self.checkpoints = checkpoints
        self.blocks = torch.nn.ModuleList(
            torch.nn.Sequential(
                torch.nn.Linear(16, 16),
                nn.Dropout(),
                nn.BiasActDropout(16, "gelu", 0.25),
                nn.BatchNormAct1d(16, "silu", p=0.25, track_running_stats=False),
            )
            for _ in range(2)
        )

    def forward(self, input):
        for block in self.blocks:
            if self.checkpoints:
                input = checkpoint(block, input, use_reentrant=False)
            else:
                input = block(input)
        return input


@backends
def test_checkpoint_in_compiled_code_gives_the_gradients_without_it(backend):
    models = []
    for checkpoints in (False, True):
        torch.manual_seed(0)
        models.append(Checkpointed(checkpoints))
    eager, other = models
    expected = train(eager, eager, shape=(6, 16))
    assert_same(train(other, compiled(other, backend), shape=(6, 16)), expected)
