"""What a name means, after imports and aliases."""

import pytest

from wolfsbane.audit.source.file import Source


def name_of_last_call(program):
    return Source.read(program).calls[-1].name


@pytest.mark.parametrize(
    ("program", "name"),
    [
        ("import torch\ntorch.nn.functional.dropout(x)", "torch.nn.functional.dropout"),
        ("import torch.nn.functional\ntorch.nn.Dropout()", "torch.nn.Dropout"),
        ("import torch.nn.functional as F\nF.dropout(x)", "torch.nn.functional.dropout"),
        ("from torch import nn\nnn.Dropout()", "torch.nn.Dropout"),
        ("from torch.nn import Dropout as Drop\nDrop()", "torch.nn.Dropout"),
        ("from torch.nn import *\nDropout()", "torch.nn.Dropout"),
        ("from torch import nn\nDrop = nn.Dropout\nDrop()", "torch.nn.Dropout"),
        ("from torch import nn\ndef f():\n    return nn.Dropout()", "torch.nn.Dropout"),
        ("def f():\n    from torch import nn\n    return nn.Dropout()", "torch.nn.Dropout"),
        ("from .layers import Dropout\nDropout()", ".layers.Dropout"),
        ("class Dropout: pass\nDropout()", "Dropout"),
        ("print(x)", "print"),
        ("import torch\nx = torch.ones(3)\nx.relu()", None),
        ("self.drop(x)", "self.drop"),
        ("def f(self):\n    self.drop(x)", None),
        ("Drop = a\nDrop = b\nDrop()", None),
    ],
)
def test_a_name_is_that_of_its_home(program, name):
    assert name_of_last_call(program) == name


def test_an_own_class_hides_an_import():
    program = "from torch.nn import Dropout\ndef f():\n    class Dropout: pass\n    Dropout()"
    assert name_of_last_call(program) == "Dropout"


def test_aliases_in_a_circle_come_to_an_end():
    assert name_of_last_call("a = b\nb = a\na()") is None


def test_values_in_a_circle_are_nothing_of_this_file():
    source = Source.read("def f():\n    a = b\n    b = a\n    return a(x)\n")
    assert source.callees(source.calls[-1]) == []
