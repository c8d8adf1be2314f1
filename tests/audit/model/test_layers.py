"""A model's modules, in the vocabulary's words."""

import pytest
import torch
from torch import nn
from torch.nn.utils import parametrizations

import wolfsbane
from wolfsbane.audit.model.layers import kind_of_module, layers_of
from wolfsbane.audit.spellings import CLASSES
from wolfsbane.errors import ArgumentTypeError


class Mine(nn.BatchNorm2d):
    """A subclass, as timm's BatchNormAct2d is one."""


class Dropout(nn.Module):
    """A class of the user's that only has the name of a known one."""


@pytest.mark.parametrize(
    ("module", "kind"),
    [
        (nn.Dropout(), "dropout"),
        (nn.Dropout2d(), "dropout2d"),
        (Mine(3), "batch_norm"),
        (nn.LazyBatchNorm1d(), "batch_norm"),
        (nn.Conv2d(1, 1, 1), "conv"),
        (nn.GRU(2, 2), "recurrent"),
        (parametrizations.spectral_norm(nn.Linear(2, 2)), "linear"),
        (wolfsbane.nn.Dropout(), "dropout"),
        (wolfsbane.nn.BatchNorm1d(3), "batch_norm"),
        (wolfsbane.nn.DropPath(0.1), "drop_path"),
        (Dropout(), None),
        (nn.Module(), None),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, nn.Module) else str(value),
)
def test_a_module_is_of_its_known_ancestors_kind(module, kind):
    assert kind_of_module(module) == kind


def test_every_class_of_the_vocabulary_that_torch_has_is_recognised():
    classes = {name: getattr(torch.nn, name) for name in CLASSES if hasattr(torch.nn, name)}
    assert len(classes) > 90
    for name, cls in classes.items():
        assert kind_of_module(cls.__new__(cls)) == CLASSES[name]


def test_a_module_in_two_places_is_one_layer_with_two_paths():
    shared = nn.ReLU()
    model = nn.Sequential(nn.Sequential(nn.Linear(2, 2), shared), shared)
    layers = layers_of(model)
    assert [layer.path for layer in layers] == ["", "0", "0.0", "0.1"]
    assert [layer.parent for layer in layers] == [None, "", "0", "0"]
    assert layers[-1].paths == ("0.1", "1")
    assert layers[-1].module is shared


def test_what_is_no_module_is_refused():
    with pytest.raises(ArgumentTypeError, match=r"model has to be a torch\.nn\.Module"):
        layers_of([nn.Linear(2, 2)])
