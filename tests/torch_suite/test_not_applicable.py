"""The checks of PyTorch's suites that are not made here, each with the reason."""

import pytest

from torch_suite.applicability import not_applicable

NOT_MADE = {
    "TestModuleMPS": "missing: an Apple GPU",
    "TestEagerFusionModuleInfo.test_aot_autograd_module_exhaustive": "its helpers (functorch's "
    "common_utils) are not in the wheel, and torch expects it to fail for its own batch norms",
    "TestCommon.test_out_warning": "about resizing out=, which none of our own functions takes",
    "TestCommon.test_out_requires_grad_error": "about out=, which none of our own functions takes",
    "TestCommon.test_out_integral_dtype": "about out=, which none of our own functions takes",
    "TestCommon.test_python_ref": "compares torch._refs with torch; neither is ours",
    "TestCommon.test_python_ref_meta": "about torch._refs, which is not ours",
    "TestCommon.test_python_ref_executor": "about torch._refs, which is not ours",
    "TestCommon.test_python_ref_errors": "about torch._refs, which is not ours",
    "TestCommon.test_errors_sparse": "no entry of ours claims sparse error inputs",
    "TestCommon.test_complex_half_reference_testing": "complex32 exists in re-exports only",
    "TestCommon.test_non_standard_bool_values": "bool reaches re-exports, and a "
    "dropout of ours only in evaluation, which returns its input",
    "TestCommon.test_pointwise_tag_coverage": "about the tags of ATen's operators",
    "TestTags.test_tags": "about the tags of ATen's operators",
    "TestJit.test_variant_consistency_jit": "TorchScript compiles no function with *args, as the "
    "decorator that explains unknown arguments is; torch expects it to fail for its own dropouts",
    "TestJit.test_jit_alias_remapping": "about TorchScript's names for ATen's operators",
    "TestNormalizeOperators.test_normalize_operator_exhaustive": "about torch.fx's normal form of "
    "torch's operators; torch expects it to fail for its own dropouts",
    "TestDecomp.test_comprehensive": "about torch's decompositions of ATen's operators",
    "TestProxyTensorOpInfo.test_make_fx_exhaustive": "a trace holds the mask's key, an integer "
    "from .item(), as a constant",
    "TestEagerFusionOpInfo.test_aot_autograd_exhaustive": "its helpers (functorch's common_utils) "
    "are not in the wheel",
    "TestOperators": "functorch's helpers for it are not in the wheel; the gradient tests here "
    "cover grad, vjp, jvp and their compositions",
    "TestInductorOpInfo.test_comprehensive": "compiles kernels for every sample: not in this suite",
    "TestUnaryUfuncs": "about re-exports only; their numerics are checked against the same "
    "reference inputs by test_output_is_that_of_the_numpy_reference",
    "TestSparseUnaryUfuncs": "about re-exports only, on sparse tensors",
    "TestNestedTensorOpInfo": "about re-exports only, on nested tensors",
    "TestLazyOpInfo": "missing: the lazy-tensor backend, which the wheel does not have",
    "TestNNCOpInfo": "about TorchScript's CPU fuser",
    "TestConsistency": "missing: an Apple GPU",
}


@pytest.mark.parametrize("check", NOT_MADE)
def test_check_is_not_made(check):
    not_applicable(f"{check}: {NOT_MADE[check]}")
