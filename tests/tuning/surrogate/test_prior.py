"""Draws of hyperparameters: they are spread as the beliefs say, and always the same."""

import numpy as np
import pytest

from wolfsbane.tuning.space import Choice, Rate, make_space
from wolfsbane.tuning.surrogate import prior
from wolfsbane.tuning.surrogate.prior import draw

SPACE = make_space({"p": Rate(), "act": Choice("relu", "gelu", "tanh"), "q": Rate()})


@pytest.mark.parametrize(
    ("field", "belief"), [("seed", prior.SEED), ("shape", prior.SEED_SHAPE), ("noise", prior.NOISE)]
)
def test_draws_have_the_median_and_the_deviation_of_the_belief(field, belief):
    logarithms = np.log(getattr(draw(SPACE), field))
    # 512 points of a sequence with gaps of 1 / 512 in every dimension.
    assert np.median(logarithms) == pytest.approx(np.log(belief.median), abs=0.02)
    assert logarithms.std() == pytest.approx(belief.deviation, rel=0.02)


def test_the_columns_of_a_choice_share_a_length_and_those_of_rates_do_not():
    length = draw(SPACE).length
    assert length.shape == (prior.NUM_DRAWS, 5)
    assert (length[:, 1:4] == length[:, 1:2]).all()
    assert (length[:, 0] != length[:, 4]).any()
    assert abs(np.corrcoef(np.log(length[:, [0, 1, 4]]).T) - np.eye(3)).max() < 0.05


def test_draws_are_always_the_same():
    np.testing.assert_array_equal(draw(SPACE).length, draw(SPACE).length)
    assert len(np.unique(draw(SPACE).noise)) == prior.NUM_DRAWS


def test_no_hyperparameter_degenerates():
    found = draw(SPACE)
    for one in (found.length, found.seed, found.shape, found.noise):
        assert one.min() > 1e-3
        assert one.max() < 1e2
