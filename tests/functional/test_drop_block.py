"""DropBlock: the paper's algorithm, its rate, blocks that are even, too large, or all there is."""

import itertools

import pytest
import torch

from significance import FALSE_ALARM, chance_of_count
from wolfsbane import functional as F
from wolfsbane import nn
from wolfsbane.errors import ArgumentError, ArgumentTypeError, DtypeError, ShapeError
from wolfsbane.functional.drop_block import block_rate
from wolfsbane.mask import draw_key, keep_mask

FUNCTIONS = {1: F.drop_block1d, 2: F.drop_block2d, 3: F.drop_block3d}
SHAPES = {1: (3, 2, 13), 2: (3, 2, 9, 12), 3: (2, 2, 5, 6, 7)}
dimensions = pytest.mark.parametrize("num_dims", [1, 2, 3])


def paper_s_gamma(p, block, size):
    """Return equation 1 of arXiv:1810.12890 for a square map."""
    keep_prob = 1 - p
    return (1 - keep_prob) / block**2 * size**2 / (size - block + 1) ** 2


def by_loops(x, p, block, num_dims, key):
    """Return algorithm 1 of the paper, block by block; the seeds are the contract's mask."""
    sizes = x.shape[-num_dims:]
    places = [size - block + 1 for size in sizes]
    gamma = p
    for size, place in zip(sizes, places, strict=True):
        gamma *= size / block / place
    seeds = ~keep_mask((*x.shape[:-num_dims], *places), gamma, key)
    mask = torch.ones_like(x)
    for where in seeds.nonzero().tolist():
        corner = where[-num_dims:]
        for steps in itertools.product(range(block), repeat=num_dims):
            position = [c + s for c, s in zip(corner, steps, strict=True)]
            mask[(*where[:-num_dims], *position)] = 0
    return x * mask * (mask.numel() / mask.sum())


@dimensions
@pytest.mark.parametrize("block", [1, 2, 3, 5])
def test_it_is_the_paper_s_algorithm(num_dims, block):
    x = torch.rand(SHAPES[num_dims], dtype=torch.float64, requires_grad=True)
    with torch.random.fork_rng(devices=[]):
        key = draw_key()
    y = FUNCTIONS[num_dims](x, 0.3, block)
    expected = by_loops(x, 0.3, block, num_dims, key)
    assert 0 < int((y == 0).sum()) < y.numel()
    torch.testing.assert_close(y, expected)
    grads = [torch.autograd.grad(out, x, torch.ones_like(x))[0] for out in (y, expected)]
    torch.testing.assert_close(*grads)


@pytest.mark.parametrize(("block", "size"), [(1, 8), (3, 9), (7, 28), (4, 10), (8, 8)])
def test_rate_of_blocks_is_equation_1(block, size):
    gamma = block_rate(0.1, (size, size), (block, block))
    assert gamma == pytest.approx(paper_s_gamma(0.1, block, size))


def test_share_of_positions_dropped_is_that_of_independent_blocks():
    size, block, p, samples = 20, 3, 0.2, 4000
    y = F.drop_block2d(torch.ones(samples, 1, size, size), p, block)
    gamma = round(65536 * paper_s_gamma(p, block, size)) / 65536
    dropped = int((y[:, 0, 10, 10] == 0).sum())  # an inner position lies in block^2 possible blocks
    chance = chance_of_count(dropped, samples, 1 - (1 - gamma) ** (block**2))
    assert chance > FALSE_ALARM


@dimensions
def test_mean_of_ones_is_kept_exactly(num_dims):
    x = torch.ones(SHAPES[num_dims], dtype=torch.float64)
    y = FUNCTIONS[num_dims](x, 0.4, 3)
    assert int((y == 0).sum()) > 0
    assert y.mean().item() == pytest.approx(1.0, rel=1e-14)


@dimensions
def test_block_larger_than_the_map_drops_whole_channels(num_dims):
    x = torch.ones(40, 5, *SHAPES[num_dims][2:])
    y = FUNCTIONS[num_dims](x, 0.5, 100).flatten(2)
    assert torch.equal(y, y[..., :1].expand_as(y))
    assert 0 < int((y[..., 0] == 0).sum()) < 200


def test_block_is_cut_in_the_dimension_that_is_too_small():
    y = F.drop_block2d(torch.ones(1, 300, 2, 30), 0.1, 5)
    assert torch.equal(y[:, :, 0], y[:, :, 1])
    widths = [
        len(run) for row in y[0, :, 0] for run in "".join("10"[v == 0] for v in row).split("1")
    ]
    assert min(width for width in widths if width) == 5


@dimensions
@pytest.mark.parametrize("value", [1.0, float("inf"), float("nan")])
def test_rate_one_gives_zeros_whatever_the_input(num_dims, value):
    x = torch.full(SHAPES[num_dims], value, requires_grad=True)
    y = FUNCTIONS[num_dims](x, 1.0, 3)
    (grad,) = torch.autograd.grad(y, x, torch.ones_like(y))
    assert torch.equal(y, torch.zeros_like(y))
    assert torch.equal(grad, torch.zeros_like(y))


@dimensions
def test_evaluation_and_rate_zero_return_the_input_and_draw_nothing(num_dims):
    x, before = torch.rand(SHAPES[num_dims]), torch.get_rng_state()
    assert FUNCTIONS[num_dims](x, 0.5, 3, False) is x
    assert FUNCTIONS[num_dims](x, 0.0, 3) is x
    assert torch.equal(torch.get_rng_state(), before)


@dimensions
def test_batch_dimension_may_be_missing(num_dims):
    x = torch.rand(SHAPES[num_dims])[:1]
    torch.manual_seed(2)
    expected = FUNCTIONS[num_dims](x, 0.4, 2)[0]
    torch.manual_seed(2)
    assert torch.equal(FUNCTIONS[num_dims](x[0], 0.4, 2), expected)


@pytest.mark.parametrize(
    ("num_dims", "memory_format"), [(2, torch.channels_last), (3, torch.channels_last_3d)]
)
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_layout_is_kept(num_dims, memory_format, dtype):
    x = torch.rand(SHAPES[num_dims], dtype=dtype).to(memory_format=memory_format).requires_grad_()
    y = FUNCTIONS[num_dims](x, 0.3, 2)
    (grad,) = torch.autograd.grad(y.sum(), x)
    assert y.is_contiguous(memory_format=memory_format)
    assert grad.is_contiguous(memory_format=memory_format)


@dimensions
def test_empty_batch_stays_empty(num_dims):
    x = torch.rand(SHAPES[num_dims])[:0]
    assert FUNCTIONS[num_dims](x, 0.4, 2).shape == x.shape


@dimensions
def test_derivatives_hold_in_both_modes(num_dims):
    x = torch.randn(1, 2, *(3,) * num_dims, dtype=torch.float64, requires_grad=True)

    def fixed(x):
        torch.manual_seed(1)
        return FUNCTIONS[num_dims](x, 0.4, 2)

    assert 0 < int((fixed(x) == 0).sum()) < x.numel()
    torch.autograd.gradcheck(fixed, x, check_forward_ad=True)


@dimensions
def test_input_of_other_dimensions_is_refused(num_dims):
    with pytest.raises(ShapeError, match=f"drop_block{num_dims}d expects {num_dims + 2}-D"):
        FUNCTIONS[num_dims](torch.ones((2,) * (num_dims + 3)))
    with pytest.raises(ShapeError, match=r"got shape"):
        FUNCTIONS[num_dims](torch.ones((2,) * num_dims))


def test_integers_are_refused_before_anything_is_drawn():
    before = torch.get_rng_state()
    with pytest.raises(DtypeError):
        F.drop_block1d(torch.ones(1, 2, 9, dtype=torch.int64))
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize(
    "make", [nn.DropBlock2d, lambda p, b: F.drop_block2d(torch.ones(1, 1, 9, 9), p, b)]
)
@pytest.mark.parametrize(
    ("block", "error"),
    [(0, ArgumentError), (-1, ArgumentError), (2.5, ArgumentTypeError), (True, ArgumentTypeError)],
)
def test_wrong_block_size_is_refused(make, block, error):
    with pytest.raises(error, match="block_size has to be a positive integer, but got"):
        make(0.1, block)
