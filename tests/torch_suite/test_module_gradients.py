"""PyTorch's test_modules.py over our classes: first and second derivatives."""

import torch
from torch.testing._internal.common_utils import gradcheck, gradgradcheck

from torch_suite.applicability import not_applicable, tolerance
from torch_suite.cases import MODULE_CASES, over
from torch_suite.runs import floating, forward, with_input


def as_function(module, module_input):
    """Return the module as a function of its input and parameters, and values for these."""
    names = [name for name, _ in module.named_parameters()]

    def function(input, *parameters):
        state = dict(zip(names, parameters, strict=True))

        def run(*args):
            return torch.func.functional_call(module, state, args)

        return forward(run, with_input(module_input, input))

    return function, (*floating(module_input), *module.parameters())


def in_float64(case):
    return case.dtype is torch.float64


def check(case, checker):
    for module_input in case.inputs(requires_grad=True):
        module = case.build(module_input)
        function, values = as_function(module, module_input)
        assert checker(
            function,
            values,
            nondet_tol=case.info.gradcheck_nondet_tol,
            fast_mode=case.info.gradcheck_fast_mode,
        )


@over(MODULE_CASES, in_float64)
def test_gradient_is_that_of_finite_differences(case):
    """TestModule.test_grad."""
    tolerance(case, "TestModule.test_grad")
    check(case, gradcheck)


@over(MODULE_CASES, in_float64)
def test_second_derivative_is_that_of_finite_differences(case):
    """TestModule.test_gradgrad."""
    tolerance(case, "TestModule.test_gradgrad")
    if not case.info.supports_gradgrad:
        not_applicable("a re-export of torch's, which torch cannot differentiate twice")
    check(case, gradgradcheck)
