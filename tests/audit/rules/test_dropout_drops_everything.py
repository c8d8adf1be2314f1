"""WB108: its fix, and what is no rate of 1."""

import pytest
from torch import nn

from wolfsbane.audit import check_model
from wolfsbane.audit.rules.dropout_drops_everything import DropoutDropsEverything
from wolfsbane.audit.source.check import check_source
from wolfsbane.audit.source.reading.editing import apply_edits

HEAD = "import torch.nn.functional as F\nfrom torch import nn\n"


NET = "class Net(nn.Module):\n    def forward(self, x):\n        return "


def found_in(code):
    return check_source(HEAD + code, "program.py", [DropoutDropsEverything])


def test_a_mode_that_is_passed_as_the_rate_is_named():
    code = f"{NET}F.dropout(x, self.training)"
    (finding,) = found_in(code)
    assert "the mode is passed as dropout's p" in finding.message
    assert not finding.fix.is_safe
    mended = apply_edits(HEAD + code, finding.fix.edits)
    assert mended.endswith("F.dropout(x, training=self.training)")
    assert not check_source(mended, "program.py", [DropoutDropsEverything])


def test_a_mode_is_known_by_its_name_too():
    assert found_in("def f(x, training):\n    return F.dropout(x, training)")
    assert not found_in("def f(x, p, training):\n    return F.dropout(x, p, training)")


@pytest.mark.parametrize(
    "call", ["F.dropout(x, p=self.training)", "F.dropout(x, self.training, inplace=True)"]
)
def test_a_mode_is_mended_only_where_it_is_the_last_argument(call):
    (finding,) = found_in(f"{NET}{call}")
    assert finding.fix is None


@pytest.mark.parametrize(
    "code",
    [
        "nn.Dropout(0.999)",
        "nn.Dropout(1 - keep)",
        "nn.Dropout(30)",
        "def f(x, keep=1.0):\n    return F.dropout(x, keep)",
        "F.dropout(x, 0.5, True)",
        "nn.LSTM(4, 4, 2, dropout=True)",
    ],
)
def test_another_rate_is_none_of_this_rules_business(code):
    assert found_in(code) == []


def test_one_level_drops_nothing_whatever_the_rate():
    with pytest.warns(UserWarning, match="num_layers"):
        layer = nn.LSTM(4, 4, dropout=1.0)
    assert list(check_model(layer, rules=[DropoutDropsEverything])) == []
