import pytest
import torch
from torch import nn

from wolfsbane.audit import check_model
from wolfsbane.audit.registry import rule_of
from wolfsbane.audit.source.check import check_source

RULES = [rule_of("WB902")]
PROGRAM = """
import torch
from torch import nn, optim

class Plain(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(4, 4)

class Normed(Plain):
    def __init__(self):
        super().__init__()
        self.norms = nn.ModuleList(nn.LayerNorm(4) for _ in range(2))

class Outer(nn.Module):
    def __init__(self):
        super().__init__()
        self.inner = Normed()

def build():
    return nn.Sequential(nn.Linear(4, 4), nn.BatchNorm1d(4))

optimizer = {call}
"""


@pytest.mark.parametrize(
    "call",
    [
        "optim.SGD(Normed().parameters(), lr=0.1, weight_decay=1e-4)",
        "torch.optim.AdamW(Outer().parameters(), weight_decay=0.1)",
        "optim.AdamW(Outer().to('cuda').parameters())",
        "optim.Adam(build().parameters(), lr=0.1, weight_decay=0.1)",
    ],
)
def test_decay_of_all_parameters_of_a_model_with_norms_is_found(call):
    findings = check_source(PROGRAM.format(call=call), rules=RULES)
    assert [finding.code for finding in findings] == ["WB902"]


@pytest.mark.parametrize(
    "call",
    [
        "optim.SGD(Plain().parameters(), lr=0.1, weight_decay=1e-4)",
        "optim.SGD(Normed().parameters(), lr=0.1)",
        "optim.AdamW(Normed().parameters(), weight_decay=0)",
        "optim.AdamW(Normed().parameters(), **options)",
        "optim.AdamW(groups(Normed()), weight_decay=0.1)",
        "optim.AdamW(unknown().parameters(), weight_decay=0.1)",
        "optim.Adam(Normed().layer.parameters(), weight_decay=0.1)",
    ],
)
def test_what_is_not_decayed_or_not_known_is_silent(call):
    assert check_source(PROGRAM.format(call=call), rules=RULES) == []


def test_the_message_counts_parameters_and_layers():
    model = nn.Sequential(nn.Linear(4, 4), nn.LayerNorm(4), nn.BatchNorm1d(4))
    optimizer = torch.optim.AdamW(model.parameters(), weight_decay=0.05)
    (finding,) = check_model(model, optimizer=optimizer, rules=RULES)
    assert (
        "weight_decay=0.05 applies to 4 parameters of 2 norms (the first is '1')" in finding.message
    )


def test_a_group_of_their_own_is_silent():
    model = nn.Sequential(nn.Linear(4, 4), nn.LayerNorm(4))
    groups = [
        {"params": model[0].parameters(), "weight_decay": 0.1},
        {"params": model[1].parameters(), "weight_decay": 0.0},
    ]
    assert check_model(model, optimizer=torch.optim.AdamW(groups), rules=RULES).codes == []


def test_norms_that_do_not_train_are_silent():
    model = nn.Sequential(nn.Linear(4, 4), nn.LayerNorm(4).requires_grad_(False))
    optimizer = torch.optim.AdamW(model.parameters(), weight_decay=0.1)
    assert check_model(model, optimizer=optimizer, rules=RULES).codes == []
