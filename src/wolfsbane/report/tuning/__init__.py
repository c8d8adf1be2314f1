"""A search for a drop rate: made, and shown in a terminal, on a page, as plain data."""

from wolfsbane.report.tuning.result import TuneResult
from wolfsbane.report.tuning.tuner import tune

__all__ = ["TuneResult", "tune"]
