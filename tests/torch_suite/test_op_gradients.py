"""PyTorch's test_ops_gradients.py and test_ops_fwd_gradients.py over our functions."""

import pytest
import torch
from torch import Tensor
from torch.testing._internal.common_utils import gradcheck, gradgradcheck

from torch_suite.applicability import not_applicable, tolerance
from torch_suite.cases import OP_CASES, WARNINGS_OF_SAMPLES, over

pytestmark = pytest.mark.filterwarnings(*WARNINGS_OF_SAMPLES)

EXACT_DTYPES = frozenset({torch.float64, torch.complex128})


def exact(case):
    """Finite differences need the widest dtypes."""
    return (
        case.dtype in EXACT_DTYPES
        and case.info.supports_autograd
        and case.dtype in case.info.supported_backward_dtypes(case.device)
    )


def has_inplace(case):
    return exact(case) and case.info.inplace_variant and case.info.supports_inplace_autograd


def as_function(case, function, sample):
    """Return a function of the sample's tensors that need a gradient, and these."""
    names = list(sample.kwargs)
    values = [sample.input, *sample.args, *sample.kwargs.values()]
    wanted = [i for i, v in enumerate(values) if isinstance(v, Tensor) and v.requires_grad]

    def of_tensors(*tensors):
        filled = list(values)
        for index, tensor in zip(wanted, tensors, strict=True):
            filled[index] = tensor
        # An in-place variant has to write into something that is not a leaf.
        filled[0] = filled[0].clone()
        args, kwargs = filled[: -len(names) or None], filled[len(filled) - len(names) :]
        output = case.info.gradcheck_wrapper(
            function, *args, **dict(zip(names, kwargs, strict=True))
        )
        process = sample.output_process_fn_grad
        return process(output) if process is not None else output

    return of_tensors, tuple(values[index] for index in wanted)


def check(case, function, checker, **settings):
    """Run a gradient check over the samples of a case, with the entry's own settings."""
    for sample in case.samples(requires_grad=True):
        of_tensors, tensors = as_function(case, function, sample)
        assert checker(
            of_tensors,
            tensors,
            nondet_tol=case.info.gradcheck_nondet_tol,
            fast_mode=case.info.gradcheck_fast_mode,
            **settings,
        )


def check_second(case, function):
    check(
        case,
        function,
        gradgradcheck,
        gen_non_contig_grad_outputs=True,
        check_batched_grad=case.info.check_batched_gradgrad,
    )


def check_forward(case, function, *, batched):
    check(
        case,
        function,
        gradcheck,
        check_batched_grad=False,
        check_forward_ad=True,
        check_backward_ad=False,
        check_undefined_grad=False,
        check_batched_forward_grad=batched,
    )


@over(OP_CASES, exact)
def test_gradient_is_that_of_finite_differences(case):
    """TestBwdGradients.test_fn_grad."""
    tolerance(case, "TestBwdGradients.test_fn_grad")
    batched = case.info.check_batched_grad
    check(case, case.info.op, gradcheck, check_batched_grad=batched, check_grad_dtypes=True)


@over(OP_CASES, has_inplace)
def test_gradient_of_the_inplace_variant_is_that_of_finite_differences(case):
    """TestBwdGradients.test_inplace_grad."""
    tolerance(case, "TestBwdGradients.test_inplace_grad")
    batched = case.info.check_batched_grad
    check(case, case.info.inplace_variant, gradcheck, check_batched_grad=batched)


@over(OP_CASES, exact)
def test_second_derivative_is_that_of_finite_differences(case):
    """TestBwdGradients.test_fn_gradgrad."""
    tolerance(case, "TestBwdGradients.test_fn_gradgrad")
    if not case.info.supports_gradgrad:
        not_applicable("a re-export of torch's, which torch cannot differentiate twice")
    check_second(case, case.info.op)


@over(OP_CASES, has_inplace)
def test_second_derivative_of_the_inplace_variant_is_that_of_finite_differences(case):
    """TestBwdGradients.test_inplace_gradgrad."""
    tolerance(case, "TestBwdGradients.test_inplace_gradgrad")
    if not case.info.supports_gradgrad:
        not_applicable("a re-export of torch's, which torch cannot differentiate twice")
    check_second(case, case.info.inplace_variant)


@over(OP_CASES, exact)
def test_forward_mode_derivative_is_that_of_finite_differences(case):
    """TestFwdGradients.test_forward_mode_AD."""
    tolerance(case, "TestFwdGradients.test_forward_mode_AD")
    if not case.info.supports_forward_ad:
        not_applicable("a re-export of torch's, which has no forward-mode derivative in torch")
    check_forward(case, case.info.op, batched=case.info.check_batched_forward_grad)


@over(OP_CASES, has_inplace)
def test_forward_mode_derivative_of_the_inplace_variant_is_that_of_finite_differences(case):
    """TestFwdGradients.test_inplace_forward_mode_AD."""
    tolerance(case, "TestFwdGradients.test_inplace_forward_mode_AD")
    if not case.info.supports_forward_ad:
        not_applicable("a re-export of torch's, which has no forward-mode derivative in torch")
    batched = case.info.check_inplace_batched_forward_grad
    check_forward(case, case.info.inplace_variant, batched=batched)


@over(OP_CASES, exact)
def test_forward_over_reverse_derivative_is_that_of_finite_differences(case):
    """TestFwdGradients.test_fn_fwgrad_bwgrad."""
    tolerance(case, "TestFwdGradients.test_fn_fwgrad_bwgrad")
    if not case.info.supports_fwgrad_bwgrad:
        not_applicable("a re-export of torch's, which has no such derivative in torch")
    check(
        case,
        case.info.op,
        gradgradcheck,
        gen_non_contig_grad_outputs=True,
        check_batched_grad=False,
        check_fwd_over_rev=True,
        check_rev_over_rev=False,
        check_undefined_grad=False,
    )
