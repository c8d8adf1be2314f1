"""The names of wolfsbane.surgery are frozen."""

import pytest
import torch

from wolfsbane import surgery
from wolfsbane.errors import ArgumentTypeError

NAMES = [
    "Plan",
    "RateScheduler",
    "Undo",
    "constant",
    "convert",
    "convert_sync_batchnorm",
    "curriculum",
    "early",
    "fold_batchnorm",
    "fuse",
    "insert_batchnorm",
    "insert_dropout",
    "late",
    "linear",
    "rates",
    "remove_dropout",
    "revert",
    "revert_sync_batchnorm",
    "set_rates",
    "swap_activation",
]


def test_public_names_are_these():
    assert surgery.__all__ == sorted(NAMES)


def test_every_public_name_has_a_docstring():
    assert all(getattr(surgery, name).__doc__ for name in NAMES)


def test_misspelt_argument_of_a_verb_is_told():
    model = torch.nn.Sequential(torch.nn.ReLU())
    with pytest.raises(ArgumentTypeError, match=r"'rate': did you mean p=0\.1\?"):
        surgery.insert_dropout(model, after=torch.nn.ReLU, rate=0.1)
    with pytest.raises(ArgumentTypeError, match=r"'optimizer': did you mean optimizers\?"):
        surgery.fuse(model, optimizer=[])
