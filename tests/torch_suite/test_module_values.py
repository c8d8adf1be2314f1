"""PyTorch's test_modules.py over our classes: what a module returns, and how it fails."""

import copy

import pytest
import torch
from torch.testing._internal.common_utils import noncontiguous_like

from torch_suite.applicability import Tolerance, not_applicable, tolerance
from torch_suite.cases import MODULE_CASES, over
from torch_suite.retarget import takes_inplace
from torch_suite.runs import (
    floating,
    forward,
    gradients,
    reference,
    uneven,
    with_input,
    with_inputs,
)

LAYOUTS = {
    4: (torch.contiguous_format, torch.channels_last),
    5: (torch.contiguous_format, torch.channels_last_3d),
}

GPU_TOLERANCE = Tolerance(atol=1e-5, rtol=1e-4)
"""Twenty float32 roundings of values up to ten: a GPU sums in another order."""


def layouts_of(module_input):
    return LAYOUTS.get(max((t.dim() for t in floating(module_input)), default=0), ())


@over(MODULE_CASES, lambda case: any(each.reference_fn for each in case.inputs()))
def test_output_is_that_of_the_reference_function(case):
    """TestModule.test_forward."""
    allowed = tolerance(case, "TestModule.test_forward")
    for module_input in case.inputs():
        if module_input.reference_fn is not None:
            module = case.build(module_input, as_made=True)
            allowed.assert_close(forward(module, module_input), reference(module, module_input))


@over(MODULE_CASES, lambda case: case.is_ours and case.torch_cls and not case.draws)
def test_output_gradients_and_statistics_are_those_of_torchs_class(case):
    for module_input in case.inputs(requires_grad=True):
        ours = case.build(module_input)
        theirs = case.build(module_input, cls=case.torch_cls)
        theirs.load_state_dict(ours.state_dict())
        for _ in range(2):  # the second batch shows how running statistics move
            Tolerance().assert_close(gradients(ours, module_input), gradients(theirs, module_input))
        Tolerance().assert_close(tuple(ours.buffers()), tuple(theirs.buffers()))


@over(MODULE_CASES)
def test_noncontiguous_inputs_give_the_same_output_and_gradients(case):
    """TestModule.test_non_contiguous_tensors."""
    allowed = tolerance(case, "TestModule.test_non_contiguous_tensors")
    for module_input in case.inputs(requires_grad=True):
        module = case.build(module_input)
        expected = gradients(copy.deepcopy(module), module_input)
        strided = with_inputs(module_input, noncontiguous_like)
        allowed.assert_close(gradients(module, strided), expected)


@over(MODULE_CASES, lambda case: takes_inplace(case.cls))
def test_inplace_writes_the_same_output_into_the_input(case):
    """TestModule.test_check_inplace."""
    allowed = tolerance(case, "TestModule.test_check_inplace")
    for module_input in case.inputs(requires_grad=True):
        (leaf,) = floating(module_input)
        version = leaf._version
        expected, (expected_grad, *_) = gradients(case.build(module_input), module_input)
        assert leaf._version == version
        changed = leaf.clone()
        output = forward(case.build(module_input, inplace=True), with_input(module_input, changed))
        assert output is changed
        allowed.assert_close(output, expected)
        allowed.assert_close(torch.autograd.grad(output, leaf, uneven(output)), (expected_grad,))


@over(MODULE_CASES, lambda case: takes_inplace(case.cls) and case.training)
def test_inplace_on_a_leaf_that_needs_a_gradient_raises(case):
    """TestModule.test_check_inplace."""
    module_input = case.inputs(requires_grad=True)[-1]
    module = case.build(module_input, inplace=True)
    with pytest.raises(RuntimeError, match="a leaf Variable that requires grad"):
        forward(module, module_input)


@over(MODULE_CASES, lambda case: any(layouts_of(each) for each in case.inputs()))
def test_memory_format_is_kept_and_changes_no_value(case):
    """TestModule.test_memory_format."""
    allowed = tolerance(case, "TestModule.test_memory_format")
    for module_input in case.inputs(requires_grad=True):
        module = case.build(module_input)
        expected = gradients(copy.deepcopy(module), module_input)
        for layout in layouts_of(module_input):
            laid_out = with_inputs(module_input, lambda t, to=layout: t.clone(memory_format=to))
            output, grads = gradients(copy.deepcopy(module), laid_out)
            assert output.numel() == 0 or output.is_contiguous(memory_format=layout)
            allowed.assert_close((output, grads), expected)


@over(MODULE_CASES, lambda case: case.training)
def test_train_and_eval_differ_just_where_the_entry_says_so(case):
    """TestModule.test_if_train_and_eval_modes_differ."""
    differ = False
    for module_input in case.inputs():
        module = case.build(module_input)
        trained = forward(copy.deepcopy(module).train(), module_input)
        evaluated = forward(copy.deepcopy(module).eval(), module_input)
        differ = differ or not torch.equal(trained, evaluated)
    assert differ == case.info.train_and_eval_differ


@over(MODULE_CASES, lambda case: case.info.module_error_inputs_func and case.training)
def test_errors_have_torchs_type_and_words(case):
    """TestModule.test_errors. Ours may come earlier, from the constructor."""
    tolerance(case, "TestModule.test_errors")
    for error in case.errors():
        module_input = error.module_error_input
        for cls in filter(None, (case.cls, case.torch_cls)):
            with pytest.raises(error.error_type, match=error.error_regex):
                forward(case.build(module_input, cls), module_input)


@pytest.mark.parametrize("check", ["test_cpu_gpu_parity", "test_multiple_device_transfer"])
def test_output_and_gradients_on_a_gpu_are_those_of_the_cpu(check):
    if not torch.cuda.is_available():
        not_applicable(f"missing: a CUDA device, which TestModule.{check} compares with the CPU")
    for case in MODULE_CASES:
        if case.device == "cpu" and case.dtype is torch.float32:
            for module_input in case.inputs(requires_grad=True):
                module = case.build(module_input)
                output, grads = gradients(copy.deepcopy(module), module_input)
                gpu_input = with_inputs(module_input, lambda t: t.cuda())
                gpu_output, gpu_grads = gradients(module.cuda(), gpu_input)
                moved = tuple(None if grad is None else grad.cpu() for grad in gpu_grads)
                GPU_TOLERANCE.assert_close((gpu_output.cpu(), moved), (output, grads))
