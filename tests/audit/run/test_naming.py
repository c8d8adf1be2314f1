"""The arguments of torch's functions, by their names."""

import pytest
import torch
import torch.nn.functional as F

from wolfsbane.audit.run.naming import arguments_of, signatures_of

X = torch.ones(3)


@pytest.mark.parametrize(
    ("function", "args", "kwargs", "arguments"),
    [
        (F.dropout, (X, 0.2), {}, {"p": 0.2, "training": True, "inplace": False}),
        (torch.dropout, (X, 0.2, True), {}, {"p": 0.2, "training": True}),
        (torch.Tensor.softmax, (X, 0), {}, {"dim": 0, "dtype": None}),
        (torch.Tensor.__pow__, (X, 2), {}, {"exponent": 2}),
        (torch.Tensor.__rpow__, (X, 2), {}, {"other": 2}),
    ],
)
def test_arguments_have_the_names_of_torchs_signature(function, args, kwargs, arguments):
    assert arguments_of(function, args, kwargs) == arguments


@pytest.mark.parametrize("name", [name for name in dir(torch.Tensor) if name.startswith("__")])
def test_every_operator_of_a_tensor_can_be_asked(name):
    function = getattr(torch.Tensor, name)
    if callable(function):
        assert isinstance(signatures_of(function), tuple)
