"""How a budget is shared out among choosing, proving, and saying how hard the data is."""

import math
from dataclasses import dataclass

from wolfsbane.errors import ArgumentError
from wolfsbane.tuning.complexity.plan import num_planned
from wolfsbane.tuning.limits import Limits
from wolfsbane.tuning.setting import Setting

INITIAL = 4
"""The baseline and the extreme under two seeds: one seed cannot tell an effect from noise."""

LEAST_PAIRS = 3
"""Student's interval of one pair is infinite, of two 18 deviations wide, of three 5."""

LEAST_SEARCH = INITIAL + 1
"""The fifth is the first between the ends. Replayed on formulas shaped like measured landscapes,
four leave a regret of 4% to 37% of the baseline's NLL, five of 2%, nine of less than 1% in all but
one, and twelve of hardly less."""

LEAST_FOR_VERDICT = LEAST_SEARCH + 2 * LEAST_PAIRS

PROOF_SHARE = 0.5
"""Of what complexity leaves, in pairs, rounded up: by the same replays a fifth pair finds gains of
8% more often (96% for 84%), where a tenth and eleventh training of the search change the choice by
less than 0.3% of the baseline's NLL."""


@dataclass(frozen=True)
class Shares:
    """Trainings at most, by what they are for.

    Attributes:
        search: to choose by.
        complexity: to say how hard the data is, which are kept free for that.
    """

    search: int
    complexity: int


def share_out(setting: Setting, limits: Limits) -> Shares:
    """Return what of the budget goes where. What is not needed there is not spent.

    Below `LEAST_FOR_VERDICT` there is nothing to prove with, and all goes to the choice.
    """
    if limits.budget < LEAST_FOR_VERDICT:
        return Shares(limits.budget, 0)
    complexity = num_planned(setting, with_curve=limits.complexity)
    if limits.budget < LEAST_FOR_VERDICT + complexity:
        complexity = 0
    rest = limits.budget - complexity
    wanted = max(LEAST_PAIRS, math.ceil(rest * PROOF_SHARE / 2))
    pairs = min(wanted, (rest - LEAST_SEARCH) // 2)
    return Shares(rest - 2 * pairs, complexity)


def check_limits(setting: Setting, limits: Limits) -> None:
    """Refuse what the budget cannot pay for, before anything is trained.

    Raises:
        ArgumentError: the budget is too small for the learning curve that is asked for.
    """
    if not limits.complexity:
        return
    planned = num_planned(setting, with_curve=True)
    least = LEAST_FOR_VERDICT + planned
    if planned and limits.budget < least:
        raise ArgumentError(
            f"the learning curve over training-set size (complexity) takes {planned} trainings, "
            f"and the choice and its proof {LEAST_FOR_VERDICT} at least, but the budget is "
            f"{limits.budget}. Give a budget of at least {least}, or leave complexity out"
        )
