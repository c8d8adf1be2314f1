"""How sure a model is: Monte-Carlo dropout."""

from wolfsbane.uncertainty.call import mc_dropout
from wolfsbane.uncertainty.prediction import McPrediction

__all__ = ["McPrediction", "mc_dropout"]
