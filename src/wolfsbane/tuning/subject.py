"""What is tuned: the default network, a factory, or a model with drop rates."""

from typing import Protocol

import torch

from wolfsbane.experiment.data import Data
from wolfsbane.tuning.space import Configuration, Space


class Subject(Protocol):
    """Builds the network of a configuration; has to survive pickling (cloudpickle)."""

    @property
    def space(self) -> Space:
        """What may be chosen."""

    @property
    def built_by(self) -> str:
        """What builds it, for people."""

    @property
    def fingerprint(self) -> str:
        """What it builds, for the configuration's hash: source, weights and structure, options."""

    def build(self, configuration: Configuration, data: Data | None) -> torch.nn.Module:
        """Return a new network; weights are drawn from torch's default CPU generator."""
