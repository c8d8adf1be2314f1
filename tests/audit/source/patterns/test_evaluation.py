"""Whether a call can run while a model is evaluated."""

import textwrap

import pytest

from wolfsbane.audit.source.file import Source
from wolfsbane.audit.source.patterns.evaluation import (
    is_explained,
    is_given_by_strangers,
    mode_in_reach,
    runs_in_evaluation,
)


def call_of(program, name="mark", path="program.py"):
    source = Source.read("from torch import nn\n" + textwrap.dedent(program), path)
    (call,) = (call for call in source.calls if call.name == name)
    return source, call.node


METHOD = """
class Net(nn.Module):
    def forward(self, x):
        {}
"""


@pytest.mark.parametrize(
    ("program", "runs"),
    [
        (METHOD.format("return mark(x)"), True),
        (METHOD.format("return mark(x) if self.training else x"), False),
        (METHOD.format("return x if not self.training else mark(x)"), False),
        (METHOD.format("return [mark(part) for part in x]"), True),
        (METHOD.format("return (lambda y: mark(y))(x)"), True),
        ("def help(x):\n    return mark(x)", True),
        ("def help(x, training):\n    if training:\n        return mark(x)", False),
        ("def help(x):\n    return mark(x)\ndef test_help():\n    help(1)", True),
        ("def test_help(x):\n    return mark(x)", False),
        ("class TestNet:\n    def help(self, x):\n        return mark(x)", False),
        ("def step(x):\n    mark(x).backward()", False),
        ("def train_one_epoch(x):\n    mark(x)", False),
        (METHOD.replace("forward", "training_step").format("return mark(x)"), False),
        (METHOD.replace("forward", "validation_step").format("return mark(x)"), True),
        ("mark(1)", False),
        ("table = {'mark': lambda x: mark(x)}", False),
        ("class Data:\n    def __getitem__(self, x):\n        return mark(x)", False),
        ("class Net(Unknown):\n    def forward(self, x):\n        return mark(x)", True),
    ],
)
def test_a_call_runs_in_evaluation_unless_something_speaks_against_it(program, runs):
    assert runs_in_evaluation(*call_of(program)) == runs


@pytest.mark.parametrize("is_gated", [True, False])
def test_a_helper_is_judged_by_its_callers(is_gated):
    program = f"""
    class Net(nn.Module):
        def forward(self, x):
            return self._noise(x) if {"self.training" if is_gated else "x is not None"} else x

        def _noise(self, x):
            return mark(x)
    """
    assert runs_in_evaluation(*call_of(program)) != is_gated


def test_who_calls_a_model_says_nothing_of_its_forward():
    program = METHOD.format("return mark(x)") + "\nnet = Net()\nif args.train:\n    net(1)\n"
    assert runs_in_evaluation(*call_of(program))


def test_a_file_of_tests_does_not_count():
    assert not runs_in_evaluation(*call_of("def help(x):\n    mark(x)", path="a/test_net.py"))


@pytest.mark.parametrize(
    ("program", "mode"),
    [
        (METHOD.format("return mark(x)"), "self.training"),
        (METHOD.replace("self", "me").format("return mark(x)"), "me.training"),
        (METHOD.format("return (lambda y: mark(y))(x)"), "self.training"),
        ("class Net(nn.Module):\n    @staticmethod\n    def f(x):\n        mark(x)", None),
        ("class Data:\n    def f(self, x):\n        mark(x)", None),
        ("def f(x):\n    mark(x)", None),
    ],
)
def test_the_mode_is_at_hand_in_the_methods_of_a_module(program, mode):
    assert mode_in_reach(*call_of(program)) == mode


@pytest.mark.parametrize(
    ("program", "is_open"),
    [
        ("def f(x, p):\n    mark(x, p)", True),
        ("def f(x, p):\n    rate = p\n    mark(x, rate)", True),
        ("def f(x, p):\n    mark(x, p)\nf(1, 0.5)", False),
        ("def f(x):\n    mark(x, 0.5)", False),
        (METHOD.format("mark(x, self.p)\n    def __init__(self, p):\n        self.p = p"), False),
    ],
)
def test_a_parameter_without_callers_in_the_file_is_given_by_strangers(program, is_open):
    source, node = call_of(program)
    assert is_given_by_strangers(source, node.args[1]) == is_open


@pytest.mark.parametrize(
    ("line", "is_told"),
    [
        ("mark(1)  # stays on in evaluation", True),
        ("# Deliberate: see the paper.\nmark(1)", True),
        ("# half of them\nmark(1)", False),
        ("mark(1)\n# on in evaluation", False),
    ],
)
def test_a_comment_may_explain_a_call(line, is_told):
    assert is_explained(*call_of(line)) == is_told
