"""Which exercises there are, and in what order."""

from importlib import import_module
from pathlib import Path

import pytest

from learn.items.every_item import ITEMS, chosen
from wolfsbane.errors import ArgumentError
from wolfsbane.learn.items import TOPICS, find_item
from wolfsbane.learn.practice.item import Question, Repair, Topic

NAMES = [
    "welcome",
    "dropout-purpose",
    "dropout-syntax",
    "dropout-evaluation",
    "dropout-no-effect",
    "dropout-training-only",
    "dropout-train-not-restored",
    "dropout-rate-meaning",
    "dropout-scale",
    "dropout-discarded",
    "dropout-functional",
    "dropout-expectation",
    "dropout-made-in-forward",
    "dropout-no-grad",
    "dropout-seeds",
    "dropout-in-a-list",
    "dropout-gradient",
    "dropout-on-logits",
    "dropout-extremes",
    "dropout-one-level",
    "dropout-channels",
    "dropout-saved",
    "dropout-monte-carlo",
    "norm-argument",
    "norm-axis",
    "norm-channels",
    "norm-evaluation",
    "norm-first-batch",
    "norm-keras-momentum",
    "norm-no-grad",
    "norm-evaluated-in-train-mode",
    "norm-batch-of-one",
    "norm-bias-before",
    "norm-frozen",
    "norm-variances",
    "norm-scale-and-shift",
    "norm-weight-decay",
    "activation-relu",
    "activation-linear-stack",
    "activation-without",
    "activation-ten-sigmoids",
    "activation-centred",
    "activation-dips",
    "activation-saturated",
    "activation-dead",
    "activation-sigmoid-twice",
    "activation-softmax-twice",
    "activation-relu-on-logits",
    "activation-in-place",
    "together-modes",
    "together-eval-not-called",
    "together-commute",
    "together-order",
    "together-plain-list",
    "together-state-dict",
    "together-new-head",
    "together-how-sure",
    "together-hook",
    "together-curvature",
    "together-two-mistakes",
]
"""Names that students' progress files have: none may go, and none may be given to another."""

TO_MEND = {
    "dropout-train-not-restored",
    "dropout-discarded",
    "dropout-functional",
    "dropout-made-in-forward",
    "dropout-in-a-list",
    "dropout-on-logits",
    "dropout-one-level",
    "dropout-monte-carlo",
    "norm-keras-momentum",
    "norm-evaluated-in-train-mode",
    "norm-batch-of-one",
    "norm-weight-decay",
    "norm-frozen",
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
"""Those whose answer is a program, which a progress file keeps: none may change its kind."""

THE_SOURCES_FIVE = NAMES[1:6]


def test_names_are_unique_and_stay():
    names = [item.name for item in ITEMS]
    assert len(set(names)) == len(names)
    assert set(NAMES) <= set(names)
    assert set(names) <= set(NAMES), "an exercise is new: list its name above"


def test_every_exercise_stays_of_its_kind():
    assert {item.name for item in ITEMS if isinstance(item, Repair)} == TO_MEND


def test_a_name_begins_with_its_topic():
    first_words = {Topic.NORM: "norm", Topic.ACTIVATION: "activation", Topic.TOGETHER: "together"}
    for item in ITEMS[1:]:
        assert item.name.startswith(f"{first_words.get(item.topic, 'dropout')}-")


def test_the_five_questions_come_first_after_the_welcome():
    assert [item.name for item in ITEMS[:6]] == ["welcome", *THE_SOURCES_FIVE]
    assert all(isinstance(item, Question) for item in ITEMS[:6])


def test_the_first_item_is_passed_by_the_first_answer_and_says_that_it_is_easy():
    first = ITEMS[0]
    assert chosen(first, 0).graded.passed
    assert "easy on purpose" in first.prompt
    assert "costs\nnothing" in first.prompt


def test_there_are_25_more_than_the_five_and_several_to_mend():
    assert len(ITEMS) >= 1 + 5 + 25
    assert sum(isinstance(item, Repair) for item in ITEMS) >= 8


@pytest.mark.parametrize("topic", TOPICS)
def test_every_file_is_in_the_order(topic):
    package = import_module(f"wolfsbane.learn.items.{topic}")
    files = {path.stem for path in Path(package.__file__).parent.glob("*.py")} - {"__init__"}
    assert set(package.ORDER) == files
    assert len(package.ORDER) == len(files)


def test_every_topic_has_items():
    assert {item.topic for item in ITEMS} == set(Topic)


def test_an_item_is_found_by_its_name():
    assert find_item("dropout-scale") is next(i for i in ITEMS if i.name == "dropout-scale")
    with pytest.raises(ArgumentError, match="no exercise is called 'dropout'"):
        find_item("dropout")
