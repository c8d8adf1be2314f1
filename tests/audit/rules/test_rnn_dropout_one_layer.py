"""WB110: its fix, and numbers of levels that are not known."""

import pytest

from wolfsbane.audit.rules.rnn_dropout_one_layer import RnnDropoutOneLayer
from wolfsbane.audit.source.check import check_source
from wolfsbane.audit.source.reading.editing import apply_edits

HEAD = "from torch import nn\n"


def found_in(code):
    return check_source(HEAD + code, "program.py", [RnnDropoutOneLayer])


@pytest.mark.parametrize(
    ("code", "mended"),
    [
        ("nn.LSTM(4, 8, dropout=0.5)", "nn.LSTM(4, 8)"),
        ("nn.LSTM(4, 8, dropout=p, bias=False)", "nn.LSTM(4, 8, bias=False)"),
        ("nn.GRU(\n    4,\n    8,\n    dropout=(0.5),\n)", "nn.GRU(\n    4,\n    8,\n)"),
    ],
)
def test_the_argument_is_removed_and_nothing_changes(code, mended):
    (finding,) = found_in(code)
    assert finding.fix.is_safe
    assert apply_edits(HEAD + code, finding.fix.edits) == HEAD + mended


@pytest.mark.parametrize(
    "code",
    [
        "nn.LSTM(4, 8, 1, True, False, 0.5)",
        "nn.LSTM(dropout=0.5, input_size=4, hidden_size=8)",
        "nn.LSTM(4, (8), dropout=0.5)",
        "nn.LSTM(4, 8,  # width\n    dropout=0.5)",
    ],
)
def test_what_cannot_be_cut_out_neatly_is_found_without_a_fix(code):
    (finding,) = found_in(code)
    assert finding.fix is None


@pytest.mark.parametrize(
    "code",
    [
        "nn.LSTM(4, 8, levels, dropout=0.5)",
        "def make(levels=1):\n    return nn.LSTM(4, 8, levels, dropout=0.5)\nmake()",
        "nn.LSTM(4, 8, 1, dropout=0.0)",
        "nn.LSTM(4, 8, dropout=0.5 if deep else 0.0, **more)",
        "nn.LSTM(*sizes, dropout=0.5)",
        "nn.LSTM(4, 8, 1)",
        "nn.LSTMCell(4, 8)",
    ],
)
def test_what_may_have_two_levels_or_drops_nothing_is_silent(code):
    assert found_in(code) == []
