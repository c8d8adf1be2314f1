"""Amounts in the words of warnings."""

from wolfsbane.tuning.limits import SHARES

_POINTS = 100


def difference(metric: str, value: float) -> str:
    """Return how large a difference is, as people read it: of a share in points.

    Examples:
        >>> difference("accuracy", 0.0123), difference("nll", 0.0123)
        ('1.2 points', '0.012')
    """
    return f"{value * _POINTS:.2g} points" if metric in SHARES else f"{value:.2g}"
