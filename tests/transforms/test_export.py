"""torch.export and ONNX: a model in evaluation is torch's own operators, and computes the same."""

import io

import pytest
import torch

from skips import require_onnx
from transforms.networks import (
    SHAPE,
    everything,
    layers,
    of_torch_itself,
    operators_of,
    train,
)

pytestmark = [*of_torch_itself]

RANDOM = ("dropout", "rand", "bernoulli")


def trained():
    """Return a network in evaluation whose running statistics are not those of a new one."""
    model = everything()
    train(model, model, num_steps=2)
    return model.eval()


def assert_of_torch_alone(program):
    for graph in (program.graph_module, program.run_decompositions().graph_module):
        assert operators_of(graph) == []
        names = [str(node.target) for node in graph.graph.nodes if node.op == "call_function"]
        assert not [name for name in names if any(word in name for word in RANDOM)]


@layers
def test_exported_layer_is_of_torch_s_operators_and_computes_the_same(case):
    layer, x = case.make().eval(), torch.randn(case.shape)
    program = torch.export.export(layer, (x,))
    assert_of_torch_alone(program)
    torch.testing.assert_close(program.module()(x), layer(x))


# Torch 2.11 reads a file into memory that it may not write to.
@pytest.mark.filterwarnings("ignore:The given buffer is not writable:UserWarning")
def test_saved_program_computes_what_the_network_did():
    model, x = trained(), torch.randn(SHAPE)
    program = torch.export.export(model, (x,))
    assert_of_torch_alone(program)
    file = io.BytesIO()
    torch.export.save(program, file)
    file.seek(0)
    loaded = torch.export.load(file)
    assert_of_torch_alone(loaded)
    torch.testing.assert_close(loaded.module()(x), model(x))


def test_program_takes_batches_of_other_sizes():
    model = trained()
    batch = torch.export.Dim("batch", min=2)
    program = torch.export.export(
        model, (torch.randn(SHAPE),), dynamic_shapes={"input": {0: batch}}
    )
    for size in (2, 5, 11):
        x = torch.randn(size, *SHAPE[1:])
        torch.testing.assert_close(program.module()(x), model(x))


@pytest.mark.parametrize("strict", [False, True])
def test_programs_of_both_tracers_are_of_torch_s_operators(strict):
    model, x = trained(), torch.randn(SHAPE)
    program = torch.export.export(model, (x,), strict=strict)
    assert_of_torch_alone(program)
    torch.testing.assert_close(program.module()(x), model(x))


def test_program_of_a_half_precision_network_is_of_torch_s_operators():
    model, x = trained().bfloat16(), torch.randn(SHAPE).bfloat16()
    program = torch.export.export(model, (x,))
    assert_of_torch_alone(program)
    assert program.module()(x).dtype is torch.bfloat16


def computed_by_onnxruntime(model, x, **options):
    """Return what the exported model computes, and the domains of its operators."""
    require_onnx()
    import onnxruntime  # noqa: PLC0415

    exported = torch.onnx.export(model, (x,), dynamo=True, verbose=False, **options)
    file = io.BytesIO()
    exported.save(file)
    session = onnxruntime.InferenceSession(file.getvalue())
    (output,) = session.run(None, {session.get_inputs()[0].name: x.numpy()})
    return torch.from_numpy(output), {node.op_type for node in exported.model_proto.graph.node}


@layers
def test_onnx_layer_computes_the_same(case):
    torch.manual_seed(0)
    layer, x = torch.nn.Sequential(torch.nn.Tanh(), case.make()).eval(), torch.randn(case.shape)
    output, names = computed_by_onnxruntime(layer, x)
    torch.testing.assert_close(output, layer(x).detach(), rtol=1e-5, atol=1e-6)
    assert "Dropout" not in names


def test_onnx_network_computes_the_same():
    model, x = trained(), torch.randn(SHAPE)
    output, names = computed_by_onnxruntime(model, x)
    torch.testing.assert_close(output, model(x).detach(), rtol=1e-5, atol=1e-6)
    assert "Dropout" not in names
