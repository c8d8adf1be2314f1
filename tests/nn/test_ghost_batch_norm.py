"""Ghost batch norm is a batch norm called on each part, with a batch norm's tensors."""

import copy

import pytest
import torch
from torch.optim.swa_utils import update_bn

from cases import dtypes
from significance import assert_as_accurate_as_torch
from wolfsbane import nn
from wolfsbane.errors import ArgumentError, ArgumentTypeError, DtypeError, ShapeError

KEYS = ["weight", "bias", "running_mean", "running_var", "num_batches_tracked"]

PARTS = pytest.mark.parametrize(
    ("shape", "size", "parts"),
    [
        ((12, 3), 4, [4, 4, 4]),
        ((14, 3), 4, [4, 4, 4, 2]),
        ((13, 3), 4, [4, 4, 5]),
        ((13, 3, 5), 4, [4, 4, 4, 1]),
        ((9, 3, 4, 2), 4, [4, 4, 1]),
        ((3, 3), 4, [3]),
        ((4, 3), 4, [4]),
        ((5, 3), 4, [5]),
        ((3, 3, 2), 1, [1, 1, 1]),
    ],
    ids=str,
)


def pair_of(shape, size, dtype=torch.float64, **options):
    """Return our layer and torch's batch norm with the same tensors."""
    dims = 2 if len(shape) == 4 else 1
    ours = getattr(nn, f"GhostBatchNorm{dims}d")(
        shape[1], dtype=dtype, ghost_batch_size=size, **options
    )
    for parameter in ours.parameters():
        torch.nn.init.uniform_(parameter, 0.5, 1.5)
    theirs = getattr(torch.nn, f"BatchNorm{dims}d")(shape[1], dtype=dtype, **options)
    theirs.load_state_dict(ours.state_dict())
    return ours, theirs


def assert_same_state(ours, theirs):
    assert list(ours.state_dict()) == list(theirs.state_dict())
    for name, value in theirs.state_dict().items():
        torch.testing.assert_close(ours.state_dict()[name], value, rtol=1e-12, atol=1e-14)


@PARTS
@pytest.mark.parametrize("options", [{}, {"momentum": None}, {"affine": False}], ids=str)
def test_training_is_a_batch_norm_called_on_one_part_after_another(shape, size, parts, options):
    ours, theirs = pair_of(shape, size, **options)
    for _ in range(2):
        x = torch.randn(shape, dtype=torch.float64, requires_grad=True)
        upstream = torch.randn(shape, dtype=torch.float64)
        y, expected = ours(x), torch.cat([theirs(part) for part in x.split(parts)])
        torch.testing.assert_close(y, expected)
        inputs = [x, *ours.parameters()], [x, *theirs.parameters()]
        found, wanted = (
            torch.autograd.grad(output, tensors, upstream)
            for output, tensors in zip((y, expected), inputs, strict=True)
        )
        torch.testing.assert_close(found, wanted)
        assert_same_state(ours, theirs)


def test_running_statistics_move_as_algorithm_1_says():
    bn = nn.GhostBatchNorm1d(3, momentum=0.3, ghost_batch_size=8, dtype=torch.float64)
    x = torch.randn(24, 3, dtype=torch.float64) * 2 + 5
    bn(x)
    kept, mean, var = 0.7, torch.zeros(3).double(), torch.ones(3).double()
    means, variances = x.view(3, 8, 3).mean(1), x.view(3, 8, 3).var(1)
    weights = 0.3 * kept ** torch.tensor([2.0, 1.0, 0.0], dtype=torch.float64)[:, None]
    torch.testing.assert_close(bn.running_mean, kept**3 * mean + (weights * means).sum(0))
    torch.testing.assert_close(bn.running_var, kept**3 * var + (weights * variances).sum(0))
    assert bn.num_batches_tracked == 3


@pytest.mark.parametrize("size", [1, 2, 3, 31, 32, 33, 70])
def test_evaluation_takes_a_batch_of_any_size(size):
    ours, theirs = pair_of((64, 3), 32)
    x = torch.randn(64, 3, dtype=torch.float64)
    ours(x)
    theirs.load_state_dict(ours.state_dict())
    x = torch.randn(size, 3, dtype=torch.float64)
    torch.testing.assert_close(ours.eval()(x), theirs.eval()(x))


def test_evaluation_without_running_statistics_uses_the_whole_batch():
    ours, theirs = pair_of((12, 3), 4, track_running_stats=False)
    x = torch.randn(12, 3, dtype=torch.float64)
    torch.testing.assert_close(ours.eval()(x), theirs.eval()(x))
    assert not torch.allclose(ours.train()(x), theirs(x))


@pytest.mark.parametrize("dims", [1, 2])
def test_state_dict_is_a_batch_norm_s(dims):
    ours = getattr(nn, f"GhostBatchNorm{dims}d")(3)
    theirs = getattr(torch.nn, f"BatchNorm{dims}d")(3)
    assert list(ours.state_dict()) == KEYS
    assert ours.state_dict()._metadata == theirs.state_dict()._metadata
    theirs.load_state_dict(ours.state_dict())
    ours.load_state_dict(theirs.state_dict())


@PARTS
def test_gradients_are_those_of_finite_differences(shape, size, parts):
    ours, _ = pair_of(shape, size)
    x = torch.randn(shape, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(ours, x)


@dtypes
def test_each_dtype_is_as_accurate_as_torch_s(dtype):
    ours, theirs = pair_of((20, 3, 6), 8, dtype)
    x = (torch.randn(20, 3, 6, dtype=torch.float64) * 3 + 1).to(dtype)
    truth = torch.cat([copy.deepcopy(theirs).double()(part.double()) for part in x.split(8)])
    expected = torch.cat([theirs(part) for part in x.split(8)])
    assert_as_accurate_as_torch(ours(x), expected, truth)


def test_layout_is_kept():
    x = torch.randn(12, 3, 4, 5).to(memory_format=torch.channels_last)
    y = nn.GhostBatchNorm2d(3, ghost_batch_size=5)(x)
    assert y.is_contiguous(memory_format=torch.channels_last)


@pytest.mark.parametrize(
    ("shape", "size", "message"),
    [
        ((5, 3), 1, "ghost batches of 1.*ghost_batch_size=2"),
        ((1, 3), 32, "^Expected more than 1 value per channel"),
        ((64, 4), 8, "^running_mean should contain 4 elements not 3"),
        ((3,), 8, r"^expected 2D or 3D input \(got 1D input\)"),
    ],
)
def test_input_that_does_not_fit_changes_nothing(shape, size, message):
    bn = nn.GhostBatchNorm1d(3, ghost_batch_size=size)
    before = copy.deepcopy(bn.state_dict())
    with pytest.raises(ShapeError, match=message):
        bn(torch.randn(shape))
    for name, value in before.items():
        assert torch.equal(bn.state_dict()[name], value)


def test_dtype_that_does_not_fit_changes_nothing():
    bn = nn.GhostBatchNorm1d(3, ghost_batch_size=2)
    with pytest.raises(DtypeError, match="mixed dtype"):
        bn(torch.randn(8, 3, dtype=torch.float64))
    assert bn.num_batches_tracked == 0


def test_empty_batch_is_a_batch_norm_s():
    ours, theirs = pair_of((0, 3), 4)
    assert ours(torch.empty(0, 3).double()).shape == (0, 3)
    theirs(torch.empty(0, 3).double())
    assert ours.num_batches_tracked == theirs.num_batches_tracked


@pytest.mark.parametrize("size", [0, -1])
def test_ghost_batch_size_has_to_be_positive(size):
    with pytest.raises(ArgumentError, match=f"^ghost_batch_size has to be .* got {size}"):
        nn.GhostBatchNorm1d(3, ghost_batch_size=size)


@pytest.mark.parametrize("size", [2.0, "2", True, None])
def test_ghost_batch_size_has_to_be_an_integer(size):
    with pytest.raises(ArgumentTypeError, match=r"^ghost_batch_size has to be a positive integer"):
        nn.GhostBatchNorm2d(3, ghost_batch_size=size)


def test_recalibration_by_torch_averages_all_ghost_batches():
    bn = nn.GhostBatchNorm1d(2, ghost_batch_size=4, dtype=torch.float64)
    batches = torch.randn(3, 8, 2, dtype=torch.float64)
    update_bn(batches, bn)
    torch.testing.assert_close(bn.running_mean, batches.mean((0, 1)))
    torch.testing.assert_close(bn.running_var, batches.view(6, 4, 2).var(1).mean(0))


def test_conversion_to_sync_batch_norm_is_refused():
    with pytest.raises(ArgumentError, match="own behaviour would be lost"):
        nn.SyncBatchNorm.convert_sync_batchnorm(nn.GhostBatchNorm2d(3))


def test_repr_names_the_size_of_a_ghost_batch():
    assert repr(nn.GhostBatchNorm1d(3)).endswith(", ghost_batch_size=32)")
