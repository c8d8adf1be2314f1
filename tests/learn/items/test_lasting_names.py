"""Exercises on batch norm, activations and all together keep their names."""

from learn.items.every_item import ITEMS
from wolfsbane.learn.practice.item import Repair, Topic

QUESTIONS = {
    "norm-argument",
    "norm-axis",
    "norm-channels",
    "norm-evaluation",
    "norm-first-batch",
    "norm-no-grad",
    "norm-bias-before",
    "norm-variances",
    "norm-scale-and-shift",
    "activation-relu",
    "activation-linear-stack",
    "activation-ten-sigmoids",
    "activation-centred",
    "activation-dips",
    "activation-dead",
    "together-modes",
    "together-commute",
    "together-state-dict",
    "together-hook",
    "together-curvature",
}
REPAIRS = {
    "norm-keras-momentum",
    "norm-evaluated-in-train-mode",
    "norm-batch-of-one",
    "norm-frozen",
    "norm-weight-decay",
    "activation-without",
    "activation-saturated",
    "activation-sigmoid-twice",
    "activation-softmax-twice",
    "activation-relu-on-logits",
    "activation-in-place",
    "together-eval-not-called",
    "together-order",
    "together-plain-list",
    "together-new-head",
    "together-how-sure",
    "together-two-mistakes",
}
"""Names that students' progress files have: none may go, and none may change its kind."""

OTHER_TOPICS = [item for item in ITEMS if item.topic is not Topic.DROPOUT]


def test_every_name_stays_and_stays_of_its_kind():
    mended = {item.name for item in OTHER_TOPICS if isinstance(item, Repair)}
    answered = {item.name for item in OTHER_TOPICS} - mended
    assert mended >= REPAIRS
    assert answered >= QUESTIONS


def test_a_name_begins_with_its_topic():
    first_words = {Topic.NORM: "norm", Topic.ACTIVATION: "activation", Topic.TOGETHER: "together"}
    assert all(item.name.startswith(f"{first_words[item.topic]}-") for item in OTHER_TOPICS)
