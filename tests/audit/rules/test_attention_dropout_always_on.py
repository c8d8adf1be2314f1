"""WB102: which rates it takes to be fixed, its fixes, and attention in models."""

import pytest
import torch
from torch import nn

from wolfsbane.audit import check_model
from wolfsbane.audit.rules.attention_dropout_always_on import AttentionDropoutAlwaysOn
from wolfsbane.audit.source.check import check_source
from wolfsbane.audit.source.reading.editing import apply_edits

NET = """
import torch.nn.functional as F
from torch import nn

RATE = 0.1

class Net(nn.Module):
    def __init__(self, config, p=0.0):
        super().__init__()
        self.config = config
        self.p = p
        self.drop = nn.Dropout(p)
        self.off = 0.0
        self.later = p

    def start(self, p):
        self.later = p

    def forward(self, q, k, v, rate=0.1):
        p = self.p
        gated = self.p if self.training else 0.0
        return F.scaled_dot_product_attention(q, k, v, dropout_p={})
"""


def found_in(rate):
    return check_source(NET.format(rate), "program.py", [AttentionDropoutAlwaysOn])


@pytest.mark.parametrize(
    "rate", ["0.1", "RATE", "self.p", "p", "self.drop.p", "self.config.attention.dropout"]
)
def test_a_rate_that_is_fixed_when_the_layer_is_made_is_found(rate):
    (finding,) = found_in(rate)
    assert finding.message == (
        "F.scaled_dot_product_attention(...) drops weights in evaluation too, "
        f"with dropout_p={rate}"
    )


@pytest.mark.parametrize(
    "rate",
    [
        "0.0",
        "gated",
        "self.p if self.training else 0.0",
        "self.p * self.training",
        "rate",
        "self.off",
        "self.later",
        "self.inherited",
        "schedule(self.p)",
    ],
)
def test_a_rate_that_may_change_with_the_mode_is_silent(rate):
    assert found_in(rate) == []


@pytest.mark.parametrize("rate", ["0.1", "self.p", "self.drop.p"])
def test_a_fix_makes_the_rate_depend_on_the_mode(rate):
    (finding,) = found_in(rate)
    assert finding.fix.is_safe
    mended = f"{rate} if self.training else 0.0"
    assert apply_edits(NET.format(rate), finding.fix.edits) == NET.format(mended)
    assert found_in(mended) == []


def test_attention_without_a_rate_is_silent():
    head = "from torch.nn import functional as F\n"
    code = f"{head}def f(q):\n    return F.scaled_dot_product_attention(q, q, q)\n"
    assert check_source(code, rules=[AttentionDropoutAlwaysOn]) == []


@pytest.mark.parametrize(
    ("training", "is_found"),
    [(", training=True", True), (", training=self.training", False), (", **more", False)],
)
def test_whole_attention_has_a_switch(training, is_found):
    code = f"""
import torch.nn.functional as F
from torch import nn

class Net(nn.Module):
    def __init__(self, p):
        self.p = p

    def forward(self, q, **more):
        return F.multi_head_attention_forward(q, q, q, dropout_p=self.p{training})
"""
    found = check_source(code, rules=[AttentionDropoutAlwaysOn])
    assert bool(found) == is_found
    assert all("training=self.training" in apply_edits(code, one.fix.edits) for one in found)


class Attention(nn.Module):
    """Attention that drops in every mode."""

    def forward(self, x):
        return nn.functional.scaled_dot_product_attention(x, x, x, dropout_p=0.2)


@pytest.mark.parametrize(
    ("layer", "is_found"),
    [
        (Attention(), True),
        (nn.TransformerEncoderLayer(4, 2, 8, 0.2, batch_first=True), False),
    ],
)
def test_a_model_is_judged_in_evaluation(layer, is_found):
    model = nn.Sequential(nn.Linear(4, 4), layer).train()
    found = list(check_model(model, torch.ones(2, 3, 4), rules=[AttentionDropoutAlwaysOn]))
    assert bool(found) == is_found
    assert all("dropout_p=0.2 in Attention '1'" in finding.message for finding in found)
