"""Concrete dropout as a function: the paper's relaxation, its limits and its derivatives."""

import math

import pytest
import torch

from significance import FALSE_ALARM, chance_of_count
from wolfsbane import functional as F
from wolfsbane.errors import ArgumentError, ArgumentTypeError, DtypeError
from wolfsbane.mask import draw_key
from wolfsbane.mask.uniform import uniform


def logit_of(p):
    return torch.tensor(math.log(p / (1 - p)), dtype=torch.float64, requires_grad=True)


def by_the_paper(x, logit, temperature, mask_shape, key):
    """Return x with the relaxed mask of arXiv:1705.07832, equation 5, over the keep rate."""
    p = torch.sigmoid(logit)
    u = uniform(mask_shape, key, torch.device("cpu"))
    z = torch.sigmoid((p.log() - (1 - p).log() + u.log() - (1 - u).log()) / temperature)
    return x * (1 - z) / (1 - p)


@pytest.mark.parametrize("p", [0.01, 0.3, 0.9])
@pytest.mark.parametrize("temperature", [0.1, 1.0])
@pytest.mark.parametrize("dims", [(), (1,), (0, -1)])
def test_mask_and_both_gradients_are_the_paper_s(p, temperature, dims):
    x, logit = torch.randn(4, 5, 6, dtype=torch.float64, requires_grad=True), logit_of(p)
    shared = {dim % 3 for dim in dims}
    mask_shape = [1 if dim in shared else size for dim, size in enumerate(x.shape)]
    with torch.random.fork_rng(devices=[]):
        expected = by_the_paper(x, logit, temperature, mask_shape, draw_key())
    y = F.concrete_dropout(x, logit, temperature, broadcast_dims=dims)
    torch.testing.assert_close(y, expected)
    weight = torch.randn_like(x)
    found, truth = (torch.autograd.grad((out * weight).sum(), (x, logit)) for out in (y, expected))
    torch.testing.assert_close(found, truth)


def test_derivatives_hold_in_both_modes():
    x = torch.randn(3, 4, dtype=torch.float64, requires_grad=True)

    def fixed(x, logit):
        torch.manual_seed(1)
        return F.concrete_dropout(x, logit, 0.5)

    torch.autograd.gradcheck(fixed, (x, logit_of(0.3)), check_forward_ad=True)
    torch.autograd.gradgradcheck(fixed, (x, logit_of(0.3)))


@pytest.mark.parametrize("p", [0.1, 0.5])
def test_share_dropped_is_p(p):
    y = F.concrete_dropout(torch.ones(20_000), logit_of(p).detach(), 1e-3)
    dropped = int((y < 0.5).sum())  # z is on the side of u: z > 1/2 with probability p
    assert chance_of_count(dropped, 20_000, p) > FALSE_ALARM


def test_evaluation_returns_the_input_and_draws_nothing():
    x, before = torch.randn(3), torch.get_rng_state()
    assert F.concrete_dropout(x, torch.tensor(0.0), training=False) is x
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("logit", [-200.0, 200.0])
def test_output_is_finite_where_the_rate_is_next_to_0_or_1(logit):
    logit = torch.tensor(logit, requires_grad=True)
    x = torch.ones(50, requires_grad=True)
    y = F.concrete_dropout(x, logit)
    y.sum().backward()
    assert torch.equal(y, torch.full_like(y, float(logit < 0)))
    assert logit.grad.isfinite()
    assert x.grad.isfinite().all()


def test_integers_are_refused():
    with pytest.raises(DtypeError):
        F.concrete_dropout(torch.ones(3, dtype=torch.int64), torch.tensor(0.0))


@pytest.mark.parametrize(
    ("temperature", "error"),
    [
        (0.0, ArgumentError),
        (-1, ArgumentError),
        (math.nan, ArgumentError),
        ("1", ArgumentTypeError),
    ],
    ids=str,
)
def test_wrong_temperature_is_refused(temperature, error):
    with pytest.raises(error, match="temperature has to be a positive number, but got"):
        F.concrete_dropout(torch.ones(3), torch.tensor(0.0), temperature)
