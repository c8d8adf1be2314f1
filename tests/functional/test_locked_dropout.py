"""Locked dropout: one mask over time, in either order of dimensions."""

import pytest
import torch

from wolfsbane import functional as F
from wolfsbane import nn
from wolfsbane.errors import ShapeError
from wolfsbane.kernels.select import use_executor
from wolfsbane.mask import draw_key, keep_mask, scale


@pytest.mark.parametrize("executor", ["cpu", "reference"])
@pytest.mark.parametrize("batch_first", [False, True])
def test_mask_is_that_of_samples_and_features_at_every_step(executor, batch_first):
    x = torch.rand(5, 7, 11) + 1
    time = 1 if batch_first else 0
    with torch.random.fork_rng(devices=[]):
        keep = keep_mask((5, 11) if batch_first else (7, 11), 0.4, draw_key())
    with use_executor(executor):
        y = F.locked_dropout(x, 0.4, batch_first=batch_first)
    for step, kept in zip(y.unbind(time), x.unbind(time), strict=True):
        assert torch.equal(step, torch.where(keep, kept * scale(0.4), 0.0))


def test_orders_of_dimensions_give_the_same():
    x = torch.rand(5, 7, 11)
    torch.manual_seed(4)
    y = F.locked_dropout(x)
    torch.manual_seed(4)
    assert torch.equal(F.locked_dropout(x.transpose(0, 1), batch_first=True).transpose(0, 1), y)


@pytest.mark.parametrize("batch_first", [False, True])
def test_sequence_without_a_batch_has_its_time_first(batch_first):
    y = F.locked_dropout(torch.ones(9, 300), batch_first=batch_first)
    assert torch.equal(y, y[:1].expand_as(y))
    assert 0 < int((y == 0).sum()) < y.numel()


def test_result_may_be_written_into_the_input():
    x = torch.ones(5, 3, 40)
    assert nn.LockedDropout(0.5, inplace=True)(x) is x
    assert set(x.unique().tolist()) == {0.0, 2.0}


def test_rate_one_gives_zeros():
    assert torch.equal(
        F.locked_dropout(torch.full((2, 3, 4), torch.inf), 1.0), torch.zeros(2, 3, 4)
    )


def test_derivatives_hold_in_both_modes():
    x = torch.randn(3, 2, 4, dtype=torch.float64, requires_grad=True)

    def fixed(x):
        torch.manual_seed(1)
        return F.locked_dropout(x, 0.4)

    torch.autograd.gradcheck(fixed, x, check_forward_ad=True, check_batched_grad=True)
    torch.autograd.gradgradcheck(fixed, x)


@pytest.mark.parametrize("shape", [(3,), (2, 3, 4, 5)])
def test_what_is_no_sequence_is_refused(shape):
    with pytest.raises(ShapeError, match="broadcast_dims"):
        nn.LockedDropout()(torch.ones(shape))


def test_packed_sequence_is_refused_with_the_way_out():
    packed = torch.nn.utils.rnn.pack_sequence([torch.ones(3, 2), torch.ones(2, 2)])
    with pytest.raises(ShapeError, match=r"got PackedSequence.*pad_packed_sequence"):
        nn.LockedDropout()(packed)
