"""What batch norm layers refuse: torch's words first, then help, and nothing is changed."""

import copy

import pytest
import torch

from wolfsbane import nn
from wolfsbane.errors import ArgumentError, ArgumentTypeError, ShapeError

LAYERS = pytest.mark.parametrize(
    "cls", [nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d, nn.SyncBatchNorm]
)

LAZY = pytest.mark.parametrize("cls", [nn.LazyBatchNorm1d, nn.LazyBatchNorm2d, nn.LazyBatchNorm3d])

REFUSED = [
    (nn.BatchNorm1d(10), (8, 5, 10), "^running_mean should contain 5 elements not 10"),
    (nn.BatchNorm1d(3), (8, 4), "^running_mean should contain 4 elements not 3"),
    (nn.BatchNorm1d(3), (3,), r"^expected 2D or 3D input \(got 1D input\)"),
    (nn.BatchNorm1d(3), (1, 3), "^Expected more than 1 value per channel when training, got"),
    (nn.BatchNorm2d(3), (8, 3, 4), r"^expected 4D input \(got 3D input\)"),
    (nn.BatchNorm2d(3), (8, 3), r"^expected 4D input \(got 2D input\)"),
    (nn.BatchNorm2d(3), (1, 3, 1, 1), "^Expected more than 1 value per channel when training, got"),
    (nn.BatchNorm3d(3), (8, 3, 4, 4), r"^expected 5D input \(got 4D input\)"),
    (nn.SyncBatchNorm(3), (8,), r"^expected at least 2D input \(got 1D input\)"),
    (nn.SyncBatchNorm(3), (8, 4), "^running_mean should contain 4 elements not 3"),
]


@pytest.mark.parametrize(("layer", "shape", "message"), REFUSED)
def test_input_that_does_not_fit_changes_nothing(layer, shape, message):
    bn = copy.deepcopy(layer)
    with pytest.raises(ShapeError, match=message):
        bn(torch.randn(shape))
    for name, value in layer.state_dict().items():
        assert torch.equal(bn.state_dict()[name], value)


@pytest.mark.parametrize(("layer", "shape", "message"), REFUSED[:-2])
def test_torch_s_layer_says_the_same_first(layer, shape, message):
    theirs = getattr(torch.nn, type(layer).__name__)(layer.num_features)
    with pytest.raises((ValueError, RuntimeError), match=message):
        theirs(torch.randn(shape))


@pytest.mark.parametrize(
    ("layer", "shape", "advice"),
    [
        (nn.BatchNorm1d(10), (8, 5, 10), r"Features come second.*transpose\(1, 2\)"),
        (nn.BatchNorm2d(10), (8, 5, 5, 10), r"Features come second.*movedim\(-1, 1\)"),
        (nn.BatchNorm1d(3), (8, 4), "num_features=4"),
        (nn.BatchNorm2d(3), (3, 4, 4), r"input.unsqueeze\(0\)"),
        (nn.BatchNorm1d(3), (8, 3, 4, 4), "BatchNorm2d"),
        (nn.BatchNorm1d(3), (1, 3), "drop_last=True"),
    ],
)
def test_error_says_what_to_do(layer, shape, advice):
    with pytest.raises(ShapeError, match=advice):
        layer(torch.randn(shape))


def test_dtype_that_does_not_fit_changes_nothing():
    bn = nn.BatchNorm1d(3)
    with pytest.raises(TypeError, match="mixed dtype"):
        bn(torch.randn(5, 3, dtype=torch.float64))
    assert bn.num_batches_tracked == 0
    assert torch.equal(bn.running_mean, torch.zeros(3))


def test_integer_input_is_refused_and_changes_nothing():
    bn = nn.BatchNorm1d(3, affine=False)
    with pytest.raises(TypeError):
        bn(torch.arange(15).view(5, 3))
    assert bn.num_batches_tracked == 0


def test_integer_input_is_refused_without_statistics_too():
    bn = nn.BatchNorm1d(3, affine=False, track_running_stats=False)
    with pytest.raises((TypeError, RuntimeError)):
        bn(torch.arange(15).view(5, 3))


@LAYERS
@pytest.mark.parametrize("num_features", [0, -3])
def test_number_of_features_has_to_be_positive(cls, num_features):
    message = f"^num_features has to be a positive integer, but got {num_features}"
    with pytest.raises(ArgumentError, match=message):
        cls(num_features)


@LAYERS
@pytest.mark.parametrize("num_features", [1.5, "3", True, None, (3,)])
def test_number_of_features_has_to_be_an_integer(cls, num_features):
    with pytest.raises(ArgumentTypeError, match=r"^num_features has to be a positive integer"):
        cls(num_features)


def each_with(cls, **options):
    return cls(**options) if "Lazy" in cls.__name__ else cls(3, **options)


@pytest.mark.parametrize("cls", [nn.BatchNorm2d, nn.SyncBatchNorm, nn.LazyBatchNorm2d])
@pytest.mark.parametrize("eps", [0, 0.0, -1e-5, float("nan"), float("inf")])
def test_eps_has_to_be_positive(cls, eps):
    message = f"^batch_norm eps must be positive during training, but got {eps}"
    with pytest.raises(ArgumentError, match=message):
        each_with(cls, eps=eps)


@pytest.mark.parametrize("cls", [nn.BatchNorm2d, nn.SyncBatchNorm, nn.LazyBatchNorm2d])
@pytest.mark.parametrize("momentum", [2, -0.1, float("nan")])
def test_momentum_has_to_be_a_weight(cls, momentum):
    message = f"^batch_norm momentum has to be between 0 and 1, or None, but got {momentum}"
    with pytest.raises(ArgumentError, match=message):
        each_with(cls, momentum=momentum)


@pytest.mark.parametrize("cls", [nn.BatchNorm2d, nn.SyncBatchNorm, nn.LazyBatchNorm2d])
@pytest.mark.parametrize("options", [{"eps": "1e-5"}, {"momentum": "0.1"}, {"momentum": True}])
def test_number_of_the_wrong_type_is_refused(cls, options):
    with pytest.raises(ArgumentTypeError, match=r"of type (str|bool)"):
        each_with(cls, **options)


@pytest.mark.parametrize("momentum", [0, 0.1, 1, None])
def test_momentum_in_range_is_taken(momentum):
    assert nn.BatchNorm1d(3, momentum=momentum).momentum == momentum


@pytest.mark.parametrize("cls", [nn.BatchNorm2d, nn.SyncBatchNorm, nn.LazyBatchNorm2d])
@pytest.mark.parametrize(
    ("unknown", "meant"), [("epsilon", "eps"), ("decay", "momentum"), ("center", "bias")]
)
def test_name_of_another_library_is_translated(cls, unknown, meant):
    message = f"unexpected keyword argument '{unknown}': did you mean {meant}\\?"
    with pytest.raises(ArgumentTypeError, match=message):
        each_with(cls, **{unknown: 0.1})


@LAZY
def test_lazy_layer_stays_lazy_where_its_first_input_does_not_fit(cls):
    bn = cls()
    with pytest.raises(ShapeError, match=r"^expected"):
        bn(torch.randn(4))
    assert bn.has_uninitialized_params()
    assert type(bn) is cls


def test_sync_batch_norm_needs_channels():
    with pytest.raises(ValueError, match="number of input channels should be non-zero"):
        nn.SyncBatchNorm(3)(torch.randn(4, 0, 2))
