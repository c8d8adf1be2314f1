"""The knowledge gradient against its closed form, and against drawing outcomes."""

import numpy as np
import pytest
from scipy.stats import norm

from wolfsbane.tuning.surrogate.gradient import knowledge_gradient


@pytest.mark.parametrize("gap", [0.0, 0.1, 0.5, 2.0])
@pytest.mark.parametrize("deviation", [0.2, 1.0])
def test_of_two_candidates_it_is_the_closed_form(gap, deviation):
    gains = knowledge_gradient(np.array([0.0, gap]), np.array([[0.3], [0.3 + deviation]]))
    ratio = gap / deviation
    expected = deviation * (norm.pdf(ratio) - ratio * norm.sf(ratio))
    # A kink between two nodes, an eighth of a deviation apart, costs (1/8)^2 / 8 of its density.
    assert gains[0] == pytest.approx(expected, abs=0.002 * deviation * norm.pdf(ratio) + 1e-7)


def test_of_many_candidates_it_is_what_drawn_outcomes_give():
    generator = np.random.default_rng(0)
    mean, sensitivity = generator.standard_normal(12), generator.standard_normal((12, 5))
    outcomes = generator.standard_normal(400_000)
    for index, gain in enumerate(knowledge_gradient(mean, sensitivity)):
        lowest = (mean[:, None] + sensitivity[:, index : index + 1] * outcomes).min(axis=0)
        error = lowest.std() / np.sqrt(len(outcomes))
        # 5 deviations of the drawn mean: 3 false alarms in 10 million, seed fixed; and the kinks.
        assert gain == pytest.approx(mean.min() - lowest.mean(), abs=5 * error + 1e-3)


def test_an_outcome_that_moves_all_candidates_alike_tells_nothing():
    gains = knowledge_gradient(np.array([0.1, 0.2, 0.3]), np.full((3, 1), 5.0))
    assert gains[0] == pytest.approx(0.0, abs=1e-14)


def test_it_is_never_negative_and_grows_with_the_sensitivity():
    mean = np.array([0.0, 0.3, 0.4])
    steps = np.linspace(0.0, 2.0, 9)
    gains = knowledge_gradient(mean, np.array([0.0, 1.0, -1.0])[:, None] * steps)
    assert gains[0] == 0.0
    assert (np.diff(gains) >= 0.0).all()
