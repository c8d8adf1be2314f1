"""Which activations the fused functions take, and what they say of others."""

import pytest
import torch

from wolfsbane.errors import ArgumentError, ArgumentTypeError
from wolfsbane.functional.activation import MODULES, NAMES, as_activation, as_module
from wolfsbane.kernels.block import Activation
from wolfsbane.kernels.cpu.source.activations import ACTIVATIONS

MODULES_AND_ACTIVATIONS = (
    (torch.nn.Identity(), Activation("identity")),
    (torch.nn.ReLU(), Activation("relu")),
    (torch.nn.ReLU(inplace=True), Activation("relu")),
    (torch.nn.LeakyReLU(), Activation("leaky_relu", 0.01)),
    (torch.nn.LeakyReLU(0.3), Activation("leaky_relu", 0.3)),
    (torch.nn.Sigmoid(), Activation("sigmoid")),
    (torch.nn.Tanh(), Activation("tanh")),
    (torch.nn.GELU(), Activation("gelu")),
    (torch.nn.GELU(approximate="tanh"), Activation("gelu_tanh")),
    (torch.nn.SiLU(), Activation("silu")),
    (torch.nn.ELU(), Activation("elu", 1.0)),
    (torch.nn.ELU(alpha=2), Activation("elu", 2.0)),
    (torch.nn.Hardswish(), Activation("hardswish")),
    (torch.nn.Mish(), Activation("mish")),
)

X = torch.tensor([-4.0, -3.0, -1.5, -0.0, 0.0, 0.5, 2.0, 3.0, 7.0])


class Doubled(torch.nn.ReLU):
    def forward(self, input):
        return 2 * super().forward(input)


def test_names_are_these_and_each_has_a_kernel():
    names = [activation.name for _, activation in MODULES_AND_ACTIVATIONS]
    assert set(NAMES) == set(names) == set(ACTIVATIONS)
    assert set(MODULES.values()) <= set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_name_stands_for_the_function_with_torch_s_defaults(name):
    for module, activation in MODULES_AND_ACTIVATIONS:
        if activation == as_activation(name):
            assert torch.equal(as_activation(name)(X), module(X.clone()))
            return
    pytest.fail(f"no module of torch.nn is {name}")


@pytest.mark.parametrize(("module", "activation"), MODULES_AND_ACTIVATIONS, ids=str)
def test_module_stands_for_what_it_computes(module, activation):
    assert as_activation(module) == activation
    assert torch.equal(as_activation(module)(X), module(X.clone()))


def test_parameter_of_a_module_is_read_when_it_is_given():
    module = torch.nn.LeakyReLU(0.3)
    before = as_activation(module)
    module.negative_slope = 0.7
    assert (before.parameter, as_activation(module).parameter) == (0.3, 0.7)


def test_activation_itself_is_taken_as_it_is():
    activation = Activation("elu", 0.5)
    assert as_activation(activation) is activation


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("ReLU", "relu"),
        ("GELU", "gelu"),
        ("leaky-relu", "leaky_relu"),
        ("leakyrelu", "leaky_relu"),
        ("swish", "silu"),
        ("hard_swish", "hardswish"),
        ("linear", "identity"),
        ("none", "identity"),
        ("sigmoud", "sigmoid"),
    ],
)
def test_misspelt_or_foreign_name_is_answered_with_the_right_one(name, meant):
    with pytest.raises(ArgumentError) as raised:
        as_activation(name)
    assert str(raised.value) == (
        f"activation has to be one of {', '.join(NAMES)}, but got {name!r}: did you mean {meant!r}?"
    )


def test_name_that_resembles_none_gets_the_list():
    with pytest.raises(ArgumentError, match=r"one of identity, .*, mish, but got 'xyz'$"):
        as_activation("xyz")


@pytest.mark.parametrize("module", [torch.nn.PReLU(), torch.nn.Softmax(1), Doubled()], ids=str)
def test_module_without_a_kernel_is_refused_with_a_way_out(module):
    with pytest.raises(ArgumentError, match=r"no fused kernel: put it behind the layer with"):
        as_activation(module)


@pytest.mark.parametrize("given", [None, 3, torch.relu, X], ids=["None", "int", "function", "x"])
def test_what_is_neither_name_nor_module_is_refused(given):
    with pytest.raises(ArgumentTypeError, match=r"but got (?s:.*) \(of type \w+\)$"):
        as_activation(given)


def test_class_in_place_of_an_object_is_answered_with_the_object():
    with pytest.raises(ArgumentTypeError, match=r"Make an object of the class: GELU\(\)$"):
        as_activation(torch.nn.GELU)


@pytest.mark.parametrize("name", NAMES)
def test_module_of_an_activation_stands_for_it_again(name):
    activation = as_activation(name)
    assert as_activation(as_module(activation)) == activation
