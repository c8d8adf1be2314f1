"""Numbers whose size is not known beforehand, as the lesson writes them."""

import math

GROUPED_FROM = 1000
"""From here on a number is written whole, its thousands set off."""


def figure(value: float) -> str:
    """Return a number to three digits.

    Examples:
        >>> [figure(value) for value in (0.0, 0.01234, 12345.0, 1.234e-7, float("nan"))]
        ['0', '0.0123', '12,345', '1.23e-07', 'not finite']
    """
    if not math.isfinite(value):
        return "not finite"
    return f"{value:,.0f}" if abs(value) >= GROUPED_FROM else f"{value:.3g}"


def percent(share: float) -> str:
    """Return a share in per cent, to a tenth.

    Examples:
        >>> percent(0.12345)
        '12.3%'
    """
    return f"{100 * share:.1f}%"
