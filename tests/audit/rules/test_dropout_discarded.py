"""WB104: what is thrown away, and how it is kept."""

import pytest

from wolfsbane.audit.rules.dropout_discarded import DropoutDiscarded
from wolfsbane.audit.source.check import check_source
from wolfsbane.audit.source.reading.editing import apply_edits

NET = """
import torch
import torch.nn.functional as F
from torch import nn

class Net(nn.Module):
    def __init__(self, **options):
        super().__init__()
        self.drop = nn.Dropout(0.5)
        self.inplace = nn.Dropout(0.5, inplace=True)
        self.open = nn.Dropout(**options)

    def forward(self, x, y):
        {}
        return x
"""


def found_in(line):
    return check_source(NET.format(line), "program.py", [DropoutDiscarded])


@pytest.mark.parametrize(
    ("line", "mended"),
    [
        ("self.drop(x)", "x = self.drop(x)"),
        ("F.dropout(x, 0.5, self.training)", "x = F.dropout(x, 0.5, self.training)"),
        ("torch.dropout(x, 0.5, True)", "x = torch.dropout(x, 0.5, True)"),
        ("F.dropout2d(input=x)", "x = F.dropout2d(input=x)"),
    ],
)
def test_a_result_that_is_thrown_away_is_kept(line, mended):
    (finding,) = found_in(line)
    assert finding.message.endswith("(...) is thrown away, and x stays as it was")
    assert finding.help == f"Assign it: {mended}"
    assert not finding.fix.is_safe
    assert apply_edits(NET.format(line), finding.fix.edits) == NET.format(mended)
    assert found_in(mended) == []


def test_an_input_without_a_name_has_no_fix():
    (finding,) = found_in("self.drop(x + y)")
    assert finding.fix is None


@pytest.mark.parametrize(
    "line",
    [
        "self.inplace(x)",
        "self.open(x)",
        "F.dropout(x, 0.5, True, True)",
        "F.dropout(x, inplace=self.inplace)",
        "torch.dropout_(x, 0.5, True)",
        "F.dropout(x, **y)",
        "self.drop(y)",
        "x = self.drop(self.drop(x))",
        "print(self.drop(x))",
        "self.drop",
        "F.relu(x)",
    ],
)
def test_what_works_in_place_or_on_what_nobody_reads_is_silent(line):
    assert found_in(line) == []


def test_a_layer_that_is_made_and_left_is_found():
    (finding,) = found_in("nn.Dropout(0.1)")
    assert finding.message == "nn.Dropout(0.1) is made and thrown away: it is applied to nothing"


@pytest.mark.parametrize("name", ["test_net", "forward"])
def test_tests_are_left_alone(name):
    code = NET.format("self.drop(x)").replace("forward", name)
    assert bool(check_source(code, rules=[DropoutDiscarded])) == (name == "forward")
