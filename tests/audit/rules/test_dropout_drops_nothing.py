"""WB109: what is a dial at its zero, and what is a dropout of nothing."""

import pytest
import torch
from torch import nn

import wolfsbane
from wolfsbane.audit import Severity, check_model
from wolfsbane.audit.rules.dropout_drops_nothing import DropoutDropsNothing
from wolfsbane.audit.source.check import check_source

TRAINED = torch.nn.Parameter(torch.ones(1))
HEAD = "import torch.nn.functional as F\nfrom torch import nn\nfrom timm.layers import DropPath\n"


def findings_in(model):
    optimizer = torch.optim.SGD([*model.parameters(), TRAINED], lr=0.1)
    return list(check_model(model, optimizer=optimizer, rules=[DropoutDropsNothing]))


@pytest.mark.parametrize(
    "code",
    [
        "OFF = 0\nnn.Dropout(OFF)",
        "nn.Dropout(0.1 if deep else 0.0)",
        "nn.Dropout(config.dropout)",
        "F.scaled_dot_product_attention(q, k, v, dropout_p=0.0)",
        "nn.MultiheadAttention(8, 2, dropout=0.0)",
        "DropPath(0.0)",
        "nn.Dropout(None)",
    ],
)
def test_a_dial_at_zero_is_no_finding(code):
    assert check_source(HEAD + code, "program.py", [DropoutDropsNothing]) == []


def test_a_comment_at_the_layer_does_not_silence_it():
    code = HEAD + "drop = nn.Dropout(0.0)  # off on purpose\n"
    assert len(check_source(code, "program.py", [DropoutDropsNothing])) == 1


def test_a_model_gets_one_note():
    model = nn.Sequential(nn.Dropout(0.0), nn.Linear(2, 2), nn.Dropout2d(0.0))
    (finding,) = findings_in(model)
    assert finding.severity is Severity.NOTE
    assert finding.message.startswith("all 2 drop layers, from Dropout '0' on")


def test_a_model_that_nobody_is_about_to_train_gets_none():
    assert list(check_model(nn.Dropout(0.0), rules=[DropoutDropsNothing])) == []


@pytest.mark.parametrize(
    "model",
    [
        nn.Sequential(nn.Dropout(0.0), nn.Dropout(0.1)),
        nn.Sequential(nn.Dropout(0.0), nn.LSTM(2, 2, 2, dropout=0.1)),
        nn.Sequential(nn.Dropout(0.0), nn.MultiheadAttention(2, 1, dropout=0.1)),
        nn.Sequential(nn.Dropout(0.0), wolfsbane.nn.LockedDropout(0.3)),
        nn.MultiheadAttention(2, 1),
        nn.Linear(2, 2),
    ],
)
def test_a_model_that_drops_somewhere_or_has_no_drop_layer_gets_none(model):
    assert findings_in(model) == []
