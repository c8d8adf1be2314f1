"""Activations' programs to mend take every right way to mend them, not the one solution alone."""

import pytest

from wolfsbane.learn.items import find_item
from wolfsbane.learn.practice.grading import evaluate

LAYERS = "nn.Linear(2, 32), nn.Linear(32, 32), nn.Linear(32, 2)"
STANDARDISED = "inputs = (people - torch.tensor([172.0, 74.0])) / torch.tensor([10.0, 15.0])\n"
MENDS = [
    ("activation-without", LAYERS, LAYERS.replace("), nn.L", "), nn.Tanh(), nn.L")),
    ("activation-without", LAYERS, LAYERS.replace("), nn.L", "), nn.GELU(), nn.L")),
    ("activation-without", LAYERS, "nn.Linear(2, 64), nn.ReLU(), nn.Linear(64, 2)"),
    ("activation-sigmoid-twice", "binary_cross_entropy_with_logits", "binary_cross_entropy"),
    (
        "activation-relu-on-logits",
        "nn.ReLU(), nn.Linear(32, 3), nn.ReLU()",
        "nn.Tanh(), nn.Linear(32, 3)",
    ),
    ("activation-in-place", "h += x", "h = h + x"),
    ("activation-in-place", "h += x", "h = h.clone()\n    h += x"),
    ("activation-saturated", "inputs = people\n", STANDARDISED),
]


@pytest.mark.parametrize(("name", "old", "new"), MENDS)
def test_another_right_mend_passes(name, old, new):
    item = find_item(name)
    assert old in item.program
    graded = evaluate(item, item.program.replace(old, new))
    assert graded.passed, graded.measured


def test_log_probabilities_with_their_own_loss_pass():
    item = find_item("activation-softmax-twice")
    program = item.program.replace("nn.Softmax", "nn.LogSoftmax")
    graded = evaluate(item, program.replace("CrossEntropyLoss", "NLLLoss"))
    assert graded.passed, graded.measured


def test_the_scores_of_apples_are_really_stuck_now_and_then():
    item = find_item("activation-relu-on-logits")
    stuck = set()
    for seed in range(30):
        names = {}
        exec(f"import torch\ntorch.manual_seed({seed})\n{item.program}", names)
        stuck.add(names["stuck"] > 0)
    assert stuck == {True, False}
