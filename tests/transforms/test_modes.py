"""Dispatch modes, tracers, and tools that look for torch's layers in a model."""

import copy

import pytest
import torch
from torch._subclasses.fake_tensor import FakeTensor, FakeTensorMode
from torch.fx.experimental.proxy_tensor import make_fx
from torch.nn.utils import fusion, parametrizations, prune
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import FlopCounterMode

from transforms.networks import (
    DROPOUT_LAYERS,
    SHAPE,
    assert_same,
    everything,
    layers,
    of_torch_itself,
    operators_of,
    seeded,
    train,
)
from wolfsbane import nn
from wolfsbane.errors import UnsupportedError

pytestmark = [*of_torch_itself]

dropout_layers = pytest.mark.parametrize("case", DROPOUT_LAYERS, ids=lambda case: case.name)


class Recorder(TorchDispatchMode):
    """Writes down the operators of wolfsbane that it sees."""

    def __init__(self):
        super().__init__()
        self.seen = []

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        if "wolfsbane" in str(func):
            self.seen.append(str(func))
        return func(*args, **(kwargs or {}))


@layers
def test_fake_tensors_have_the_shape_the_dtype_and_the_strides_of_the_output(case):
    layer = case.make()
    expected, state = layer(torch.randn(case.shape)), torch.get_rng_state()
    with FakeTensorMode(allow_non_fake_inputs=True):
        y = case.make()(torch.empty(case.shape, requires_grad=True))
    assert isinstance(y, FakeTensor)
    assert (y.shape, y.dtype, y.stride()) == (expected.shape, expected.dtype, expected.stride())
    assert y.requires_grad
    assert torch.equal(torch.get_rng_state(), state)


@layers
def test_layer_runs_on_the_meta_device(case):
    if case.name == "momentum-None":  # The number of batches is not to be had, as in torch.
        with pytest.raises(RuntimeError, match="meta tensors"):
            case.make().to("meta")(torch.empty(case.shape, device="meta"))
        return
    y = case.make().to("meta")(torch.empty(case.shape, device="meta"))
    assert y.is_meta
    assert y.shape == case.shape


@layers
def test_result_under_a_dispatch_mode_is_that_without_it(case):
    layer, x = case.make(), torch.randn(case.shape)
    results = []
    for mode in (torch.enable_grad(), Recorder()):
        module, leaf = copy.deepcopy(layer), x.clone().requires_grad_()
        with mode:
            y, state = seeded(module, leaf)
            (grad,) = torch.autograd.grad(y.square().sum(), leaf)
        results.append([y, state, grad, *module.buffers()])
    torch.testing.assert_close(*results)
    assert mode.seen


@layers
def test_layer_in_evaluation_shows_a_dispatch_mode_no_operator_of_wolfsbane(case):
    with Recorder() as recorder:
        case.make().eval()(torch.randn(case.shape))
    assert recorder.seen == []


def test_counting_operations_changes_nothing():
    counted, other = everything(), everything()
    counter = FlopCounterMode(display=False)

    def call(x):
        with counter:
            return counted(x)

    found, expected = train(counted, call, num_steps=1), train(other, other, num_steps=1)
    torch.testing.assert_close(found, expected)
    linear = 2 * SHAPE[0] * (64 * 16 + 16 * 16 + 16 * 3)
    convolution = 2 * SHAPE[0] * 16 * 4 * 2 * 9
    assert counter.get_total_flops() == linear + convolution


@pytest.mark.parametrize("tracing_mode", ["real", "fake", "symbolic"])
def test_traced_graph_draws_anew_at_each_run(tracing_mode):
    model = torch.nn.Sequential(nn.Dropout(), nn.Dropout(), nn.BiasActDropout(16, "gelu"))
    x = torch.randn(6, 16)
    with torch.no_grad():
        graph = make_fx(model, tracing_mode=tracing_mode, _allow_non_fake_inputs=True)(x)
        for _ in range(2):
            assert torch.equal(seeded(graph, x)[0], seeded(model, x)[0])
        assert not torch.equal(graph(x), graph(x))


def test_traced_training_step_runs_as_the_step_does():
    layer, x = nn.BatchNormAct1d(16, "gelu", 0.25, track_running_stats=False), torch.randn(6, 16)
    bias = nn.BiasActDropout(16, "gelu", 0.25)

    def step(x):
        leaf = x.detach().requires_grad_()
        y = bias(layer(leaf))
        return (y.detach(), *torch.autograd.grad(y.square().sum(), [leaf]))

    graph = make_fx(step)(x)
    assert len(operators_of(graph)) == 6
    torch.testing.assert_close(seeded(graph, x), seeded(step, x))


@dropout_layers
def test_jit_trace_in_training_is_refused_with_advice(case):
    with pytest.raises(UnsupportedError, match=r"model\.eval\(\)"):
        torch.jit.trace(case.make(), torch.randn(case.shape), check_trace=False)


# The checks of shapes are constants of the trace.
@pytest.mark.filterwarnings("ignore::torch.jit.TracerWarning")
@layers
def test_jit_trace_in_evaluation_computes_the_same_for_batches_of_any_size(case):
    layer = torch.nn.Sequential(torch.nn.Tanh(), case.make()).eval()
    traced = torch.jit.trace(layer, torch.randn(case.shape))
    x = torch.randn(case.shape[0] + 2, *case.shape[1:])
    torch.testing.assert_close(traced(x), layer(x))


def test_pruned_network_trains_as_one_whose_weights_were_zeroed():
    pruned, zeroed = everything(), everything()
    for model in (pruned, zeroed):
        for module in (model.conv, model.narrow, model.sublayer):
            prune.l1_unstructured(module, "weight", amount=0.5)
    for module in (zeroed.conv, zeroed.narrow, zeroed.sublayer):
        prune.remove(module, "weight")
        assert (module.weight == 0).float().mean() == 0.5
    x = torch.randn(SHAPE)
    torch.testing.assert_close(seeded(pruned, x), seeded(zeroed, x))


def test_batch_norm_and_bias_of_ours_can_be_pruned():
    norm, bias = nn.BatchNorm1d(8), nn.BiasActDropout(8, "identity", p=0.0)
    torch.nn.init.ones_(bias.bias)
    prune.random_unstructured(norm, "weight", amount=3)
    prune.random_unstructured(bias, "bias", amount=3)
    x = torch.randn(6, 8)
    assert (norm(x).abs().sum(0) == 0).sum() == 3
    assert (bias(x) == x).all(0).sum() == 3


def test_weight_norm_of_a_neighbour_and_spectral_norm_go_through_a_network():
    model = everything()
    parametrizations.weight_norm(model.sublayer)
    parametrizations.spectral_norm(model.narrow)
    loss = model(torch.randn(SHAPE)).square().mean()
    loss.backward()
    assert all(parameter.grad.isfinite().all() for parameter in model.parameters())


def test_convolution_takes_over_the_batch_norm_behind_it():
    conv, norm = torch.nn.Conv2d(2, 4, 3), nn.BatchNorm2d(4)
    for _ in range(3):
        norm(conv(torch.randn(8, 2, 6, 6) * 3 + 1))
    conv.eval()
    norm.eval()
    x = torch.randn(5, 2, 6, 6)
    fused = fusion.fuse_conv_bn_eval(conv, norm)
    torch.testing.assert_close(fused(x), norm(conv(x)), rtol=1e-5, atol=1e-5)


def test_symbolic_trace_has_each_layer_as_a_node_of_its_own():
    model = everything()
    graph = torch.fx.symbolic_trace(model)
    called = {node.target for node in graph.graph.nodes if node.op == "call_module"}
    own = {
        name
        for name, module in model.named_modules()
        if type(module).__module__.startswith("wolfsbane")
    }
    assert own <= called
    other = everything()
    assert_same(train(graph, graph), train(other, other))


def test_tools_that_look_for_torch_s_layers_find_ours():
    model = everything()
    norms = [module for module in model.modules() if isinstance(module, torch.nn.BatchNorm2d)]
    drops = [module for module in model.modules() if isinstance(module, torch.nn.Dropout)]
    assert [type(module) for module in norms] == [nn.BatchNormAct2d, nn.BatchNorm2d]
    assert [type(module) for module in drops] == [nn.Dropout]


@pytest.mark.filterwarnings("ignore:torch.quantize_per_tensor:UserWarning")
def test_dynamic_quantisation_leaves_the_network_s_outputs_nearly_as_they_are():
    model = everything()
    train(model, model, num_steps=2)
    model.eval()
    x = torch.randn(SHAPE)
    quantized = torch.ao.quantization.quantize_dynamic(model, {torch.nn.Linear}, torch.qint8)
    assert not any(type(module) is torch.nn.Linear for module in quantized.modules())
    expected = model(x)
    # Eight bits a weight and an activation, in three layers: 3 * 2 roundings of 1/127 at most.
    bound = 6 / 127 * expected.abs().max()
    assert (quantized(x) - expected).abs().max() <= bound


def test_averaged_model_with_updated_batch_norms_has_the_statistics_of_the_data():
    model = torch.nn.Sequential(torch.nn.Linear(4, 8), nn.BatchNorm1d(8), nn.Dropout())
    averaged = torch.optim.swa_utils.AveragedModel(model)
    averaged.update_parameters(model)
    batches = [torch.randn(16, 4) for _ in range(4)]
    torch.optim.swa_utils.update_bn(batches, averaged)
    outputs = torch.stack([averaged.module[0](batch) for batch in batches])
    norm = averaged.module[1]
    torch.testing.assert_close(norm.running_mean, outputs.mean((0, 1)))
    torch.testing.assert_close(norm.running_var, outputs.var(1).mean(0))
    assert norm.momentum == 0.1
