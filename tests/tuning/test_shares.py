"""The budget is shared out whole, and never so that one part is of no use."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from landscapes import make_pool, make_setting
from wolfsbane.tuning.choosing import to_ask
from wolfsbane.tuning.search import Limits
from wolfsbane.tuning.shares import INITIAL, LEAST_PAIRS, LEAST_SEARCH, share_out

SETTING = make_setting(make_pool())


@pytest.mark.parametrize(
    ("budget", "search", "pairs", "complexity"),
    [(5, 5, 0, 0), (10, 10, 0, 0), (11, 5, 3, 0), (12, 5, 3, 1), (20, 9, 5, 1), (24, 11, 6, 1)],
)
def test_half_of_the_budget_proves_what_the_other_half_chose(budget, search, pairs, complexity):
    shares = share_out(SETTING, Limits(budget))
    assert (shares.search, shares.complexity) == (search, complexity)
    assert (budget - search - complexity) // 2 == pairs


@given(st.integers(11, 500), st.booleans())
def test_from_the_least_budget_on_every_part_has_what_it_needs(budget, complexity):
    shares = share_out(SETTING, Limits(budget, complexity=complexity))
    pairs, rest = divmod(budget - shares.search - shares.complexity, 2)
    assert shares.search >= LEAST_SEARCH
    assert pairs >= LEAST_PAIRS
    assert rest == 0


@given(st.integers(1, 12), st.integers(0, 40))
def test_batches_end_where_they_would_have_ended(batch, stopped):
    """A search that stopped anywhere asks for the rest of its batch, and then for whole ones."""
    ends, asked = {0}, 0
    while asked < 40:
        asked += to_ask(asked, batch, goes_on=False)
        ends.add(asked)
    assert INITIAL in ends
    after = stopped + to_ask(stopped, batch, goes_on=True)
    assert after == min(end for end in ends if end >= stopped)
