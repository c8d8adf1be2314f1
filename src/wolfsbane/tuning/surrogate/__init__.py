"""A Gaussian process over rates, with an effect of each seed: what is known, what to ask."""

from wolfsbane.tuning.surrogate.posterior import Observation, Posterior, fit

__all__ = ["Observation", "Posterior", "fit"]
