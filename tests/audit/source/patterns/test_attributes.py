"""Which attribute a layer is kept in, and whether anything uses it."""

import textwrap

import pytest

from wolfsbane.audit.source.file import Source
from wolfsbane.audit.source.patterns.attributes import (
    attribute_of,
    is_value_used,
    is_whole,
    may_be_used,
)

NET = """
from torch import nn

class Net(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.drop = nn.Dropout(config.rate)

    def forward(self, x):
        {}
"""


def read(program, name="Net"):
    source = Source.read(textwrap.dedent(program))
    return source, next(one for one in source.classes if one.name == name)


@pytest.mark.parametrize(
    ("statement", "attribute"),
    [
        ("self.drop = nn.Dropout(0.1)", "drop"),
        ("self.drop: nn.Module = nn.Dropout(0.1)", "drop"),
        ("self.drop = nn.Dropout(p) if p else nn.Identity()", "drop"),
        ("drop = nn.Dropout(0.1)", None),
        ("self.drop = self.other = nn.Dropout(0.1)", None),
        ("self.drops = [nn.Dropout(0.1)]", None),
        ("other.drop = nn.Dropout(0.1)", None),
    ],
)
def test_a_layers_attribute_is_that_of_self_alone(statement, attribute):
    lines = f"from torch import nn\nclass Net:\n    def __init__(self, p):\n        {statement}\n"
    source, _ = read(lines)
    found = {attribute_of(source, one) for one in source.creations if one.kind == "dropout"}
    assert found == {attribute}


@pytest.mark.parametrize(
    ("line", "is_used"),
    [
        ("return self.drop(x)", True),
        ("return self.apply_all(x, self.drop)", True),
        ("return getattr(self, 'drop')(x)", True),
        ("return getattr(self, self.name)(x)", True),
        ("return nn.Sequential(*self.children())(x)", True),
        ("return next(m for m in self.modules())(x)", True),
        ("return self._modules['drop'](x)", True),
        ("return getattr(self, f'dr{x}')(x)", True),
        ("return getattr(self, f'head{x}')(x)", False),
        ("return getattr(self, 'head')(x)", False),
        ("return getattr(nn, self.name)()(x)", False),
        ("self.drop = None", False),
        ("return nn.functional.drop(x, self.config.drop)", False),
        ("# return self.drop(x)\n        return x", False),
    ],
)
def test_an_attribute_is_used_where_it_is_read_or_may_be(line, is_used):
    assert may_be_used(*read(NET.format(line)), "drop") == is_used


@pytest.mark.parametrize(
    ("more", "is_used"),
    [
        ("class Child(Net):\n    def forward(self, x):\n        return self.drop(x)", True),
        ("class Other(nn.Module):\n    def forward(self, x):\n        return self.drop(x)", False),
        ("class Other:\n    def get(self, name):\n        return getattr(self, name)", False),
        ("def outside(net, x):\n    return net.drop(x)", True),
        ("def outside(config):\n    return config.drop", False),
    ],
)
def test_other_classes_and_functions_may_use_it(more, is_used):
    source, owner = read(NET.format("return x") + more)
    assert may_be_used(source, owner, "drop") == is_used


@pytest.mark.parametrize(
    ("head", "body", "is_known"),
    [
        ("class Net(nn.Module)", "def forward(self, x): pass", True),
        ("class Net(nn.Module, Generic[T])", "def forward(self, x): pass", True),
        ("class Net(nn.Module)", "def encode(self, x): pass", False),
        ("class Net(Base)", "def forward(self, x): pass", False),
        ("class Net(Unknown)", "def forward(self, x): pass", False),
        ("class Net(nn.Sequential)", "def forward(self, x): pass", False),
        ("class Net(Home)", "def encode(self, x): pass", True),
        ("class Net", "def forward(self, x): pass", False),
    ],
)
def test_a_class_is_whole_where_its_bases_are_known(head, body, is_known):
    program = f"""
    from torch import nn
    from typing import Generic
    from elsewhere import Base
    class Home(nn.Module):
        def forward(self, x): pass
    {head}:
        {body}
    """
    assert is_whole(*read(program)) == is_known


@pytest.mark.parametrize(
    ("line", "is_used"),
    [
        ("return attend(x, self.config.rate)", True),
        ("return x", False),
        ("return attend(x, self.rate)", False),
    ],
)
def test_a_value_is_used_where_methods_read_it_from_the_settings(line, is_used):
    source, owner = read(NET.format(line))
    (creation,) = source.creations
    assert is_value_used(source, owner, creation.call.argument("p", 0)) == is_used
