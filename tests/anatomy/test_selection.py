"""Modules are chosen by class, by pattern, by function, or by any of several."""

import pytest
import torch
from torch.nn import Linear, ReLU, Sequential

from wolfsbane.anatomy.selection import select
from wolfsbane.errors import ArgumentError, ArgumentTypeError


def network():
    return Sequential(Sequential(Linear(2, 2), ReLU()), Linear(2, 2))


def paths(selector, model=None):
    return [member.path for member in select(network() if model is None else model, selector)]


@pytest.mark.parametrize(
    ("selector", "expected"),
    [
        (Linear, ["0.0", "1"]),
        ("0.*", ["0.0", "0.1"]),
        ("*", ["", "0", "0.0", "0.1", "1"]),
        ([ReLU, "1"], ["0.1", "1"]),
        (lambda path, module: path.endswith("0") and isinstance(module, Linear), ["0.0"]),
    ],
)
def test_selector_means_these_modules(selector, expected):
    assert paths(selector) == expected


def test_class_that_occurs_nowhere_means_nothing():
    assert paths(torch.nn.Conv2d) == []


def test_pattern_that_matches_nothing_is_an_error_that_names_what_is_near():
    with pytest.raises(ArgumentError, match=r"matches '0\.2'. Did you mean '0\.1'"):
        paths("0.2")


def test_module_with_two_paths_is_found_by_either():
    shared = ReLU()
    model = torch.nn.ModuleDict({"a": shared, "b": shared})
    assert paths("b", model) == ["a"]


@pytest.mark.parametrize("selector", [3, int, [3], None])
def test_anything_else_is_refused(selector):
    with pytest.raises(ArgumentTypeError, match="modules are chosen by a class"):
        paths(selector)
