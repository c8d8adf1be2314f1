"""PyTorch's test_ops.py over our functions on unusual tensors: lazy views, copy-on-write, fake,
meta, and subclasses (TestMathBits, TestCompositeCompliance, TestFakeTensor, TestMeta).
"""

import contextlib
from dataclasses import dataclass, field

import pytest
import torch
from torch import Tensor
from torch._subclasses.fake_tensor import DataDependentOutputException, FakeTensorMode
from torch.testing._internal import composite_compliance

from torch_suite.applicability import not_applicable, tolerance
from torch_suite.cases import OP_CASES, WARNINGS_OF_SAMPLES, over
from torch_suite.runs import uneven

pytestmark = pytest.mark.filterwarnings(*WARNINGS_OF_SAMPLES)

CONJUGATE_VIEWS = {
    "test_conj_view": (torch.conj_physical, torch.conj),
    "test_neg_conj_view": (
        lambda t: torch.neg(torch.conj_physical(t)),
        lambda t: torch._neg_view(torch.conj(t)),
    ),
}
"""PyTorch's check, the operation done, and the same operation as bits on a view."""

LIMITS = {
    "._local_scalar_dense": "fake tensors refuse .item(), by which a mask's key is drawn",
    ".item() is not allowed": "the check forbids .item(), by which a mask's key is drawn",
    "in-place operation copy_": "the check forbids copy_ from a subclass into a plain tensor, by "
    "which running statistics are written; torch writes them in a kernel that it sees as one",
}
"""What wolfsbane's functions cannot do by design, by the words in which torch refuses it."""


@dataclass
class Limits:
    """Collects the samples that a check cannot be made for; the others are checked."""

    met: set[str] = field(default_factory=set)

    @contextlib.contextmanager
    def __call__(self):
        try:
            yield
        except (RuntimeError, DataDependentOutputException) as error:
            words = f"{error} {error.__cause__}"
            reasons = {reason for refusal, reason in LIMITS.items() if refusal in words}
            if not reasons:
                raise
            self.met |= reasons


@contextlib.contextmanager
def limits(case):
    """Skip a test by name at its end, where some of its samples met a limit of ours."""
    collected = Limits()
    yield collected
    if case.is_ours and collected.met:
        not_applicable(f"{case.info.name}: " + "; ".join(sorted(collected.met)))
    assert not collected.met


def call(function, sample):
    return function(sample.input, *sample.args, **sample.kwargs)


def is_number_like(case):
    return case.dtype.is_floating_point or case.dtype.is_complex


def is_narrow(case):
    """Subclasses and fake tensors know no values: one dtype shows what all would."""
    return case.dtype is torch.float32


def backward_runs(case):
    return is_number_like(case) and case.dtype in case.info.supported_backward_dtypes(case.device)


@over(OP_CASES, is_number_like)
def test_negative_view_gives_the_output_of_its_values(case):
    """TestMathBits.test_neg_view."""
    check_view(case, "test_neg_view", torch.neg, torch._neg_view)


@over(OP_CASES, lambda case: case.dtype.is_complex)
@pytest.mark.parametrize("check", CONJUGATE_VIEWS)
def test_conjugate_view_gives_the_output_of_its_values(case, check):
    """TestMathBits.test_conj_view and test_neg_conj_view."""
    check_view(case, check, *CONJUGATE_VIEWS[check])


def check_view(case, check, now, lazily):
    """Compare the function on a tensor with that on a view that negates or conjugates twice."""
    allowed = tolerance(case, f"TestMathBits.{check}")
    for sample in case.samples():
        values = sample.input
        expected = call(case.info.op, sample)
        sample.input = lazily(now(values))
        assert sample.input.is_neg() or sample.input.is_conj()
        allowed.assert_close(call(case.info.op, sample).resolve_neg().resolve_conj(), expected)
        if case.info.inplace_variant:
            sample.input = changed = lazily(now(values))
            assert call(case.info.inplace_variant, sample) is changed
            allowed.assert_close(changed.resolve_neg().resolve_conj(), expected)


def on_write_copies(sample, *, requires_grad):
    """Turn a sample's tensors into copy-on-write ones; return them by their place."""

    def lazy(value):
        if not isinstance(value, Tensor):
            return value
        clone = torch._lazy_clone(value.detach())
        return clone.requires_grad_(value.requires_grad and requires_grad)

    sample.input = lazy(sample.input)
    sample.args = tuple(map(lazy, sample.args))
    sample.kwargs = {name: lazy(value) for name, value in sample.kwargs.items()}
    places = {**dict(enumerate([sample.input, *sample.args])), **sample.kwargs}
    return {place: value for place, value in places.items() if isinstance(value, Tensor)}


def assert_not_copied(places, allowed):
    copied = {place for place, value in places.items() if not torch._C._is_cow_tensor(value)}
    assert copied <= set(allowed or ())


@over(OP_CASES, is_narrow)
def test_copy_on_write_inputs_are_not_copied(case):
    """TestCompositeCompliance.test_cow_input."""
    tolerance(case, "TestCompositeCompliance.test_cow_input")
    info = case.info
    for sample in case.samples(requires_grad=backward_runs(case)):
        places = on_write_copies(sample, requires_grad=True)
        output = call(info.op, sample)
        if info.supports_cow_input_no_materialize_forward:
            assert_not_copied(places, info.allow_cow_input_materialize_forward)
        if output.requires_grad and info.supports_cow_input_no_materialize_backward:
            output.backward(torch._lazy_clone(uneven(output)))
            allowed = [
                *(info.allow_cow_input_materialize_forward or ()),
                *(info.allow_cow_input_materialize_backward or ()),
            ]
            assert_not_copied(places, allowed)


@over(OP_CASES, is_narrow)
@pytest.mark.parametrize("make_calls", ["check_with_mode", "check_all_permutations"])
def test_function_is_composed_of_operations_that_subclasses_understand(case, make_calls):
    """TestCompositeCompliance.test_operator."""
    allowed = tolerance(case, "TestCompositeCompliance.test_operator")
    check = getattr(composite_compliance, make_calls)
    with limits(case) as limit:
        for sample in case.samples():
            with limit():
                check(case.info.op, (sample.input, *sample.args), sample.kwargs, equal(allowed))


def equal(allowed):
    return lambda actual, expected, **_: allowed.assert_close(actual, expected)


@over(OP_CASES, lambda case: is_narrow(case) and backward_runs(case))
def test_backward_is_composed_of_operations_that_subclasses_understand(case):
    """TestCompositeCompliance.test_backward."""
    allowed = tolerance(case, "TestCompositeCompliance.test_backward")
    with limits(case) as limit:
        for sample in case.samples(requires_grad=True):
            with limit():
                composite_compliance.check_backward_formula(
                    case.info.op,
                    (sample.input, *sample.args),
                    sample.kwargs,
                    sample.output_process_fn_grad,
                    case.info.gradcheck_wrapper,
                    equal(allowed),
                )


@over(OP_CASES, lambda case: is_narrow(case) and case.info.supports_forward_ad)
def test_forward_ad_is_composed_of_operations_that_subclasses_understand(case):
    """TestCompositeCompliance.test_forward_ad."""
    allowed = tolerance(case, "TestCompositeCompliance.test_forward_ad")
    with limits(case) as limit:
        for sample in case.samples(requires_grad=True):
            with limit():
                composite_compliance.check_forward_ad_formula(
                    case.info.op,
                    (sample.input, *sample.args),
                    sample.kwargs,
                    case.info.gradcheck_wrapper,
                    equal(allowed),
                )


def looks(tensor):
    return tensor.shape, tensor.stride(), tensor.dtype, tensor.layout


@over(OP_CASES, is_narrow)
def test_fake_tensors_give_an_output_like_the_real_one(case):
    """TestFakeTensor.test_fake and test_strided_layout."""
    tolerance(case, "TestFakeTensor.test_fake")
    with limits(case) as limit:
        for sample in case.samples():
            with limit():
                check_fake(case.info.op, sample)


def check_fake(function, sample):
    expected = call(function, sample)
    mode = FakeTensorMode()
    fake = sample.transform(lambda v: mode.from_tensor(v) if isinstance(v, Tensor) else v)
    with mode:
        output = call(function, fake)
    assert looks(output) == looks(expected)
    assert output.device == expected.device


@over(OP_CASES)
def test_meta_tensors_give_an_output_like_the_real_one(case):
    """TestMeta.test_dispatch_meta_outplace and test_dispatch_meta_inplace."""
    tolerance(case, "TestMeta.test_dispatch_meta_outplace")
    variants = filter(None, (case.info.op, case.info.inplace_variant))
    for variant in variants:
        for sample in case.samples():
            meta = sample.transform(lambda v: v.to("meta") if isinstance(v, Tensor) else v)
            output = call(variant, meta)
            assert output.is_meta
            assert looks(output) == looks(call(variant, sample))
