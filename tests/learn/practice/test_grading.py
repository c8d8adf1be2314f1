"""Answers are graded by torch and by the auditor, one thing at a time."""

from dataclasses import replace

import pytest

from learn.practice.two_items import BROKEN, MENDED, QUESTION, REPAIR, WITHOUT_DROPOUT
from wolfsbane.errors import ArgumentError, UnsupportedError
from wolfsbane.learn.blocks import End, Ended, Finding, Graded, Printed, Text
from wolfsbane.learn.items import find_item
from wolfsbane.learn.practice import grading
from wolfsbane.learn.practice.grading import evaluate, grade_question, grade_repair, run_program
from wolfsbane.learn.practice.item import Choice
from wolfsbane.learn.practice.questions import question_blocks, verdicts
from wolfsbane.learn.practice.repairs import repair_blocks


@pytest.fixture
def known(monkeypatch):
    """Have the two items found by their names."""
    items = {item.name: item for item in (QUESTION, REPAIR)}
    monkeypatch.setattr(grading, "find_item", items.__getitem__)


AS_EXPRESSION = "Your answer, as an expression after the program"


def test_the_right_choice_passes_and_shows_what_was_printed():
    printed, graded = question_blocks(QUESTION, 0)
    assert printed == Printed(program="", output="tensor([1., 1., 1., 1.])\n")
    assert graded.passed
    assert (graded.said, graded.why) == ("the ones", "eval() switches it off.")
    assert graded.measured == f"{AS_EXPRESSION}: `torch.equal(second, torch.ones(4))` is `True`."


def test_a_wrong_choice_gets_its_probe_its_misconception_and_its_rule():
    _, probe, graded = question_blocks(QUESTION, 1)
    assert probe == Printed(program="print(layer(torch.ones(4)).sum())", output="tensor(4.)\n")
    assert not graded.passed
    assert (
        graded.measured
        == f"{AS_EXPRESSION}: `torch.equal(second, torch.ones(4) * 0.7)` is `False`."
    )
    assert graded.why == "torch scales in training."
    assert (graded.misconception, graded.rule) == ("dropout scales in evaluation", "WB203")


def test_a_probe_that_raises_shows_the_real_error():
    _, probe, graded = question_blocks(QUESTION, 2)
    assert "TypeError" in probe.error
    assert "unexpected keyword argument 'rate'" in probe.error
    assert "raises `TypeError: " in graded.measured


def test_a_hidden_program_is_shown_with_the_answer():
    printed, _ = question_blocks(replace(QUESTION, shows_program=False), 0)
    assert printed.program == QUESTION.program


def test_a_program_that_prints_nothing_is_not_shown():
    silent = replace(QUESTION, program=QUESTION.program.replace("print(second)", ""))
    assert [type(block) for block in question_blocks(silent, 0)] == [Graded]


def test_what_a_claim_changes_is_not_seen_by_a_probe():
    grows = Choice("x", "seen.append(1) or False", "", misconception="x", probe="print(seen)")
    holds = Choice("y", "True", "")
    item = replace(QUESTION, program="seen = []", choices=(grows, holds))
    probe, _ = question_blocks(item, 0)
    assert probe.output == "[]\n"


@pytest.mark.parametrize(
    "claims", [("True", "True"), ("False", "False"), ("True", "undefined_name"), ("True", "a b")]
)
def test_an_item_without_exactly_one_right_choice_is_refused(claims):
    choices = tuple(Choice(claim, claim, "") for claim in claims)
    with pytest.raises(UnsupportedError, match="exactly one choice's claim has to be true"):
        list(question_blocks(replace(QUESTION, choices=choices), 0))


@pytest.mark.parametrize("choice", [-1, 3, True])
def test_a_choice_that_is_not_there_is_refused(choice):
    with pytest.raises(ArgumentError, match="has choices 0 to 2"):
        list(question_blocks(QUESTION, choice))


def test_verdicts_come_in_the_order_of_the_choices():
    assert [verdict.holds for verdict in verdicts(QUESTION)] == [True, False, False]


def test_the_program_to_mend_fails_by_its_rule():
    blocks = list(repair_blocks(REPAIR, BROKEN))
    assert [type(block) for block in blocks] == [Printed, Finding, Graded]
    assert blocks[1].code == blocks[2].rule == "WB201"
    assert blocks[1].channel == "run"
    assert not blocks[2].passed
    assert blocks[1].message in blocks[2].measured


def test_the_solution_passes():
    printed, graded = repair_blocks(REPAIR, MENDED)
    assert printed.output.count("\n") == 5
    assert graded.passed


def test_a_wrong_way_to_mend_fails_its_check_with_figures():
    *_, graded = repair_blocks(REPAIR, WITHOUT_DROPOUT)
    assert not graded.passed
    assert graded.measured == "The model has 3 layers, none of them dropout."
    assert graded.misconception == "without dropout there is no mode"


def test_a_check_that_raises_is_not_true_and_says_what_it_raised():
    *_, graded = repair_blocks(REPAIR, f"{MENDED}\nmodel = 1\n")
    assert not graded.passed
    assert graded.measured.startswith("The model has ? layers")
    assert "TypeError: 'int' object is not iterable" in graded.measured


@pytest.mark.parametrize("program", ["", "# nothing yet\n", MENDED.replace("model", "network")])
def test_who_took_a_name_away_is_told_so_and_no_belief_is_guessed(program):
    *_, graded = repair_blocks(REPAIR, program)
    assert not graded.passed
    assert "raises `NameError: name 'model' is not defined`" in graded.measured
    assert "Keep those" in graded.why
    assert not graded.misconception
    assert not graded.rule


def test_a_finding_cannot_be_hidden_by_a_comment():
    hidden = BROKEN.replace("model.eval()", "model.eval()  # noqa: WB201")
    hidden = hidden.replace("model(inputs), targets)", "model(inputs), targets)  # noqa")
    _, finding, graded = repair_blocks(REPAIR, hidden)
    assert finding.channel == "run"  # What the text shows, a comment does not hide anyway.
    assert not graded.passed


def test_a_text_that_is_not_python_is_explained_with_its_line():
    printed, graded = repair_blocks(REPAIR, "import torch\nlayer = nn.Dropout(0.5\n")
    assert "^" in printed.error
    assert graded.measured == "Python cannot read line 2: `SyntaxError: '(' was never closed`."


def test_a_program_that_raises_is_told_where():
    *_, graded = repair_blocks(REPAIR, "import torch\ntorch.zeros(3) @ torch.zeros(4)\n")
    assert not graded.passed
    assert graded.measured.startswith("The program stops in line 2: `RuntimeError: ")


def test_a_program_that_raises_is_told_the_rule_that_is_found_at_another_line():
    repair = find_item("activation-in-place")
    *_, graded = repair_blocks(repair, repair.program)
    assert not graded.passed
    assert graded.measured.startswith("The program stops in line ")
    assert graded.rule in repair.rules


def test_names_lead_to_items(known):
    assert list(grade_question("two-modes", 0))[-1].passed
    assert list(grade_repair("forgotten-train", MENDED))[-1].passed


@pytest.mark.parametrize(
    ("grade", "words"),
    [
        (lambda: grade_question("forgotten-train", 0), "its answer is a program"),
        (lambda: grade_repair("two-modes", "x"), "its answer is a choice"),
        (lambda: [evaluate(QUESTION, "x")], "a question is answered by a number"),
        (lambda: [evaluate(REPAIR, 1)], "a program to mend by a program"),
    ],
)
def test_an_answer_of_the_wrong_kind_is_refused(known, grade, words):
    with pytest.raises(ArgumentError, match=words):
        list(grade())


def test_evaluate_returns_the_grade():
    assert evaluate(QUESTION, 0).passed
    assert not evaluate(REPAIR, BROKEN).passed


def test_a_program_is_run_and_audited_by_every_rule_but_opinions():
    printed, *found = run_program(BROKEN)
    assert printed.output.startswith("0 ")
    assert "WB201" in [each.code for each in found if isinstance(each, Finding)]


def test_a_finding_of_text_and_run_is_said_once():
    program = "from torch import nn\nimport torch\nnn.Dropout(p=30)\n"
    codes = [each.code for each in run_program(program) if isinstance(each, Finding)]
    assert codes == ["WB106"]


TRAINS_ONLY = """\
import torch
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc, self.drop = nn.Linear(4, 2), nn.Dropout(0.5)

    def forward(self, x):
        if not self.training:
            raise NotImplementedError("for training only")
        return self.drop(self.fc(x))


net = Net()
optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
for step in range(3):
    optimizer.zero_grad()
    net(torch.randn(8, 4)).square().mean().backward()
    optimizer.step()
"""


def test_what_the_auditor_could_not_see_is_a_note():
    (note,) = (block for block in run_program(TRAINS_ONLY) if isinstance(block, Text))
    assert note.text.startswith("The auditor could not look at everything: training and evaluation")


def test_a_program_that_prints_too_much_says_so_at_its_end():
    printed, *_, ended = run_program("while True:\n    print('again')\n")
    assert printed.output.startswith("again\nagain\n")
    assert isinstance(ended, Ended)
    assert ended.end is End.OUTPUT


@pytest.mark.parametrize("what", ["torch.zeros(10**14)", "np.zeros(10**14)", "[0] * 10**16"])
def test_a_program_that_asks_for_too_much_memory_says_so_at_its_end(what):
    *_, ended = run_program(f"import numpy as np\nimport torch\n{what}\n")
    assert ended.end is End.MEMORY
