"""Fingerprints: equal for what is the same, different for what was edited."""

import functools
import itertools
import sys
import types

import pytest
import torch
from torch.nn import BatchNorm1d, Dropout, Linear, ReLU, Sequential

from wolfsbane.tuning.fingerprints import (
    fingerprint_of_factory,
    fingerprint_of_model,
    fingerprint_of_structure,
)


@pytest.fixture
def fingerprint_of(tmp_path, monkeypatch):
    """Return the fingerprint of what a file of some text defines as `net`."""
    numbers = itertools.count()

    def fingerprint(text):
        path = tmp_path / f"{next(numbers)}.py"
        path.write_text(text)
        module = types.ModuleType("mymodels")
        module.__file__ = str(path)
        monkeypatch.setitem(sys.modules, "mymodels", module)
        exec(compile(text, str(path), "exec"), vars(module))
        return fingerprint_of_factory(module.net)

    return fingerprint


FUNCTION = "def net(p):\n    return torch.nn.Dropout(p)\n"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (FUNCTION, "def net(p):\n    # A comment.\n    return torch.nn.Dropout( p )\n"),
        ("net = lambda p: p\nx = 1\n", "net = lambda p:  p  # noqa\nx = 2\n"),
        ("net = print, lambda p: p\nnet = net[1]\n", "net = repr, lambda p: p\nnet = net[1]\n"),
    ],
)
def test_comments_layout_and_what_is_around_do_not_count(before, after, fingerprint_of):
    assert fingerprint_of(before) == fingerprint_of(after)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (FUNCTION, FUNCTION.replace("Dropout", "Dropout2d")),
        ("net = lambda p: p\n", "net = lambda p: 2 * p\n"),
        ("class net:\n    a = 1\n", "class net:\n    a = 2\n"),
        ("class C:\n    a = 1\nnet = C()\n", "class C:\n    a = 2\nnet = C()\n"),
    ],
)
def test_an_edited_factory_is_noticed(before, after, fingerprint_of):
    assert fingerprint_of(before) != fingerprint_of(after)


def test_a_factory_without_source_has_its_name():
    space = {"__name__": "typed"}
    exec("def net(p): ...", space)  # as typed into an interpreter
    assert fingerprint_of_factory(space["net"]) == "typed:net"
    assert fingerprint_of_factory(dict) == "builtins:dict"


def test_arguments_that_a_partial_call_fixes_count():
    one, same, other = (functools.partial(Linear, 4, out_features=n) for n in (2, 2, 3))
    assert fingerprint_of_factory(one) == fingerprint_of_factory(same)
    assert fingerprint_of_factory(one) != fingerprint_of_factory(other)


def model(width=3, p=0.5, dtype=torch.float32):
    torch.manual_seed(0)
    layers = [Linear(2, width), BatchNorm1d(width), ReLU(), Dropout(p), torch.nn.LazyLinear(2)]
    return Sequential(*layers).to(dtype)


def test_equal_models_have_equal_fingerprints():
    assert fingerprint_of_model(model()) == fingerprint_of_model(model())


@pytest.mark.parametrize("options", [{"width": 4}, {"p": 0.4}, {"dtype": torch.bfloat16}])
def test_another_structure_is_noticed(options):
    assert fingerprint_of_structure(model(**options)) != fingerprint_of_structure(model())
    assert fingerprint_of_model(model(**options)) != fingerprint_of_model(model())


@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16, torch.float16])
def test_one_changed_weight_or_statistic_is_noticed(dtype):
    before = model(dtype=dtype)
    old = fingerprint_of_model(before)
    before[1].num_batches_tracked.add_(1)
    new = fingerprint_of_model(before)
    with torch.no_grad():
        before[0].weight[1, 0] += 1
    assert len({old, new, fingerprint_of_model(before)}) == 3


def test_an_address_in_what_a_module_shows_does_not_count():
    class Shown(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.function = lambda x: x

        def extra_repr(self):
            return f"{self.function}"

        def get_extra_state(self):
            return self.function

    kept = Shown(), Shown()
    assert repr(kept[0]) != repr(kept[1])
    assert fingerprint_of_model(kept[0]) == fingerprint_of_model(kept[1])
