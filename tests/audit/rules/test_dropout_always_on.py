"""WB101: which calls it takes to be on in evaluation, its fixes, and what it tells of runs."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from wolfsbane.audit import check_model
from wolfsbane.audit.rules.dropout_always_on import DropoutAlwaysOn
from wolfsbane.audit.run.script import watch_everything
from wolfsbane.audit.source.check import check_source
from wolfsbane.audit.source.reading.editing import apply_edits

NET = """
import timm
import torch
import torch.nn.functional as F
from timm.layers import drop_path
from torch import nn
from torchvision.ops import stochastic_depth

class Net(nn.Module):
    def __init__(self, p):
        super().__init__()
        self.p = p

    def forward(self, x, given={{}}, **options):
        return {}
"""


def found_in(call):
    return check_source(NET.format(call), "program.py", [DropoutAlwaysOn])


@pytest.mark.parametrize(
    "call",
    [
        "F.dropout(x)",
        "F.dropout3d(x, self.p, inplace=True)",
        "F.alpha_dropout(x, 0.1, True)",
        "F.dropout(x, 0.5, 1)",
        "torch.dropout(x, 0.5, True)",
        "drop_path(x, 0.1, training=True)",
        "stochastic_depth(x, 0.1, 'row')",
        "[F.dropout(part) for part in x]",
    ],
)
def test_a_call_that_ignores_the_mode_is_found(call):
    (finding,) = found_in(call)
    assert finding.help == "Pass training=self.training"


@pytest.mark.parametrize(
    "call",
    [
        "F.dropout(x, 0.5, self.training)",
        "F.dropout(x, training=given['mode'])",
        "F.dropout(x, **options)",
        "F.dropout(x, *given)",
        "F.dropout(x, 0)",
        "F.dropout(x, p=0.0)",
        "F.dropout(x, self.p * self.training)",
        "F.dropout(x, training=False)",
        "F.alpha_dropout(x, 0.1)",
        "drop_path(x, 0.1)",
        "drop_path(x, training=True)",
        "torch.dropout(x, 0.5, self.training)",
        "F.dropout(x, given)",
    ],
)
def test_a_call_that_knows_the_mode_or_may_know_it_is_silent(call):
    assert found_in(call) == []


@pytest.mark.parametrize(
    ("call", "mended", "is_safe"),
    [
        ("F.dropout(x)", "F.dropout(x, training=self.training)", True),
        ("F.dropout(x, p=0.5)", "F.dropout(x, p=0.5, training=self.training)", True),
        ("F.dropout(x, 0.5, True)", "F.dropout(x, 0.5, self.training)", False),
        ("torch.dropout(x, 0.5, True)", "torch.dropout(x, 0.5, self.training)", False),
    ],
)
def test_a_fix_passes_the_mode(call, mended, is_safe):
    (finding,) = found_in(call)
    assert finding.fix.is_safe == is_safe
    assert apply_edits(NET.format(call), finding.fix.edits) == NET.format(mended)
    assert found_in(mended) == []


def test_a_function_without_a_mode_gets_advice_and_no_fix():
    code = "import torch.nn.functional as F\ndef noise(x):\n    return F.dropout(x)\n"
    (finding,) = check_source(code, rules=[DropoutAlwaysOn])
    assert finding.fix is None
    assert finding.help == "Take the mode as a parameter, and pass it on as training="


def test_an_earlier_dropout_that_knows_the_mode_excuses_nothing():
    body = "F.dropout(F.dropout(x, 0.5, self.training), 0.5)"
    assert [finding.place.span.column for finding in found_in(body)] == [16]


class Noise(nn.Module):
    """Drops in every mode."""

    def forward(self, x):
        return F.dropout(x, 0.25)


def trained(model, num_epochs=3, prepare=lambda model: model.eval()):
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    with watch_everything(rules=[DropoutAlwaysOn]) as findings:
        for _ in range(num_epochs):
            model.train()
            optimizer.zero_grad()
            model(torch.ones(2, 4)).sum().backward()
            optimizer.step()
            prepare(model)
            with torch.no_grad():
                model(torch.ones(2, 4))
    return list(findings)


def test_a_run_tells_how_often_it_was_on_and_where():
    (finding,) = trained(nn.Sequential(nn.Linear(4, 4), Noise(), nn.Linear(4, 1)))
    assert finding.message.startswith("dropout p=0.25 in Noise '1' was on in 3 calls")
    assert (finding.place.module, finding.place.file) == ("1", __file__)


def test_a_run_without_an_evaluation_tells_nothing():
    assert trained(nn.Sequential(nn.Linear(4, 4), Noise()), prepare=lambda model: model) == []


def test_layers_that_were_put_in_training_mode_are_meant():
    def monte_carlo(model):
        model.eval()
        model[1].train()

    assert trained(nn.Sequential(nn.Linear(4, 4), nn.Dropout()), prepare=monte_carlo) == []


class Strange(nn.Module):
    """Calls a dropout that it does not own."""

    def forward(self, x):
        return nn.Dropout(0.1)(x)


def test_a_layer_that_no_model_owns_is_another_rules_affair():
    assert trained(nn.Sequential(nn.Linear(4, 4), Strange())) == []


@pytest.mark.parametrize(("model", "is_found"), [(Noise(), True), (nn.Dropout(), False)])
def test_a_model_is_judged_in_evaluation(model, is_found):
    chain = nn.Sequential(nn.Linear(4, 4), model).train()
    found = list(check_model(chain, torch.ones(2, 4), rules=[DropoutAlwaysOn]))
    assert bool(found) == is_found
    assert all(finding.place.module == "1" for finding in found)


def test_a_model_without_example_inputs_is_silent():
    assert list(check_model(Noise(), rules=[DropoutAlwaysOn])) == []
