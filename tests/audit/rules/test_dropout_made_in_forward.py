"""WB105: what is made for a call, its fixes, and what lives on."""

import pytest
import torch
from torch import nn

from wolfsbane.audit.rules.dropout_made_in_forward import DropoutMadeInForward
from wolfsbane.audit.run.script import watch_everything
from wolfsbane.audit.source.check import check_source
from wolfsbane.audit.source.reading.editing import apply_edits

NET = """
from torch import nn
{head}

class Net(nn.Module):
    def __init__(self, p):
        super().__init__()
        self.p = p

    def forward(self, x, inplace=False):
        {body}
"""


def found_in(body, head=""):
    return check_source(NET.format(head=head, body=body), "program.py", [DropoutMadeInForward])


@pytest.mark.parametrize(
    ("head", "call", "mended"),
    [
        ("", "nn.Dropout(self.p)(x)", "nn.functional.dropout(x, self.p, training=self.training)"),
        (
            "import torch.nn.functional as F",
            "nn.Dropout2d()(x + 1)",
            "F.dropout2d(x + 1, 0.5, training=self.training)",
        ),
        (
            "from torch.nn import functional",
            "nn.AlphaDropout(p=0.1, inplace=inplace)(x)",
            "functional.alpha_dropout(x, 0.1, training=self.training, inplace=inplace)",
        ),
    ],
)
def test_a_layer_that_is_applied_at_once_becomes_a_function(head, call, mended):
    code = NET.format(head=head, body=f"return {call}")
    (finding,) = check_source(code, rules=[DropoutMadeInForward])
    assert finding.fix.is_safe
    assert apply_edits(code, finding.fix.edits) == NET.format(head=head, body=f"return {mended}")


@pytest.mark.parametrize(
    ("body", "head"),
    [
        ("drop = nn.Dropout(self.p); return drop(drop(x))", ""),
        ("return Dropout(0.5)(x)", "from torch.nn import Dropout"),
        ("return nn.Dropout(**x)(x)", ""),
        ("return nn.Dropout(0.5)(input=x)", ""),
    ],
)
def test_others_are_found_and_left_to_their_author(body, head):
    (finding,) = found_in(body, head)
    assert finding.fix is None
    assert finding.message.endswith("is made anew in each call, so model.eval() never reaches it")


@pytest.mark.parametrize(
    "body",
    [
        "drop = nn.Dropout(self.p); drop.train(self.training); return drop(x)",
        "drop = nn.Dropout(self.p).eval(); return drop(x)",
        "drop = nn.Dropout(self.p); self.keep = drop; return drop(x)",
        "return nn.Dropout(0.5)(x) if self.training else x",
        "return nn.Dropout(0.5).train(self.training)(x)",
        "return nn.ReLU()(x)",
        "self.drop = nn.Dropout(0.5); return self.drop(x)",
    ],
)
def test_a_layer_that_is_told_the_mode_or_kept_is_silent(body):
    assert found_in(body) == []


@pytest.mark.parametrize(
    ("code", "is_found"),
    [
        ("def block(x, p):\n    h = x.relu()\n    return nn.Dropout(p)(h)", True),
        ("def show():\n    x = torch.ones(9)\n    return nn.Dropout(0.5)(x)", False),
        ("nn.Dropout(0.5)(torch.ones(9))", False),
        ("def test_drop(x):\n    return nn.Dropout(0.5)(x)", False),
    ],
)
def test_a_function_is_taken_for_a_part_of_a_model_where_it_is_given_its_input(code, is_found):
    code = f"import torch\nfrom torch import nn\n{code}\n"
    assert bool(check_source(code, rules=[DropoutMadeInForward])) == is_found


class Net(nn.Module):
    """Applies what `make` returns."""

    def __init__(self, make):
        super().__init__()
        self.fc = nn.Linear(4, 4)
        self.make = make

    def forward(self, x):
        return self.make()(self.fc(x))


def found_in_run(make):
    model = Net(make)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    with watch_everything(rules=[DropoutMadeInForward]) as findings:
        for _ in range(3):
            optimizer.zero_grad()
            model.train()(torch.ones(2, 4)).sum().backward()
            optimizer.step()
            with torch.no_grad():
                model.eval()(torch.ones(2, 4))
    return list(findings)


def test_a_run_counts_what_was_made_and_what_evaluation_dropped():
    (finding,) = found_in_run(lambda: nn.Dropout(0.2))
    assert finding.message == (
        "dropout is made in forward: one Dropout p=0.2 for each of 6 calls, owned by no model; "
        "it was on in 3 calls in eval mode"
    )
    assert finding.place.file == __file__


def test_a_layer_that_lives_on_is_not_made_anew():
    held = [nn.Dropout(0.2)]
    assert found_in_run(lambda: held[0]) == []


@pytest.mark.parametrize("make", [nn.Identity, lambda: nn.Dropout(0.0)])
def test_what_drops_nothing_is_silent(make):
    assert found_in_run(make) == []
