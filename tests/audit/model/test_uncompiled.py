"""Models that are compiled, as a whole or in parts."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from wolfsbane.audit import allow, check_model
from wolfsbane.audit.registry import rule_of

X = torch.ones(2, 4)
RULES = [rule_of("WB101")]


@pytest.fixture(autouse=True)
def fresh_compiler():
    yield
    torch.compiler.reset()  # A process that has compiled watches less.


class Sampling(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(4, 3)

    def forward(self, x):
        return self.fc(F.dropout(x, 0.5))


def wrapped(model):
    return torch.compile(model, backend="eager")


@pytest.mark.parametrize(
    ("make", "path"),
    [
        (wrapped, "_orig_mod"),
        (lambda model: nn.Sequential(wrapped(model)), "0._orig_mod"),
        (lambda model: wrapped(nn.Sequential(model)), "_orig_mod.0"),
    ],
)
def test_operations_are_of_the_module_that_was_compiled(make, path):
    model = Sampling()
    compiled = make(model)
    (finding,) = found = check_model(compiled, X, rules=RULES)
    assert found.notes == []
    assert finding.place.module == path
    allow(model, "WB101", reason="Monte Carlo dropout")
    assert list(check_model(compiled, X, rules=RULES)) == []


def test_a_compiled_model_stays_compiled():
    compiled = wrapped(Sampling())
    forward = compiled.forward
    check_model(compiled, X, rules=RULES)
    assert compiled.forward is forward
