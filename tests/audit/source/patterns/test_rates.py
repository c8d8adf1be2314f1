"""The drop rates that a program writes down."""

# ruff: noqa: E501  # programs, one a line

import pytest

from wolfsbane.audit.source.file import Source
from wolfsbane.audit.source.patterns.rates import drops_nothing, numbers_of, rates_of

HEAD = "import torch\nfrom torch import nn\nimport torch.nn.functional as F\n"


def rates_in(program):
    """Return by which keyword each rate is given, and the numbers it may be."""
    source = Source.read(HEAD + program)
    return [
        (rate.name, rate.keyword, [value for _, value in numbers_of(source, rate)])
        for rate in rates_of(source)
    ]


@pytest.mark.parametrize(
    ("program", "rates"),
    [
        ("nn.Dropout(0.5)", [("Dropout", "p", [0.5])]),
        ("nn.Dropout2d(inplace=True, p=-0.5)", [("Dropout2d", "p", [-0.5])]),
        ("nn.Dropout()", []),
        ("nn.LSTM(3, 4, 2, True, False, 0.3)", [("LSTM", "dropout", [0.3])]),
        ("nn.RNN(3, 4, 2, 'tanh', True, False, 0.3)", [("RNN", "dropout", [0.3])]),
        ("nn.LSTM(3, 4, 2)", []),
        ("nn.MultiheadAttention(8, 2, 0.1)", [("MultiheadAttention", "dropout", [0.1])]),
        ("nn.TransformerEncoderLayer(8, 2, 32, 0.1)", [("TransformerEncoderLayer", "dropout", [0.1])]),
        ("F.dropout(x, 0.2, t)", [("dropout", "p", [0.2])]),
        ("F.dropout(x, training=t)", []),
        ("F.scaled_dot_product_attention(q, k, v, None, 0.1)", [("scaled_dot_product_attention", "dropout_p", [0.1])]),
        ("from timm.layers import DropPath\nDropPath(drop_prob=0.1)", [("DropPath", "drop_prob", [0.1])]),
        ("from wolfsbane.nn import DropPath\nDropPath(p=0.1)", [("DropPath", "p", [0.1])]),
        ("P = 0.3\nnn.Dropout(P)", [("Dropout", "p", [0.3])]),
        ("nn.Dropout(0.3 if small else 0.5)", [("Dropout", "p", [0.3, 0.5])]),
        ("nn.Dropout(config.rate)", [("Dropout", "p", [])]),
        ("nn.Dropout(**options)", []),
    ],
)  # fmt: skip
def test_a_rate_is_found_where_it_is_given(program, rates):
    assert rates_in(program) == rates


def test_a_number_is_where_it_is_written():
    source = Source.read(HEAD + "RATE = 30\nnn.Dropout(RATE)")
    ((written, _),) = (found for rate in rates_of(source) for found in numbers_of(source, rate))
    assert source.place(written).span.line == 4


def test_a_step_of_rate_0_drops_nothing():
    source = Source.read(HEAD + "off = nn.Dropout(0)\ny = off(x)\nz = F.dropout(F.dropout(y, 0.0))")
    steps = [step for step in source.steps if step.kind == "dropout"]
    assert [drops_nothing(source, step) for step in steps] == [True, False, True]
