"""What a comparison looks like: in a terminal, on a page, as plain data."""

from wolfsbane.report.comparison.result import Comparison, compare

__all__ = ["Comparison", "compare"]
