"""PyTorch's test_ops.py (TestCommon) over our functions: values, dtypes, variants, errors."""

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.testing._internal.common_dtype import all_types_and_complex_and

from torch_suite.applicability import Tolerance, not_applicable, tolerance
from torch_suite.cases import DEVICES, OP_CASES, WARNINGS_OF_SAMPLES, over, samples
from torch_suite.retarget import OP_ENTRIES
from torch_suite.runs import uneven

pytestmark = pytest.mark.filterwarnings(*WARNINGS_OF_SAMPLES)

WIDE_DTYPES = frozenset({torch.float32, torch.complex64, torch.int64})
"""What PyTorch checks variants with: half precision rounds in another order for another layout."""

ALL_DTYPES = set(all_types_and_complex_and(torch.half, torch.bfloat16, torch.bool))

GPU_TOLERANCE = Tolerance(atol=1e-5, rtol=1e-4)
"""Twenty float32 roundings of values up to ten: a GPU sums in another order."""


def call(function, sample):
    return function(sample.input, *sample.args, **sample.kwargs)


def leaves(sample):
    """Return the tensors of a sample that need a gradient."""
    values = [sample.input, *sample.args, *sample.kwargs.values()]
    return [value for value in values if isinstance(value, Tensor) and value.requires_grad]


def output_and_gradients(function, sample, wanted=None):
    output = call(function, sample)
    if not output.requires_grad:
        return output, ()
    wanted = leaves(sample) if wanted is None else wanted
    grads = torch.autograd.grad(output, wanted, uneven(output), allow_unused=True)
    return output, grads


def differentiable(case):
    return case.info.supports_autograd and case.dtype in case.info.supported_backward_dtypes(
        case.device
    )


@over(OP_CASES, lambda case: case.dtype in WIDE_DTYPES)
def test_noncontiguous_samples_give_the_same_output_and_gradients(case):
    """TestCommon.test_noncontiguous_samples."""
    allowed = tolerance(case, "TestCommon.test_noncontiguous_samples")
    for sample in case.samples(requires_grad=differentiable(case)):
        # The copy is made first: batch norm writes into the statistics of a sample.
        strided = sample.noncontiguous()
        expected = output_and_gradients(case.info.op, sample)
        allowed.assert_close(output_and_gradients(case.info.op, strided), expected)


@over(OP_CASES, lambda case: case.info.inplace_variant)
def test_inplace_variant_writes_the_same_output_into_the_input(case):
    """TestCommon.test_variant_consistency_eager."""
    allowed = tolerance(case, "TestCommon.test_variant_consistency_eager")
    needs_grad = differentiable(case) and case.info.supports_inplace_autograd
    for sample in case.samples(requires_grad=needs_grad):
        wanted = leaves(sample)
        expected = output_and_gradients(case.info.op, sample)
        sample.input = changed = sample.input.clone()
        output, grads = output_and_gradients(case.info.inplace_variant, sample, wanted)
        assert output is changed
        allowed.assert_close((output, grads), expected)


@over(OP_CASES)
def test_calling_twice_gives_the_same_and_leaves_the_input_alone(case):
    """TestCommon.test_variant_consistency_eager."""
    tolerance(case, "TestCommon.test_variant_consistency_eager")
    for sample in case.samples():
        before = sample.input.clone()
        first, second = call(case.info.op, sample), call(case.info.op, sample)
        torch.testing.assert_close(sample.input, before, rtol=0, atol=0, equal_nan=True)
        torch.testing.assert_close(first, second, rtol=0, atol=0, equal_nan=True)


@over(OP_CASES, lambda case: case.info.ref)
def test_output_is_that_of_the_numpy_reference(case):
    """TestCommon.test_numpy_ref."""
    allowed = tolerance(case, "TestCommon.test_numpy_ref")
    for sample in case.reference_samples():
        output = call(case.info.op, sample)
        plain = sample.numpy()
        with np.errstate(all="ignore"):  # the extremal inputs overflow in the reference
            expected = case.info.ref(plain.input, *plain.args, **plain.kwargs)
        expected = torch.as_tensor(expected, device=case.device)
        allowed.assert_close(output, expected.to(output.dtype).reshape(output.shape))


@over(OP_CASES, lambda case: case.info.supports_out)
def test_out_is_written_and_returned(case):
    """TestCommon.test_out."""
    allowed = tolerance(case, "TestCommon.test_out")
    for sample in case.samples():
        expected = call(case.info.op, sample)
        out = torch.empty_like(expected)
        assert case.info.op(sample.input, *sample.args, **sample.kwargs, out=out) is out
        allowed.assert_close(out, expected)


def with_error_inputs():
    return [entry for entry in OP_ENTRIES if entry.error_inputs_func is not None]


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("entry", with_error_inputs(), ids=lambda entry: entry.full_name)
def test_errors_have_the_type_and_words_that_the_entry_says(entry, device):
    """TestCommon.test_errors."""
    for error in entry.error_inputs(device):
        sample = error.sample_input
        with pytest.raises(error.error_type, match=error.error_regex):
            call(entry.op, sample)


def runs(entry, device, dtype, *, requires_grad):
    """Tell whether every sample of a dtype runs, backward too where that is asked."""
    try:
        for sample in samples(entry, device, dtype, requires_grad=requires_grad):
            output = call(entry.op, sample)
            if requires_grad:
                output.backward(torch.ones_like(output))
    except (RuntimeError, TypeError, NotImplementedError, ValueError, AssertionError):
        return False
    return True


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("entry", OP_ENTRIES, ids=lambda entry: entry.full_name)
def test_dtypes_that_run_are_those_that_the_entry_lists(entry, device):
    """TestCommon.test_dtypes."""
    variants = [other for other in OP_ENTRIES if other.name == entry.name]
    listed = {dtype for each in variants for dtype in each.supported_dtypes(device)} & ALL_DTYPES
    if not entry.supported_dtypes(device):
        not_applicable(f"the entry {entry.full_name} has no dtype on {device}, in torch either")
    run = {dtype for dtype in ALL_DTYPES if runs(entry, device, dtype, requires_grad=False)}
    assert run >= set(entry.supported_dtypes(device)) & ALL_DTYPES
    assert run <= listed
    floating = {d for d in ALL_DTYPES if d.is_floating_point or d.is_complex}
    backward = {dtype for dtype in floating if runs(entry, device, dtype, requires_grad=True)}
    assert backward >= set(entry.supported_backward_dtypes(device)) & floating
    assert backward <= listed


@over(OP_CASES, lambda case: case.info.promotes_int_to_float and case.dtype is torch.int64)
def test_integers_become_the_default_dtype(case):
    """TestCommon.test_promotes_int_to_float."""
    tolerance(case, "TestCommon.test_promotes_int_to_float")
    for sample in case.samples():
        assert call(case.info.op, sample).dtype is torch.get_default_dtype()


def maps(sample):
    """Return a sample twice over, the second time with half the values, as vmap takes it."""
    values = [sample.input, *sample.args]
    args = [torch.stack([v, v / 2]) if isinstance(v, Tensor) else v for v in values]
    return args, tuple(0 if isinstance(v, Tensor) else None for v in values)


@over(OP_CASES, lambda case: case.dtype is torch.float32 and not case.draws)
def test_vmap_gives_the_outputs_of_a_loop(case):
    """TestVmapOperatorsOpInfo.test_vmap_exhaustive, for functions that draw nothing."""
    allowed = tolerance(case, "TestVmapOperatorsOpInfo.test_vmap_exhaustive")
    for sample in case.samples():
        args, dims = maps(sample)
        loop = [
            case.info.op(
                *(a if d is None else a[i] for a, d in zip(args, dims, strict=True)),
                **sample.kwargs,
            )
            for i in range(2)
        ]
        mapped = torch.vmap(lambda *a, kw=sample.kwargs: case.info.op(*a, **kw), dims)(*args)
        allowed.assert_close(mapped, torch.stack(loop))


@pytest.mark.parametrize("check", ["test_compare_cpu", "test_multiple_devices"])
def test_output_on_a_gpu_is_that_of_the_cpu(check):
    if not torch.cuda.is_available():
        not_applicable(f"missing: a CUDA device, which TestCommon.{check} compares with the CPU")
    for case in OP_CASES:
        if case.device == "cpu" and case.dtype is torch.float32 and not is_torchs_draw(case):
            for sample in case.samples():
                expected = call(case.info.op, sample)
                moved = sample.transform(lambda v: v.cuda() if isinstance(v, Tensor) else v)
                GPU_TOLERANCE.assert_close(call(case.info.op, moved).cpu(), expected)


def is_torchs_draw(case):
    """Random bits of torch differ from device to device; ours do not."""
    return case.draws and not case.is_ours
