"""Results as people read them: a terminal table, a page, plain data."""

from wolfsbane.report.comparison import Comparison, compare

__all__ = ["Comparison", "compare"]
