"""Rows of tables: numbers as they are read, and cells with a mark."""

from wolfsbane.learn.blocks import Cell, Mark


def row(*texts: str, mark: Mark = Mark.NONE) -> tuple[Cell, ...]:
    """Return a row; `mark` is on its last cell."""
    cells = [Cell(text) for text in texts[:-1]]
    return (*cells, Cell(texts[-1], mark))


def figure(value: float) -> str:
    """Return a number to three digits, as it is read: 0.0123, 1,230, 1.23e-07.

    Examples:
        >>> [figure(value) for value in (0.0, 0.01234, 12345.0, 1.234e-7)]
        ['0', '0.0123', '12,345', '1.23e-07']
    """
    if value != value or value in (float("inf"), float("-inf")):  # noqa: PLR0124  # NaN
        return "not finite"
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"  # noqa: PLR2004


def percent(share: float) -> str:
    """Return a share in per cent, to a tenth.

    Examples:
        >>> percent(0.12345)
        '12.3 %'
    """
    return f"{100 * share:.1f} %"
