"""What `wolfsbane.stats` offers."""

import wolfsbane
from wolfsbane import stats


def test_public_names_are_these():
    assert stats.__all__ == ["DriftReport", "freeze", "recalibrate", "unfreeze"]
    assert all(hasattr(stats, name) for name in stats.__all__)


def test_package_is_reached_from_the_top():
    assert wolfsbane.stats is stats
