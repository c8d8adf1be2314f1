"""Whole programs to mend take every right way to mend them, not the one solution alone."""

import pytest

from wolfsbane.learn.items import find_item
from wolfsbane.learn.practice.grading import evaluate

SWAP = "model[3] = nn.Linear(16, 3)\n"
DRAWN = "levels = torch.stack([model(rivers) for _ in range(30)])"
SPREAD = "spread = levels.std(dim=0).mean().item()"
MENDS = [
    ("together-order", "nn.ReLU(), nn.Dropout(0.5), norm", "nn.ReLU(), norm, nn.Dropout(0.5)"),
    ("together-eval-not-called", "model.eval\n", "model.train(False)\n"),
    ("together-eval-not-called", "model.eval\n", "model.train(mode=False)\n"),
    (
        "together-plain-list",
        "[nn.Linear(width, width) for _ in range(depth)]",
        "nn.Sequential(*(nn.Linear(width, width) for _ in range(depth)))",
    ),
    (
        "together-new-head",
        SWAP,
        f'{SWAP}optimizer.add_param_group({{"params": model[3].parameters()}})\n',
    ),
]


@pytest.mark.parametrize(("name", "old", "new"), MENDS)
def test_another_right_mend_passes(name, old, new):
    item = find_item(name)
    assert old in item.program
    graded = evaluate(item, item.program.replace(old, new))
    assert graded.passed, graded.measured


def test_monte_carlo_dropout_of_this_package_passes():
    item = find_item("together-how-sure")
    sampled = item.program.replace("model.eval()\n", "import wolfsbane\n")
    drawn = sampled.replace(DRAWN, "levels = wolfsbane.mc_dropout(model, rivers, 30)")
    graded = evaluate(item, drawn.replace(SPREAD, "spread = levels.std.mean().item()"))
    assert graded.passed, graded.measured


def test_either_of_the_two_mistakes_alone_is_still_said():
    item = find_item("together-two-mistakes")
    start, layers = "model.train()\nfor epoch in range(8):\n", ", nn.Dropout(0.5))"
    restored = item.program.replace(start, "for epoch in range(8):\n    model.train()\n")
    moved = item.program.replace(layers, ")").replace("nn.ReLU(),", "nn.ReLU(), nn.Dropout(0.5),")
    assert evaluate(item, restored).rule == "WB112"
    assert evaluate(item, moved).rule == "WB201"


def test_a_validation_that_puts_the_mode_back_passes():
    item = find_item("together-two-mistakes")
    moved = item.program.replace(", nn.Dropout(0.5))", ")")
    moved = moved.replace("nn.ReLU(),", "nn.ReLU(), nn.Dropout(0.5),")
    returned = "        return nn.functional.cross_entropy(scores, is_spam[validation]).item()\n"
    assert returned in moved
    restored = moved.replace(
        returned,
        "    model.train()\n"
        "    return nn.functional.cross_entropy(scores, is_spam[validation]).item()\n",
    )
    graded = evaluate(item, restored)
    assert graded.passed, graded.measured
