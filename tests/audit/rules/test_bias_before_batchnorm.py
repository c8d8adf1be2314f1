import pytest
import torch
from torch import nn

from wolfsbane.audit import check_model
from wolfsbane.audit.registry import rule_of
from wolfsbane.audit.source.check import check_source

RULES = [rule_of("WB901")]
PROGRAM = "from torch import nn\nmodel = nn.Sequential({layer}, nn.BatchNorm1d(8))\n"


def found(layer):
    return check_source(PROGRAM.format(layer=layer), rules=RULES)


def mended(layer):
    """Return the program with the one finding's fix, whose edits stay within a line."""
    (finding,) = found(layer)
    (edit,) = finding.fix.edits
    assert not finding.fix.is_safe
    lines = PROGRAM.format(layer=layer).split("\n")
    line = lines[edit.span.line - 1]
    lines[edit.span.line - 1] = (
        line[: edit.span.column - 1] + edit.text + line[edit.span.end_column - 1 :]
    )
    return "\n".join(lines)


@pytest.mark.parametrize(
    ("layer", "expected"),
    [
        ("nn.Linear(4, 8)", "nn.Linear(4, 8, bias=False)"),
        ("nn.Linear(4, 8, True)", "nn.Linear(4, 8, False)"),
        ("nn.Conv1d(4, 8, 3, bias=True)", "nn.Conv1d(4, 8, 3, bias=False)"),
        ("nn.Conv1d(4, (8), (3))", "nn.Conv1d(4, (8), (3), bias=False)"),
        ("nn.Conv1d(4, 8, 3, )", "nn.Conv1d(4, 8, 3, bias=False )"),
        (
            "nn.Conv1d(\n    4,\n    8,\n    3,\n)",
            "nn.Conv1d(\n    4,\n    8,\n    3, bias=False\n)",
        ),
        ("nn.LazyLinear(8)", "nn.LazyLinear(8, bias=False)"),
        ("nn.LazyConv1d(8, 3)", "nn.LazyConv1d(8, 3, bias=False)"),
    ],
)
def test_the_fix_leaves_the_bias_out(layer, expected):
    assert mended(layer) == PROGRAM.format(layer=expected)
    assert found(expected) == []


def test_a_comment_in_the_last_line_is_no_place_for_an_argument():
    (finding,) = found("nn.Conv1d(\n    4, 8, 3  # wide\n)")
    assert finding.fix is None


@pytest.mark.parametrize(
    "layer",
    [
        "nn.Linear(4, 8, bias=False)",
        "nn.Linear(4, 8, False)",
        "nn.Linear(4, 8, bias=config.bias)",
        "nn.Linear(4, 8, **options)",
        "nn.Linear(4, 16)",
        "nn.Conv1d(4, 16, 3)",
        "nn.Embedding(4, 8)",
    ],
)
def test_no_bias_or_one_that_is_not_known_is_silent(layer):
    assert found(layer) == []


BLOCK = """
from torch import nn

class Block(nn.Module):
    def __init__(self, use_norm):
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 3)
        self.norm = nn.BatchNorm2d(8)
        self.use_norm = use_norm

    def forward(self, x):
        {body}
"""


@pytest.mark.parametrize(
    ("body", "is_found"),
    [
        ("return self.norm(self.conv(x))", True),
        ("x = self.conv(x); x = self.norm(x); return x", True),
        ("x = self.conv(x); return self.norm(x) + x", False),
        ("x = self.conv(x); return self.norm(x), x", False),
        ("return self.norm(self.conv(x)) + self.conv(x * 2)", False),
        ("x = self.conv(x); x = x.relu(); return self.norm(x)", False),
        ("x = self.conv(x); x = self.norm(x) if self.use_norm else x.relu(); return x", False),
    ],
    ids=[
        "directly",
        "named",
        "added",
        "returned",
        "called twice",
        "activation between",
        "norm not always",
    ],
)
def test_only_a_result_that_goes_to_norms_alone_is_found(body, is_found):
    findings = check_source(BLOCK.format(body=body), rules=RULES)
    assert [finding.code for finding in findings] == ["WB901"] * is_found


def test_the_tape_tells_a_row_of_vectors_from_a_matrix():
    model = nn.Sequential(nn.Linear(4, 6), nn.BatchNorm1d(6))
    (finding,) = check_model(model, torch.randn(2, 4), rules=RULES)
    assert "linear layer '0' adds a bias of 6 numbers that batch norm '1'" in finding.message
    assert check_model(model, torch.randn(2, 6, 4), rules=RULES).codes == []


def test_a_batch_norm_subtracts_the_bias():
    layer, norm = nn.Conv2d(3, 4, 3).double(), nn.BatchNorm2d(4).double()
    x = torch.randn(5, 3, 8, 8, dtype=torch.double)
    before = norm(layer(x))
    layer.bias.data += 3
    torch.testing.assert_close(norm(layer(x)), before)
