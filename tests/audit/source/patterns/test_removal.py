"""A layer or call is taken out of a text, and nothing else with it."""

from pathlib import Path

import pytest

from wolfsbane.audit import check_source
from wolfsbane.audit.registry import rule_of
from wolfsbane.audit.source.file import Source
from wolfsbane.audit.source.patterns.removal import removal_of

CORPUS = Path(__file__).parents[2] / "corpus"
PROGRAMS = [
    pytest.param(path, code, id=path.stem)
    for code in ("WB401", "WB402", "WB403")
    for path in sorted(CORPUS.glob(f"{code.lower()}_*/*.py"))
    if f"<- {code}" in path.read_text(encoding="utf-8")
]
HEAD = "import torch\nimport torch.nn.functional as F\nfrom torch import nn\n"

CASES = {
    "a function": ("p = F.softmax(f(x), dim=1)", "p = f(x)"),
    "a method": ("p = f(x).softmax(1)", "p = f(x)"),
    "a layer called": ("s = nn.Softmax(1)\np = s(f(x))", "s = nn.Softmax(1)\np = f(x)"),
    "of a sum": ("p = F.softmax(a + b, 1).sum()", "p = (a + b).sum()"),
    "by keyword": ("p = F.softmax(input=f(x), dim=1)", "p = f(x)"),
    "the last of a Sequential": (
        "m = nn.Sequential(nn.Linear(2, 3), nn.Softmax(1))",
        "m = nn.Sequential(nn.Linear(2, 3))",
    ),
    "the first of a Sequential": (
        "m = nn.Sequential(nn.Softmax(1), nn.Linear(2, 3))",
        "m = nn.Sequential(nn.Linear(2, 3))",
    ),
    "a line of a Sequential": (
        "m = nn.Sequential(\n    nn.Linear(2, 3),  # scores\n    nn.Softmax(1),\n)",
        "m = nn.Sequential(\n    nn.Linear(2, 3),  # scores\n)",
    ),
    "a named layer": (
        "m = nn.Sequential(OrderedDict([('fc', nn.Linear(2, 3)), ('p', nn.Softmax(1))]))",
        "m = nn.Sequential(OrderedDict([('fc', nn.Linear(2, 3))]))",
    ),
}
LEFT = {
    "the only layer": "m = nn.Sequential(nn.Softmax(1))",
    "behind a comment": "m = nn.Sequential(nn.Linear(2, 3),  # scores\n    nn.Softmax(1))",
    "in a list that grows": "a = [nn.Linear(2, 3)]\na.append(nn.Softmax(1))\nm = nn.Sequential(*a)",
}


def edits_of(program):
    text = HEAD + "from collections import OrderedDict\n" + program + "\n"
    source = Source.read(text)
    step = next(step for step in source.steps if step.kind == "softmax")
    return text, removal_of(source, step)


def edited(text, edit):
    lines = text.splitlines(keepends=True)
    start = sum(map(len, lines[: edit.span.line - 1])) + edit.span.column - 1
    end = sum(map(len, lines[: edit.span.end_line - 1])) + edit.span.end_column - 1
    return text[:start] + edit.text + text[end:]


@pytest.mark.parametrize(("before", "after"), CASES.values(), ids=CASES)
def test_it_is_taken_out(before, after):
    text, (edit,) = edits_of(before)
    assert edited(text, edit).endswith(f"OrderedDict\n{after}\n")


@pytest.mark.parametrize("program", LEFT.values(), ids=LEFT)
def test_it_is_left_where_more_would_go(program):
    assert edits_of(program)[1] == ()


@pytest.mark.parametrize(("path", "code"), [case for case in PROGRAMS if "mended" not in case.id])
def test_the_fix_of_a_program_of_the_corpus_mends_it(path, code):
    text, rules = path.read_text(encoding="utf-8"), [rule_of(code)]
    (finding,) = check_source(text, rules=rules)
    assert not finding.fix.is_safe
    (edit,) = finding.fix.edits
    assert check_source(edited(text, edit), rules=rules) == []
