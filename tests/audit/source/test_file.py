"""Places in a program's text, and which programs are read at all."""

import gc
import weakref

import pytest

from wolfsbane.audit.finding import Span
from wolfsbane.audit.source.file import Source


def test_columns_count_characters_not_bytes():
    source = Source.read('"äöü"; use(1)')
    assert source.span(source.calls[0].node) == Span(1, 8, 1, 14)


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_lines_are_those_of_python(end):
    source = Source.read(f"a = 1{end}b = '\x0c'{end}use(b)")
    assert source.span(source.calls[0].node).line == 3
    assert source.lines[2] == "use(b)"


def test_calls_come_in_the_order_of_the_text():
    source = Source.read(
        "a()\ndef f():\n    b()\nclass C:\n    x = c()\n    def g(self):\n        d()\ne()"
    )
    assert [call.attribute for call in source.calls] == ["a", "b", "c", "d", "e"]


def test_a_program_without_torch_is_not_relevant():
    assert not Source.read("import numpy").is_relevant
    assert Source.read("import torch").is_relevant


def test_a_module_is_known_by_its_bases():
    source = Source.read(
        "from torch import nn\nclass A(nn.Module): pass\nclass B(A): pass\nclass C: pass\n"
        "class D(nn.Linear): pass\nimport lightning as L\nclass E(L.LightningModule): pass\n"
    )
    assert [one.name for one in source.classes if source.is_module(one)] == ["A", "B", "D", "E"]


def test_what_is_released_is_freed_without_the_garbage_collector():
    source = Source.read(
        "from torch import nn\nclass A(nn.Module):\n    def __init__(self):\n"
        "        self.drop = nn.Dropout(0.5)\n    def forward(self, x):\n"
        "        return self.drop(x)\nmodel = A()\nmodel(1)\n"
    )
    assert [step.kind for step in source.steps] == ["dropout"]
    assert source.callers(source.functions[-1])
    parts = [weakref.ref(one) for one in (*source.functions, *source.classes, source.values)]
    gc.disable()
    try:
        source.release()
        assert [part() for part in parts] == [None] * len(parts)
    finally:
        gc.enable()


def test_a_program_that_is_not_python_raises():
    with pytest.raises(SyntaxError):
        Source.read("def f(:")
