"""Names and arguments of functions, methods and operators."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence
from torch.overrides import TorchFunctionMode

import wolfsbane.functional as own
from wolfsbane.audit.torch_functions import arguments_of, kind_of, name_of, signatures_of

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
        (torch._C._nn.gelu, "torch.nn.functional.gelu", "gelu"),
        (torch.ops.aten.dropout.default, "torch.ops.aten.dropout", "dropout"),
        (torch.ops.wolfsbane.masked_affine.default, "torch.ops.wolfsbane.masked_affine", None),
        (own.dropout, "wolfsbane.functional.dropout", "dropout"),
        (own.drop_path, "wolfsbane.functional.drop_path", "drop_path"),
    ],
)
def test_a_function_has_its_name_and_kind(function, name, kind):
    found = name_of(function)
    assert name in (found, None)
    assert kind_of(found, {}) == (kind or found.rpartition(".")[2])


@pytest.mark.parametrize(
    ("function", "args", "kwargs", "expected"),
    [
        (F.dropout, (X,), {"p": 0.2}, {"p": 0.2, "training": True, "inplace": False}),
        (torch.dropout, (X, 0.2, False), {}, {"p": 0.2, "training": False}),
        (torch.Tensor.softmax, (X, 1), {}, {"dim": 1}),
        (torch.Tensor.relu_, (X,), {}, {"inplace": True}),
        (torch.cat, ([X, X], 1), {}, {"dim": 1}),
        (torch.max_pool1d, (X, 2), {}, {"kernel_size": 2, "ceil_mode": False}),
        (F.max_pool1d, (X, 2), {}, {"kernel_size": 2}),
        (F.max_pool1d, (X,), {"kernel_size": 2}, {"kernel_size": 2}),
        (torch.softmax, (), {"input": X, "dim": 0}, {"dim": 0, "dtype": None}),
        (torch.sum, (X, 1), {}, {"dim": 1, "keepdim": False}),
        (torch.Tensor.__pow__, (X, 2), {}, {"exponent": 2}),
        (torch.Tensor.__rpow__, (X, 2), {}, {"other": 2}),
        (torch.clamp_min, (X, 1e-6), {}, {"min": 1e-6}),
    ],
)
def test_arguments_have_torchs_names(function, args, kwargs, expected):
    found = arguments_of(function, args, kwargs)
    assert {name: found.get(name) for name in expected} == expected


def test_tensors_are_no_arguments():
    given = arguments_of(F.linear, (X, X), {"bias": X})
    assert given == {}
    assert arguments_of(torch.stack, ([X, X],), {}) == {"dim": 0}


@pytest.mark.parametrize("function", [torch.clamp_min, torch.Tensor.clamp_min_])
def test_only_a_floor_of_zero_is_a_relu(function):
    name = name_of(function)
    assert kind_of(name, arguments_of(function, (X, 0), {})) == "relu"
    assert kind_of(name, arguments_of(function, (X, 1e-6), {})) == name.rpartition(".")[2]


@pytest.mark.parametrize("net", [nn.LSTM, nn.GRU, nn.RNN])
@pytest.mark.parametrize("is_packed", [False, True])
def test_a_recurrent_net_has_its_arguments_packed_or_not(net, is_packed):
    batch = torch.ones(5, 2, 4)
    called = Called()
    with called:
        model = net(4, 4, num_layers=2, dropout=0.3)
        model(pack_padded_sequence(batch, [5, 3]) if is_packed else batch)
    given = [found for name, found in called.seen if name in {"lstm", "gru", "rnn_tanh"}]
    assert [(each["num_layers"], each["dropout"], each["training"]) for each in given] == [
        (2, 0.3, True)
    ]


class Called(TorchFunctionMode):
    """Keeps what functions are called with."""

    def __init__(self):
        super().__init__()
        self.seen = []

    def __torch_function__(self, func, types, args=(), kwargs=None):
        self.seen.append((func.__name__, arguments_of(func, args, kwargs or {})))
        return func(*args, **(kwargs or {}))


@pytest.mark.parametrize("name", [name for name in dir(torch.Tensor) if name.startswith("__")])
def test_every_operator_of_a_tensor_can_be_asked(name):
    function = getattr(torch.Tensor, name)
    if callable(function):
        assert isinstance(signatures_of(function), tuple)
