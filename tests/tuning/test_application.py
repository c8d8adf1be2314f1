"""The chosen rates, put into a model and taken out again."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.nn import Dropout, Linear, Sequential

from wolfsbane.errors import ArgumentError, ModelError, WolfsbaneWarning
from wolfsbane.tuning.application import apply
from wolfsbane.tuning.dimensions import Choice, Rate
from wolfsbane.tuning.space import Configuration, Space, make_space
from wolfsbane.tuning.subject import make_subject


def model():
    encoder = Sequential(Linear(2, 2), Dropout(0.1), Dropout(0.2))
    return Sequential(torch.nn.ModuleDict({"encoder": encoder, "head": Dropout(0.3)}))[0]


def rates(module):
    return [layer.p for layer in module.modules() if isinstance(layer, Dropout)]


def configuration(values):
    return Configuration(tuple(values.items()))


@given(st.sampled_from(["p", "dropout", "head"]), st.floats(0, 0.9))
def test_one_rate_of_a_factory_is_set_everywhere_and_undone(name, rate):
    module = model()
    undo = apply(configuration({name: rate}), make_space({name: Rate()}), module)
    assert rates(module) == [rate] * 3
    assert undo() is module
    assert rates(module) == [0.1, 0.2, 0.3]


@given(st.floats(0, 0.9), st.floats(0, 0.9))
def test_several_rates_are_set_by_path(encoder, head):
    module = model()
    space = make_space({"encoder.*": Rate(), "head": Rate()})
    apply(configuration({"encoder.*": encoder, "head": head}), space, module)
    assert rates(module) == [encoder, encoder, head]


def test_one_rate_that_was_found_for_a_path_is_set_there_alone():
    subject = make_subject(model(), {"head": Rate()})
    module = model()
    apply(configuration({"head": 0.7}), subject.space, module)
    assert rates(module) == [0.1, 0.2, 0.7]


def test_the_one_rate_of_a_model_is_set_everywhere():
    subject = make_subject(model())
    module = model()
    apply(configuration({"p": 0.7}), subject.space, module)
    assert rates(module) == [0.7] * 3


@pytest.mark.parametrize("are_paths", [False, True])
def test_rates_that_are_no_paths_of_the_model_are_refused_and_nothing_changes(are_paths):
    module = model()
    space = Space((("dropout", Rate()), ("head", Rate())), are_paths=are_paths)
    with pytest.raises(ArgumentError, match=r"'dropout': 0.4, 'head': 0.1.*set_rates\(model"):
        apply(configuration({"dropout": 0.4, "head": 0.1}), space, module)
    assert rates(module) == [0.1, 0.2, 0.3]


def test_a_model_without_rates_is_told_how_to_get_them():
    with pytest.raises(ModelError, match=r"Linear has no drop rate .*surgery.insert_dropout\("):
        apply(configuration({"p": 0.5}), make_space({"p": Rate()}), Linear(2, 2))


def test_options_are_left_and_named():
    module = model()
    space = make_space({"p": Rate(), "act": Choice("relu", "gelu"), "norm": Choice(False, True)})
    with pytest.warns(WolfsbaneWarning, match="^not applied: act=gelu, norm=False. In a model"):
        apply(configuration({"p": 0.5, "act": "gelu", "norm": False}), space, module)
    assert rates(module) == [0.5] * 3
