"""Which of PyTorch's checks hold for an entry, and the one way to skip one that does not."""

from dataclasses import dataclass

import pytest
import torch
from torch.testing._internal.common_device_type import precisionOverride, toleranceOverride


@dataclass(frozen=True)
class Tolerance:
    """The error that the database allows beyond torch.testing's own for a dtype."""

    atol: float = 0.0
    rtol: float = 0.0

    def assert_close(self, actual, expected):
        """Compare tensors, or nested tuples of them, by value, dtype and device."""
        if isinstance(expected, torch.Tensor):
            dtype = expected.dtype
            rtol, atol = torch.testing._comparison.default_tolerances(dtype)
            torch.testing.assert_close(
                actual,
                expected,
                rtol=max(rtol, self.rtol),
                atol=max(atol, self.atol),
                equal_nan=True,
            )
            return
        assert len(actual) == len(expected)
        for one, other in zip(actual, expected, strict=True):
            if other is None:
                assert one is None
            else:
                self.assert_close(one, other)


def not_applicable(reason):
    """Skip the calling test: PyTorch's check cannot be made here, for `reason`."""
    pytest.skip(reason)


def tolerance(case, check):
    """Return the tolerance of a PyTorch check ("TestCommon.test_numpy_ref") for a case.

    Skips the calling test where the database says that torch itself fails the check and the
    function is torch's. What wolfsbane computes itself has to pass all the same.
    """
    decorators = case.info.get_decorators(
        *check.split("."), case.device, case.dtype, case.parameters
    )
    if not case.is_ours:
        for decorator in decorators:
            _respect(decorator, check)
    overrides = [d.d for d in decorators if isinstance(d, toleranceOverride)]
    for allowed in overrides:
        if case.dtype in allowed:
            return Tolerance(*allowed[case.dtype])
    precisions = [d.d for d in decorators if isinstance(d, precisionOverride)]
    for allowed in precisions:
        if case.dtype in allowed:
            return Tolerance(atol=allowed[case.dtype])
    return Tolerance()


def _respect(decorator, check):
    if isinstance(decorator, toleranceOverride | precisionOverride):
        return
    probe = decorator(lambda *_: None)
    if getattr(probe, "__unittest_skip__", False):
        reason = getattr(probe, "__unittest_skip_why__", "").replace("Skipped!", "no reason given")
        not_applicable(f"a re-export of torch's, and torch's database skips {check} ({reason})")
    if getattr(probe, "__unittest_expecting_failure__", False):
        not_applicable(f"a re-export of torch's, and torch's database expects {check} to fail")
