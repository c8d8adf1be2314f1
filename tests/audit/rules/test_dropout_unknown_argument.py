"""WB107: which arguments torch has, its fixes, and Python's errors explained."""

import contextlib
import inspect

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from wolfsbane.audit.rules.dropout_unknown_argument import (
    FUNCTION_ARGUMENTS,
    FUNCTIONS,
    LAYER_ARGUMENTS,
    LAYERS,
    DropoutUnknownArgument,
)
from wolfsbane.audit.run.script import watch_everything
from wolfsbane.audit.source.check import check_source
from wolfsbane.audit.source.reading.editing import apply_edits

HEAD = "import torch.nn.functional as F\nfrom torch import nn\n"


def found_in(code):
    return check_source(HEAD + code, "program.py", [DropoutUnknownArgument])


def test_the_known_arguments_are_torchs():
    for name in LAYERS:
        assert tuple(inspect.signature(getattr(nn, name)).parameters) == LAYER_ARGUMENTS
    for name in FUNCTIONS:
        assert tuple(inspect.signature(getattr(F, name)).parameters) == FUNCTION_ARGUMENTS


@pytest.mark.parametrize(
    ("code", "mended"),
    [
        ("nn.Dropout(rate=0.5)", "nn.Dropout(p=0.5)"),
        ("nn.Dropout2d(inplace=True, drop_prob=r)", "nn.Dropout2d(inplace=True, p=r)"),
        ("nn.Dropout(keep_prob=0.9)", "nn.Dropout(p=0.1)"),
        ("nn.Dropout(keep_prob=a + b)", "nn.Dropout(p=1 - (a + b))"),
        ("F.dropout(x, rate=0.5)", "F.dropout(x, p=0.5)"),
    ],
)
def test_a_fix_renames_the_argument(code, mended):
    (finding,) = found_in(code)
    assert not finding.fix.is_safe
    assert apply_edits(HEAD + code, finding.fix.edits) == HEAD + mended
    assert found_in(mended) == []


@pytest.mark.parametrize(
    ("code", "help"),
    [
        ("nn.Dropout(0.5, rate=0.5)", "Pass p=, the probability of dropping"),
        (
            "nn.Dropout(training=True)",
            "Leave it out: model.train() and model.eval() set a layer's mode",
        ),
        ("F.dropout(x, 0.5, train=t)", "Pass training="),
        ("nn.Dropout(seed=1)", "Pass what it has: p, inplace"),
        ("nn.Dropout(keep_prob=k, **more)", "Pass p=, the probability of dropping: 1 - keep_prob"),
    ],
)
def test_what_cannot_be_renamed_gets_advice(code, help):
    (finding,) = found_in(code)
    assert finding.fix is None
    assert finding.help == help


@pytest.mark.parametrize(
    "code",
    [
        "nn.Dropout(p=0.5, inplace=True)",
        "F.dropout(input=x, p=0.5, training=t, inplace=True)",
        "nn.Dropout(**{'rate': 0.5})",
        "nn.MultiheadAttention(8, 2, dropout=0.1)",
        "class Dropout(nn.Module): pass\nDropout(rate=0.5)",
        "def test_it_raises():\n    nn.Dropout(rate=0.5)",
    ],
)
def test_what_exists_or_is_anothers_is_silent(code):
    assert found_in(code) == []


def dropout(x, p=0.5):
    return x


def explained(run):
    with (
        contextlib.suppress(TypeError, ValueError),
        watch_everything(rules=[DropoutUnknownArgument]) as findings,
    ):
        run()
    return list(findings)


@pytest.mark.parametrize(
    ("run", "message"),
    [
        (lambda: nn.Dropout(rate=0.5), "a dropout layer has no argument 'rate'"),
        (lambda: F.dropout(torch.ones(3), keep_prob=0.5), "F.dropout has no argument 'keep_prob'"),
        (lambda: F.alpha_dropout(torch.ones(3), prob=1), "F.alpha_dropout has no argument 'prob'"),
    ],
)
def test_an_error_is_explained_with_its_line(run, message):
    (finding,) = explained(run)
    assert finding.message == f"the run ended with a TypeError: {message}"
    assert finding.place.file == __file__
    assert finding.help.startswith("Pass p=")


@pytest.mark.parametrize(
    "run",
    [
        lambda: dropout(torch.ones(3), rate=0.5),
        lambda: nn.Linear(3, 4, rate=0.5),
        lambda: F.dropout(torch.ones(3), p=2.0),
        F.dropout,
    ],
)
def test_other_errors_are_not_explained(run):
    assert explained(run) == []
