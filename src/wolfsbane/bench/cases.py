"""All cases, in the order of the table. Nothing is allocated before a case is measured."""

from wolfsbane.bench.case import Case
from wolfsbane.bench.figures import figures_to_reach
from wolfsbane.bench.general import beyond_speed, where_it_pays
from wolfsbane.bench.monte_carlo import monte_carlo


def all_cases() -> tuple[Case, ...]:
    """Return the figures to reach, then where it pays, then what is not speed."""
    return (*figures_to_reach(), *monte_carlo(), *where_it_pays(), *beyond_speed())
