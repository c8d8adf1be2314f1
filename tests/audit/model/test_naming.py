"""Names and arguments of functions, methods and operators."""

import pytest
import torch
import torch.nn.functional as F

import wolfsbane.functional as own
from wolfsbane.audit.model.naming import arguments_of, kind_of, name_of

X = torch.ones(2, 3)


@pytest.mark.parametrize(
    ("function", "name", "kind"),
    [
        (F.dropout, "torch.nn.functional.dropout", "dropout"),
        (torch.relu, "torch.relu", "relu"),
        (torch.Tensor.relu_, "torch.Tensor.relu_", "relu"),
        (torch.Tensor.__rsub__, "torch.Tensor.__rsub__", "sub"),
        (torch.Tensor.__getitem__, "torch.Tensor.__getitem__", "getitem"),
        (torch.Tensor.T.__get__, "torch.Tensor.T.__get__", "T"),
        (torch.special.expit, "torch.special.expit", "sigmoid"),
        (F.scaled_dot_product_attention, None, "attention"),
        (own.dropout, "wolfsbane.functional.dropout", "dropout"),
        (own.drop_path, "wolfsbane.functional.drop_path", "drop_path"),
    ],
)
def test_a_function_has_its_name_and_kind(function, name, kind):
    found = name_of(function)
    assert name in (found, None)
    assert kind_of(found, {}) == kind


@pytest.mark.parametrize(
    ("function", "args", "kwargs", "expected"),
    [
        (F.dropout, (X,), {"p": 0.2}, {"p": 0.2, "training": True, "inplace": False}),
        (torch.dropout, (X, 0.2, False), {}, {"p": 0.2, "training": False}),
        (torch.Tensor.softmax, (X, 1), {}, {"dim": 1}),
        (torch.Tensor.relu_, (X,), {}, {"inplace": True}),
        (torch.cat, ([X, X], 1), {}, {"dim": 1}),
        (F.max_pool1d, (X, 2), {}, {"kernel_size": 2}),
    ],
)
def test_arguments_have_torchs_names(function, args, kwargs, expected):
    assert arguments_of(function, args, kwargs).items() >= expected.items()


def test_tensors_are_no_arguments():
    given = arguments_of(F.linear, (X, X), {"bias": X})
    assert given == {}
