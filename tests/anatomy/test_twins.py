"""Copies that run in a model's stead leave nothing behind."""

import random
import sys
import warnings

import numpy as np
import pytest
import torch
from torch import nn

from wolfsbane.anatomy.twins import in_short, quiet, twin_of


def test_a_twin_has_no_hooks_and_tensors_of_its_own():
    model = nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2))
    model[0].register_forward_hook(lambda *_: None)
    model[0].cached = model[0].weight * 2  # deepcopy refuses such a tensor
    twin = twin_of(model)
    assert not twin[0]._forward_hooks
    assert len(model[0]._forward_hooks) == 1
    with torch.no_grad():
        twin[0].weight.zero_()
        twin[1].running_mean += 1
    assert model[0].weight.abs().sum() > 0
    assert model[1].running_mean.sum() == 0


def test_a_twin_may_share_parameters_and_never_buffers():
    model = nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2))
    twin = twin_of(model, shared=True)
    assert twin[0].weight is model[0].weight
    assert twin[1].running_mean is not model[1].running_mean


def test_a_twins_generator_is_another():
    model = nn.Dropout()
    model.generator = torch.Generator().manual_seed(3)
    twin_of(model).generator.manual_seed(4)
    assert model.generator.initial_seed() == 3


def test_quiet_is_without_warnings_gradients_output_and_traces_in_random_numbers(capsys):
    def seed():
        random.seed(1)
        np.random.seed(1)  # noqa: NPY002
        torch.manual_seed(1)

    def drawn():
        return torch.rand(1).item(), random.random(), np.random.rand()  # noqa: NPY002

    seed()
    expected = drawn()
    seed()

    def run():
        with quiet(nn.Dropout()):
            warnings.warn("old", stacklevel=1)
            sys.stderr.write("noise")
            assert not torch.is_grad_enabled()
            drawn()
            raise KeyError

    with pytest.raises(KeyError):
        run()
    assert drawn() == expected
    assert torch.is_grad_enabled()
    assert capsys.readouterr().err == ""


def test_an_error_in_short_is_one_line():
    assert in_short(ValueError("one\ntwo")) == "ValueError: one"
    assert len(in_short(ValueError("x" * 999))) < 200
