"""Batch norm's programs to mend take every right way to mend them, not the one solution alone."""

import pytest

from wolfsbane.learn.items import find_item
from wolfsbane.learn.practice.grading import evaluate

TRAINED = "model.train()\nfor step"
MENDS = [
    ("norm-keras-momentum", "momentum=0.99)\n\n", "momentum=1 - 0.99)\n\n"),
    ("norm-batch-of-one", "batch_size=32", "batch_size=43"),
    ("norm-batch-of-one", "batch_size=32", "batch_size=129"),
    (
        "norm-batch-of-one",
        "    for x, y in loader:\n",
        "    for x, y in loader:\n        if len(x) == 1:\n            continue\n",
    ),
    (
        "norm-evaluated-in-train-mode",
        "with torch.no_grad",
        "model.train(False)\nwith torch.no_grad",
    ),
    (
        "norm-evaluated-in-train-mode",
        "with torch.no_grad",
        "model.eval()\nwith torch.inference_mode",
    ),
    ("norm-frozen", TRAINED, "model.train()\nbackbone[1].eval()\nfor step"),
    ("norm-frozen", TRAINED, "model.eval()\nhead.train()\nfor step"),
    (
        "norm-frozen",
        TRAINED,
        "from wolfsbane import stats\nstats.freeze(backbone)\nmodel.train()\nfor step",
    ),
]


@pytest.mark.parametrize(("name", "old", "new"), MENDS)
def test_another_right_mend_passes(name, old, new):
    item = find_item(name)
    assert old in item.program
    graded = evaluate(item, item.program.replace(old, new))
    assert graded.passed, graded.measured


def test_eval_before_train_does_not_keep_a_backbone_frozen():
    item = find_item("norm-frozen")
    graded = evaluate(item, item.program.replace(TRAINED, f"backbone.eval()\n{TRAINED}"))
    assert not graded.passed
    assert graded.rule == "WB301"


def test_a_last_batch_of_one_is_explained_by_the_auditor():
    item = find_item("norm-batch-of-one")
    graded = evaluate(item, item.program)
    assert graded.rule == "WB303"
    assert "Expected more than 1 value per channel" in graded.measured
