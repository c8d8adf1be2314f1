"""When a difference counts: rounding errors against a float64 truth, counts against chance.

Every statistical test here is passed a false-alarm probability: how likely it would fail for a
perfect generator if its seed were drawn afresh. Seeds are fixed, so it fails always or never.
"""

import math

import torch
from torch import Tensor

FALSE_ALARM = 1e-9
"""Of one statistical test as a whole; a test of many counts shares it among them (Bonferroni)."""

ROUNDINGS = {torch.float16: 1, torch.bfloat16: 1, torch.float32: 2, torch.float64: 16}
"""Floor of `assert_as_accurate_as_torch`, in units of eps times the largest true value.

Half precision is rounded once. float32: the reference rounds the scale and the product. float64:
torch is its own truth there, and both sides add up thousands of numbers in another order.
"""


def assert_as_accurate_as_torch(
    ours: Tensor, theirs: Tensor, truth: Tensor, floor: float | None = None
) -> None:
    """Assert that our error is at most twice torch's in the same dtype, plus a floor.

    Args:
        ours: what wolfsbane gives.
        theirs: what torch gives, in the same dtype.
        truth: the same in float64.
        floor: the error always allowed. Default: `ROUNDINGS[dtype]` times eps of the dtype times
            the largest true value.
    """
    assert ours.dtype is theirs.dtype
    assert ours.shape == theirs.shape == truth.shape
    if not truth.numel():
        return
    largest = truth.abs().max().item()
    if floor is None:
        floor = ROUNDINGS[ours.dtype] * torch.finfo(ours.dtype).eps * largest
    error = (ours.double() - truth).abs().max().item()
    error_of_torch = (theirs.double() - truth).abs().max().item()
    allowed = 2 * error_of_torch + floor
    assert error <= allowed, f"off by {error:.3g}; torch by {error_of_torch:.3g}, floor {floor:.3g}"


def chance_of_count(count: int, trials: int, probability: float) -> float:
    """Return a bound on the chance of a binomial count at least this far from its mean.

    Chernoff's bound, exact for every number of trials: exp(-trials * KL(count / trials || p)),
    doubled for the two sides.

    References:
        Hoeffding 1963, doi:10.1080/01621459.1963.10500830, theorem 1, eq. 2.1.
    """
    observed = count / trials
    divergence = 0.0
    for seen, expected in ((observed, probability), (1 - observed, 1 - probability)):
        if seen > 0.0:
            divergence += seen * math.log(seen / expected) if expected > 0.0 else math.inf
    return min(1.0, 2 * math.exp(-trials * divergence))


def chance_of_chi_square(statistic: float, degrees: int) -> float:
    """Return a bound on the chance of a chi-square statistic this large.

    References:
        Laurent, Massart 2000, doi:10.1214/aos/1015957395, lemma 1:
        P(X - d >= 2 sqrt(d t) + 2 t) <= exp(-t).
    """
    excess = statistic - degrees
    if excess <= 0.0:
        return 1.0
    root = (math.sqrt(degrees + 2 * excess) - math.sqrt(degrees)) / 2
    return math.exp(-(root**2))


def assert_counts_by_chance(counts: Tensor, trials: int, probability: float) -> None:
    """Assert that each count is binomial(trials, probability); false alarm FALSE_ALARM in all."""
    flat = counts.flatten().tolist()
    least = min(chance_of_count(count, trials, probability) for count in flat)
    assert least * len(flat) > FALSE_ALARM, f"chance {least:.3g} in one of {len(flat)} counts"


def assert_cells_by_chance(cells: Tensor) -> None:
    """Assert that a table of counts is uniform (chi-square); false alarm FALSE_ALARM."""
    expected = cells.sum().item() / cells.numel()
    statistic = ((cells.double() - expected) ** 2 / expected).sum().item()
    chance = chance_of_chi_square(statistic, cells.numel() - 1)
    assert chance > FALSE_ALARM, f"chi-square {statistic:.1f} over {cells.numel()} cells"
