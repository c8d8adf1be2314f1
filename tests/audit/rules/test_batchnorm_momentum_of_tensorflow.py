import pytest
from torch import nn

from wolfsbane.audit import check_model
from wolfsbane.audit.registry import rule_of
from wolfsbane.audit.source.check import check_source

RULES = [rule_of("WB302")]


def found(call):
    return check_source(f"from torch import nn\nm = 0.9\nnorm = {call}\n", rules=RULES)


def mended(call):
    (finding,) = found(call)
    (edit,) = finding.fix.edits
    assert not finding.fix.is_safe
    line = f"norm = {call}"
    return line[7 : edit.span.column - 1] + edit.text + line[edit.span.end_column - 1 :]


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        ("nn.BatchNorm2d(8, momentum=0.99)", "nn.BatchNorm2d(8, momentum=0.01)"),
        ("nn.BatchNorm1d(8, 1e-5, 0.9)", "nn.BatchNorm1d(8, 1e-5, momentum=0.1)"),
        ("nn.BatchNorm1d(8, 1e-5, 0.9, False)", "nn.BatchNorm1d(8, 1e-5, 0.1, False)"),
        ("nn.BatchNorm3d(8, 0.8)", "nn.BatchNorm3d(8, momentum=0.2)"),
        ("nn.BatchNorm1d(8, momentum=m)", "nn.BatchNorm1d(8, momentum=1 - m)"),
        ("nn.LazyBatchNorm1d(momentum=0.997)", "nn.LazyBatchNorm1d(momentum=0.003)"),
    ],
)
def test_the_fix_gives_torch_its_own_momentum(call, expected):
    assert mended(call) == expected
    assert found(expected) == []


@pytest.mark.parametrize(
    "call",
    [
        "nn.BatchNorm2d(8)",
        "nn.BatchNorm2d(8, momentum=0.1)",
        "nn.BatchNorm2d(8, momentum=0.5)",
        "nn.BatchNorm2d(8, momentum=1.0)",
        "nn.BatchNorm2d(8, momentum=None)",
        "nn.BatchNorm2d(8, eps=0.8)",
        "nn.BatchNorm2d(8, 1e-3)",
        "nn.BatchNorm2d(8, momentum=config.momentum)",
        "nn.BatchNorm2d(*arguments)",
        "nn.GroupNorm(2, 8, 0.8)",
        "optim.SGD(parameters, momentum=0.9)",
        "nn.LazyBatchNorm1d(0.8)",
    ],
)
def test_other_numbers_and_layers_are_silent(call):
    assert found(call) == []


def test_layers_with_the_same_momentum_are_one_finding():
    model = nn.Sequential(*(nn.BatchNorm1d(4, momentum=m) for m in (0.9, 0.1, 0.9, 0.99)))
    findings = check_model(model, rules=RULES)
    assert [finding.place.module for finding in findings] == ["0", "3"]
    assert "2 batch norms (the first is '0') have momentum=0.9" in findings[0].message
    assert "90% of the running statistics" in findings[0].message


def test_a_momentum_set_later_is_seen_in_the_model():
    model = nn.Sequential(nn.BatchNorm2d(4))
    assert check_model(model, rules=RULES).codes == []
    model[0].momentum = 0.99
    assert check_model(model, rules=RULES).codes == ["WB302"]
