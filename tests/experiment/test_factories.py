"""What is said of a factory that does not fit."""

import functools

import pytest
import torch

from wolfsbane.errors import ArgumentError, ModelError
from wolfsbane.experiment.factories import (
    call_factory,
    check_factory_takes,
    check_is_new,
    factory_name,
)


def net(dropout=0.0):
    return torch.nn.Linear(2, 2)


def test_a_factory_is_named_by_module_and_function():
    assert factory_name(net) == f"{__name__}:net"
    assert factory_name(torch.nn.Linear) == "torch.nn.modules.linear:Linear"
    assert factory_name(functools.partial(net)).endswith(":partial")


def test_messages_begin_with_who_asks():
    with pytest.raises(ArgumentError, match=r"^space: unknown option 'dropuot': did you mean 'dro"):
        check_factory_takes("space", ["dropuot"], net)
    with pytest.raises(ModelError, match=r"^p=1: the model factory raised ZeroDivisionError"):
        call_factory("p=1", lambda: 1 / 0)


def test_a_factory_with_any_keyword_or_no_signature_is_left_to_the_call():
    check_factory_takes("space", ["anything"], lambda **options: net())
    check_factory_takes("space", ["anything"], dict)


def test_a_module_that_was_returned_before_is_refused():
    model, seen = net(), set()
    check_is_new("p=0", model, seen)
    with pytest.raises(ModelError, match=r"^p=0: its factory returns a module that was returned"):
        check_is_new("p=0", torch.nn.Sequential(model), seen)


def test_a_module_without_parameters_is_refused():
    with pytest.raises(ModelError, match=r"^p=0: the model has no parameters to train"):
        check_is_new("p=0", torch.nn.ReLU(), set())
