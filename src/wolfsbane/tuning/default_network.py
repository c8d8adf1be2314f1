"""The default network as what is tuned: its options are the dimensions."""

from dataclasses import dataclass

import torch

from wolfsbane.errors import ArgumentError
from wolfsbane.experiment.data import Data
from wolfsbane.experiment.networks import NetworkOptions, build_network, network_options
from wolfsbane.tuning.space import Configuration, Space


@dataclass(frozen=True)
class DefaultNetwork:
    """Builds the default network for the data. Make it with `make_subject`.

    Attributes:
        space: options of the default network, and what each may be.
    """

    space: Space

    def __post_init__(self) -> None:
        for name, found in self.space.dimensions:
            for value in found.values:
                network_options("space", {name: value})

    @property
    def built_by(self) -> str:
        """What builds it, for people."""
        return "the default network"

    @property
    def fingerprint(self) -> str:
        """All options where none is chosen."""
        return f"the default network, {NetworkOptions()}"

    def build(self, configuration: Configuration, data: Data | None) -> torch.nn.Module:
        """Return a new network; weights are drawn from torch's default CPU generator.

        Raises:
            ArgumentError: there is no data to build it for.
        """
        if data is None:
            raise ArgumentError(
                "the default network is built for data that wolfsbane splits. For other data give "
                "a model, or a factory that builds one"
            )
        options = network_options(str(configuration), configuration.as_dict())
        return build_network(options, data)
