"""What makes a call drop, and how a message tells it."""

import inspect

import pytest
import torch
import torch.nn.functional as F

from wolfsbane.audit.finding import Place
from wolfsbane.audit.layer import Layer
from wolfsbane.audit.operation import Operation
from wolfsbane.audit.traits.dropping import BY_NAME, described, placed, rate_of, signature_of


@pytest.mark.parametrize("name", sorted(BY_NAME.keys() - {"scaled_dot_product_attention"}))
def test_a_signature_is_that_of_torch(name):
    known, real = BY_NAME[name], inspect.signature(getattr(F, name))
    assert tuple(real.parameters)[: len(known.parameters)] == known.parameters
    assert real.parameters[known.training].default is known.default_training
    rate = real.parameters[known.rate].default
    assert (None if rate is inspect.Parameter.empty else rate) == known.default_rate


def test_the_signature_of_attention_is_that_of_torch():
    schema = torch.ops.aten.scaled_dot_product_attention.default._schema
    known = signature_of("torch.nn.functional.scaled_dot_product_attention")
    assert tuple(one.name for one in schema.arguments)[: len(known.parameters)] == known.parameters
    assert schema.arguments[known.position("dropout_p")].default_value == known.default_rate


@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        ("torch.dropout", ("input", "p", "train")),
        ("torch.alpha_dropout_", ("input", "p", "train")),
        ("timm.layers.drop.drop_path", ("x", "drop_prob", "training", "scale_by_keep")),
        ("torchvision.ops.stochastic_depth", ("input", "p", "mode", "training")),
        ("wolfsbane.functional.drop_path", ("input", "p", "training", "inplace")),
    ],
)
def test_functions_outside_torchs_functional_have_their_own_signatures(name, parameters):
    assert signature_of(name).parameters == parameters


@pytest.mark.parametrize("name", ["dropout", "mine.dropout", "torch.relu", "keras.drop_path"])
def test_a_function_that_is_not_known_has_no_signature(name):
    assert signature_of(name) is None


@pytest.mark.parametrize(
    ("kind", "name", "arguments", "rate"),
    [
        ("dropout", "torch.nn.functional.dropout", {}, 0.5),
        ("dropout", "torch.nn.functional.dropout", {"p": 0.2, "training": False}, 0.0),
        ("dropout", "aten.dropout.default", {"p": 0.2, "train": True}, 0.2),
        ("dropout", "aten.dropout.default", {"p": 0.2}, 0.0),
        ("alpha_dropout", "torch.nn.functional.alpha_dropout", {"p": 0.2}, 0.0),
        ("attention", "aten.scaled_dot_product_attention.default", {"dropout_p": 0.1}, 0.1),
        ("attention", "aten.scaled_dot_product_attention.default", {}, 0.0),
        ("multi_head_attention", "F.mha", {"dropout_p": 0.1}, 0.1),
        ("multi_head_attention", "F.mha", {"dropout_p": 0.1, "training": False}, 0.0),
        ("relu", "torch.relu", {"p": 0.5, "training": True}, 0.0),
    ],
)
def test_the_rate_is_what_was_dropped(kind, name, arguments, rate):
    assert rate_of(Operation(kind, name, arguments=arguments)) == rate


def test_a_message_names_the_function_its_rate_and_its_layer():
    layer = Layer("encoder", ("encoder",), torch.nn.Identity(), None, "")
    place = Place("net.py")
    arguments = {"p": 0.5, "train": True}
    operation = Operation("dropout", "aten.dropout.default", (), arguments, layer, place)
    assert described(operation) == "dropout p=0.5 in Identity 'encoder'"
    assert placed(operation) == Place("net.py", module="encoder")
