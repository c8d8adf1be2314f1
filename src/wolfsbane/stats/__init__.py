"""Running statistics of batch norms: recalibrated exactly, or frozen.

`recalibrate` replaces the moving averages by the statistics of a data set, and reports how far they
had drifted. `freeze` keeps batch norms in evaluation mode however often `model.train()` is called;
`unfreeze` lets them go.
"""

from wolfsbane.stats.drift import DriftReport
from wolfsbane.stats.freezing import freeze, unfreeze
from wolfsbane.stats.recalibration import recalibrate

__all__ = ["DriftReport", "freeze", "recalibrate", "unfreeze"]
