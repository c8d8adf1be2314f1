"""WB106: its fixes, and torch's errors explained."""

import pytest
import torch
from torch import nn

import wolfsbane
from wolfsbane.audit.rules.dropout_rate_out_of_range import DropoutRateOutOfRange
from wolfsbane.audit.run.script import watch_everything
from wolfsbane.audit.source.check import check_source
from wolfsbane.audit.source.reading.editing import apply_edits


def found_in(code):
    return check_source(f"from torch import nn\n{code}", "program.py", [DropoutRateOutOfRange])


@pytest.mark.parametrize(
    ("written", "meant"), [("30", "0.3"), ("2", "0.02"), ("12.5", "0.125"), ("100", "1")]
)
def test_a_percentage_is_mended(written, meant):
    code = f"from torch import nn\ndrop = nn.Dropout({written})\n"
    (finding,) = check_source(code, "program.py", [DropoutRateOutOfRange])
    assert not finding.fix.is_safe
    assert apply_edits(code, finding.fix.edits).endswith(f"nn.Dropout({meant})\n")
    assert f"As a percentage that is p={meant}" in finding.help


@pytest.mark.parametrize("written", ["1.5", "-0.3", "255"])
def test_what_is_no_percentage_is_left_to_its_author(written):
    (finding,) = found_in(f"nn.Dropout({written})")
    assert finding.fix is None
    assert "percentage" not in finding.help


def test_the_number_is_shown_where_it_is_written():
    (finding,) = found_in("RATE = 40\ndrop = nn.Dropout2d(p=RATE)")
    assert (finding.place.span.line, finding.place.span.column) == (2, 8)


@pytest.mark.parametrize("expects", ["pytest.raises(ValueError)", "self.assertRaises(ValueError)"])
def test_a_refusal_that_is_tested_is_silent(expects):
    assert found_in(f"with {expects}:\n    nn.Dropout(30)") == []
    assert found_in("with torch.no_grad():\n    nn.Dropout(30)")


@pytest.mark.parametrize(
    "code",
    [
        "p = 30\np = p / 100\nnn.Dropout(p)",
        "p = 30\np /= 100\nnn.Dropout(p)",
        "for p in (10, 20):\n    nn.Dropout(p / 100)",
        "nn.Dropout(config['dropout'])",
        "nn.LSTM(30, 40, 2)",
        "def block(x, p=30):\n    return nn.Linear(p, p)(nn.Dropout(0.1)(x))",
    ],
)
def test_a_number_that_is_no_rate_yet_is_silent(code):
    assert found_in(code) == []


def test_true_is_refused_by_recurrent_layers_only():
    assert found_in("nn.LSTM(4, 4, 2, dropout=True)")
    assert not found_in("nn.Dropout(True)")


def found_in_run(run):
    with (
        pytest.raises(ValueError, match=r"between 0 and 1|in range"),
        watch_everything(rules=[DropoutRateOutOfRange]) as findings,
    ):
        run()
    return findings[0]


def test_an_error_of_a_call_names_the_layer_and_the_line():
    model = nn.Sequential(nn.Linear(4, 4), nn.Sequential(nn.Dropout()))
    model(torch.ones(2, 4)).sum().backward()

    def run():
        for rate in (0.5, 30):
            model[1][0].p = rate
            model(torch.ones(2, 4)).sum().backward()

    finding = found_in_run(run)
    assert finding.message.startswith("drop rate 30, used in Dropout '1.0', is not a number")
    assert finding.message.endswith("the run ended with a ValueError")
    assert finding.place.module == "1.0"
    assert finding.place.file == __file__
    assert finding.help.endswith("As a percentage that is p=0.3")


@pytest.mark.parametrize("layer", [nn.Dropout, wolfsbane.nn.Dropout])
def test_an_error_of_a_creation_names_the_line(layer):
    finding = found_in_run(lambda: layer(50))
    assert finding.message.startswith("drop rate 50 is not a number")
    assert finding.place.file == __file__
    assert finding.help.endswith("As a percentage that is p=0.5")


def test_a_recurrent_layers_rate_is_named_though_torch_does_not():
    finding = found_in_run(lambda: nn.GRU(4, 4, 2, dropout=20))
    assert finding.message.startswith("drop rate 20 is not a number")
    assert finding.help.endswith("As a percentage that is dropout=0.2")


def test_another_error_is_not_explained():
    with (
        pytest.raises(ValueError, match="other"),
        watch_everything(rules=[DropoutRateOutOfRange]) as findings,
    ):
        raise ValueError("other")
    assert list(findings) == []
