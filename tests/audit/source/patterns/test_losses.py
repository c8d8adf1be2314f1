"""What a loss is given is told only where it is certain."""

import pytest

from wolfsbane.audit.source.file import Source
from wolfsbane.audit.source.patterns.losses import predictions_from

HEAD = "import torch\nimport torch.nn.functional as F\nfrom torch import nn\n"

CERTAIN = {
    "by a function": "F.cross_entropy(F.softmax(fc(x), 1), y)",
    "by a method": "nn.CrossEntropyLoss()(fc(x).softmax(dim=1), y)",
    "by a layer": "F.cross_entropy(nn.Softmax(dim=1)(fc(x)), y)",
    "through reshapes": "F.cross_entropy(F.softmax(fc(x), 1).view(-1, 3).contiguous(), y)",
    "through dropout": "F.cross_entropy(F.dropout(F.softmax(fc(x), 1), 0.1), y)",
    "under a name": "out = fc(x)\nout = torch.softmax(out, 1)\nF.cross_entropy(out, y)",
    "by keyword": "F.cross_entropy(input=F.softmax(fc(x), 1), target=y)",
    "in both branches": "p = fc(x).softmax(1) if a else F.softmax(x, 1)\nF.cross_entropy(p, y)",
}
UNCERTAIN = {
    "logits": "F.cross_entropy(fc(x), y)",
    "soft targets": "F.cross_entropy(fc(x), F.softmax(teacher(x), 1))",
    "log-softmax, which changes nothing": "F.cross_entropy(F.log_softmax(fc(x), 1), y)",
    "a logarithm": "F.cross_entropy(torch.log(F.softmax(fc(x), 1)), y)",
    "one branch of two": "p = fc(x)\nif a:\n    p = F.softmax(p, 1)\nF.cross_entropy(p, y)",
    "another loss": "F.nll_loss(F.softmax(fc(x), 1).log(), y)",
    "something scaled": "F.cross_entropy(F.softmax(fc(x), 1) * 20, y)",
    "a layer that is a softmax at times": "s = nn.Softmax(1) if a else nn.Identity()\n"
    "F.cross_entropy(s(fc(x)), y)",
    "a loss that is another at times": "c = nn.CrossEntropyLoss() if a else nn.MSELoss()\n"
    "c(F.softmax(fc(x), 1), y)",
    "a method of the program": "class A:\n    def softmax(self, x):\n        return fc(x)\n"
    "    def f(self, x, y):\n        return F.cross_entropy(self.softmax(x), y)",
}


def found(program):
    source = Source.read(HEAD + "fc = nn.Linear(4, 3)\n" + program + "\n")
    return list(predictions_from(source, {"cross_entropy"}, {"softmax"}))


@pytest.mark.parametrize("program", CERTAIN.values(), ids=CERTAIN)
def test_a_softmax_that_feeds_the_loss_is_found(program):
    assert found(program)


@pytest.mark.parametrize("program", UNCERTAIN.values(), ids=UNCERTAIN)
def test_what_may_be_something_else_is_left_out(program):
    assert found(program) == []


def test_a_model_that_answers_otherwise_in_training_is_left_out():
    program = (
        "class Net(nn.Module):\n"
        "    def forward(self, x):\n"
        "        x = fc(x)\n"
        "        if not self.training:\n"
        "            x = F.softmax(x, 1)\n"
        "        return x\n"
        "net = Net()\n"
        "F.cross_entropy(net(x), y)\n"
    )
    assert found(program) == []


def test_one_softmax_of_two_losses_is_found_once_with_both():
    program = "p = F.softmax(fc(x), 1)\na = F.cross_entropy(p, y)\nb = F.cross_entropy(p, z)"
    ((_, losses),) = found(program)
    assert len(losses) == 2
