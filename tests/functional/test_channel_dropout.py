"""Dropout of channels and samples: which dimensions share a decision, and odd inputs."""

import pytest
import torch

from wolfsbane import functional as F
from wolfsbane.errors import ShapeError, WolfsbaneWarning
from wolfsbane.mask import draw_key, keep_mask


def next_key():
    with torch.random.fork_rng(devices=[]):
        return draw_key()


@pytest.mark.parametrize(
    ("function", "shape"),
    [
        (F.dropout1d, (7, 8, 5)),
        (F.dropout2d, (7, 8, 5, 3)),
        (F.dropout3d, (7, 8, 5, 3, 2)),
        (F.feature_alpha_dropout, (7, 8)),
        (F.feature_alpha_dropout, (7, 8, 5, 3)),
    ],
)
@pytest.mark.parametrize("channels_innermost", [False, True])
def test_decision_of_a_channel_is_that_of_its_place_in_n_by_c(function, shape, channels_innermost):
    x = torch.rand(shape) + 1
    if channels_innermost:
        x = x.movedim(1, -1).contiguous().movedim(-1, 1)
    keep = keep_mask(shape[:2], 0.5, next_key())
    y = function(x, 0.5, True)
    dropped = y[~keep].unique()
    assert dropped.numel() == 1
    assert torch.equal((y != dropped).flatten(2).all(2) if y.dim() > 2 else y != dropped, keep)


@pytest.mark.parametrize(
    ("function", "shape"), [(F.dropout1d, (113, 5)), (F.dropout3d, (113, 5, 3, 2))]
)
def test_input_without_a_batch_gets_the_mask_of_a_batch_of_one(function, shape):
    x = torch.rand(shape) + 1
    with torch.random.fork_rng(devices=[]):
        batched = function(x.unsqueeze(0), 0.5)
    assert torch.equal(function(x, 0.5), batched.squeeze(0))


def test_drop_path_decides_by_sample():
    x = torch.rand(113, 5, 3) + 1
    keep = keep_mask(113, 0.5, next_key())
    y = F.drop_path(x, 0.5)
    assert torch.equal(y != 0, keep.view(113, 1, 1).expand_as(y))


def test_drop_path_takes_one_number_per_sample():
    keep = keep_mask(113, 0.5, next_key())
    assert torch.equal(F.drop_path(torch.ones(113), 0.5), 2.0 * keep)


def test_drop_path_needs_samples():
    with pytest.raises(ShapeError, match=r"drop_path expects \(N, \*\)"):
        F.drop_path(torch.tensor(1.0))


@pytest.mark.parametrize("shape", [(), (3,), (2, 3, 4, 5)])
def test_dropout1d_refuses_other_dimensions_as_torch_does(shape):
    message = f"dropout1d: Expected 2D or 3D input, but received a {len(shape)}D input"
    for functional in (torch.nn.functional, F):
        with pytest.raises(RuntimeError, match=message) as raised:
            functional.dropout1d(torch.ones(shape))
    assert "use dropout for single elements" in str(raised.value)


def test_dropout2d_warns_of_three_dimensions_as_torch_does():
    message = (
        "dropout2d: Received a 3D input to dropout2d and assuming that channel-wise 1D dropout "
        "behavior is desired"
    )
    for functional in (torch.nn.functional, F):
        with pytest.warns(UserWarning, match=message) as caught:
            functional.dropout2d(torch.ones(2, 3, 4))
    assert caught[0].category is WolfsbaneWarning
    assert "dropout1d" in str(caught[0].message)
    assert "input.unsqueeze(0)" in str(caught[0].message)
    assert caught[0].filename == __file__


def test_dropout2d_of_three_dimensions_drops_channels_of_n_c_l():
    keep = keep_mask((11, 13), 0.5, next_key())
    with pytest.warns(WolfsbaneWarning):
        y = F.dropout2d(torch.ones(11, 13, 5), 0.5)
    assert torch.equal(y != 0, keep.unsqueeze(-1).expand_as(y))


@pytest.mark.parametrize(("name", "shape"), [("dropout2d", (3, 4)), ("dropout3d", (3, 4, 5))])
def test_other_dimensions_warn_as_torch_does(name, shape):
    message = f"{name}: Received a {len(shape)}-D input to {name}, which is deprecated"
    for functional in (torch.nn.functional, F):
        with pytest.warns(UserWarning, match=message) as caught:
            y = getattr(functional, name)(torch.ones(shape))
        assert y.shape == shape
    assert caught[0].category is WolfsbaneWarning
    assert caught[0].filename == __file__


@pytest.mark.parametrize("function", [F.dropout2d, F.feature_alpha_dropout])
@pytest.mark.filterwarnings("ignore::wolfsbane.errors.WolfsbaneWarning")
def test_features_need_two_dimensions(function):
    before = torch.get_rng_state()
    with pytest.raises(RuntimeError, match=r"^Feature dropout requires at least 2 dimensions"):
        function(torch.ones(3), 0.5, True)
    assert torch.equal(torch.get_rng_state(), before)
