"""The module tests of PyTorch's common_nn (test_nn.py) over our classes and functions.

They cover RReLU and Hardsigmoid, which module_db lacks.
"""

import re
from dataclasses import dataclass
from typing import Any

import torch
from torch.testing._internal import common_nn
from torch.testing._internal.common_utils import TestCase as TorchTestCase

import wolfsbane.functional
import wolfsbane.nn
from torch_suite.cases import over


class Assertions(TorchTestCase):
    """What the tests of common_nn ask of the test case that runs them."""

    def _forward(self, module, input):
        with torch.testing._utils.freeze_rng_state():
            return module(*input) if isinstance(input, tuple) else module(input)

    def _backward(self, module, input, output, grad_output, create_graph=False):
        output.backward(grad_output, retain_graph=True, create_graph=create_graph)
        inputs = input if isinstance(input, tuple) else (input,)
        grads = tuple(each.grad for each in inputs)
        return grads if isinstance(input, tuple) else grads[0]

    def _get_parameters(self, module):
        parameters = list(module.parameters())
        return parameters, [parameter.grad for parameter in parameters]

    def _zero_grad_parameters(self, module):
        for parameter in module.parameters():
            parameter.grad = None

    def _zero_grad_input(self, input):
        for each in input if isinstance(input, tuple) else (input,):
            each.grad = None


@dataclass(frozen=True, eq=False)
class NNCase:
    """A test of common_nn for a class or a function that is ours."""

    name: str
    settings: dict[str, Any]
    database: str = "common_nn"

    @property
    def entry(self) -> str:
        return self.name

    def test(self):
        # Some tests leave the dtype to the default, for which gradcheck is too narrow.
        settings = {"default_dtype": torch.double, **self.settings}
        name = settings.pop("module_name", None)
        constructor = settings.pop("constructor", None)
        if name is not None:
            constructor = getattr(wolfsbane.nn, name)
        return common_nn.NewModuleTest(constructor=constructor, **settings)


def _function_name(settings):
    """Return "softmax" for "softmax_functional_dim0", which has a function for its module."""
    named = settings.get("fullname") or ""
    names = sorted(wolfsbane.functional.__all__, key=len, reverse=True)
    return next((name for name in names if re.match(rf"{name}(_|$)", named)), None)


def _cases():
    tests = [*common_nn.module_tests, *common_nn.get_new_module_tests()]
    for number, settings in enumerate(tests):
        name = settings.get("module_name") or _function_name(settings)
        if name in (*wolfsbane.nn.__all__, *wolfsbane.functional.__all__):
            what = settings.get("desc") or settings.get("fullname") or number
            yield NNCase(f"{name}-{what}", settings)


@over(list(_cases()))
def test_values_gradients_copies_and_conversions_are_those_of_common_nn(case):
    case.test()(Assertions())
