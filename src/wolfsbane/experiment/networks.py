"""The networks that `compare` trains where the user brings none."""

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass

import torch

from wolfsbane import nn
from wolfsbane.arguments import check_probability
from wolfsbane.errors import ArgumentError, WolfsbaneError
from wolfsbane.experiment.data import Data
from wolfsbane.experiment.factories import Options, check_options

ACTIVATIONS: dict[str, Callable[[], torch.nn.Module]] = {
    "celu": nn.CELU,
    "elu": nn.ELU,
    "gelu": nn.GELU,
    "hardswish": nn.Hardswish,
    "leaky_relu": nn.LeakyReLU,
    "mish": nn.Mish,
    "none": torch.nn.Identity,
    "relu": nn.ReLU,
    "relu6": nn.ReLU6,
    "selu": nn.SELU,
    "sigmoid": nn.Sigmoid,
    "silu": nn.SiLU,
    "softplus": nn.Softplus,
    "softsign": nn.Softsign,
    "tanh": nn.Tanh,
}
"""Activations by name; `none` makes the network linear, which shows what the others are for."""

LARGEST = 10_000
"""Width and depth up to which a default network is built."""

CONVOLUTIONS = (16, 32, 64)
"""Channels of the convolutional network's blocks; each halves width and height."""


@dataclass(frozen=True)
class NetworkOptions:
    """How a default network is built.

    Attributes:
        dropout: drop probability after each hidden layer; 0 for none.
        batchnorm: batch norm before each activation.
        activation: a name in `ACTIVATIONS`.
        hidden: width of the hidden layers.
        layers: number of hidden layers.
    """

    dropout: float = 0.0
    batchnorm: bool = False
    activation: str = "relu"
    hidden: int = 256
    layers: int = 2

    def __post_init__(self) -> None:
        check_probability(self.dropout)
        if not isinstance(self.activation, str) or self.activation not in ACTIVATIONS:
            raise ArgumentError(
                f"unknown activation {self.activation!r}. There are: {', '.join(ACTIVATIONS)}"
            )
        if not isinstance(self.batchnorm, bool):
            raise ArgumentError(f"batchnorm is true or false, but got {self.batchnorm!r}")
        for name, value in (("hidden", self.hidden), ("layers", self.layers)):
            if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= LARGEST:
                raise ArgumentError(
                    f"{name} has to be a positive integer up to {LARGEST}, but got {value!r}"
                )


def network_options(who: str, options: Options) -> NetworkOptions:
    """Return the options of a default network, checked.

    Raises:
        ArgumentError, ArgumentTypeError: an option is unknown, or cannot have that value; the
            message begins with `who`.
    """
    check_options(who, options, [field.name for field in dataclasses.fields(NetworkOptions)])
    try:
        return NetworkOptions(**options)
    except WolfsbaneError as error:
        raise type(error)(f"{who}: {error}") from None


def build_network(options: NetworkOptions, data: Data) -> torch.nn.Module:
    """Return a network for `data`: an MLP for tables, a convolutional one for pictures.

    Neither dropout, batch norm nor an activation draws random numbers when built, so under one
    seed the weights are the same whatever the options switch on.
    """
    if data.kind == "pictures":
        return _convolutional(options, data)
    features = data.train.x[0].numel()
    return torch.nn.Sequential(
        *_dense(options, features), torch.nn.Linear(options.hidden, data.num_classes)
    )


def _dense(options: NetworkOptions, features: int) -> list[torch.nn.Module]:
    modules: list[torch.nn.Module] = []
    width = features
    for _ in range(options.layers):
        modules.append(torch.nn.Linear(width, options.hidden))
        if options.batchnorm:
            modules.append(nn.BatchNorm1d(options.hidden))
        modules.append(ACTIVATIONS[options.activation]())
        if options.dropout:
            modules.append(nn.Dropout(options.dropout))
        width = options.hidden
    return modules


def _convolutional(options: NetworkOptions, data: Data) -> torch.nn.Module:
    """Blocks of convolution, batch norm, activation and pooling, then one hidden dense layer."""
    modules: list[torch.nn.Module] = []
    channels, height, width = data.input_shape
    for outputs in CONVOLUTIONS:
        modules.append(torch.nn.Conv2d(channels, outputs, 3, padding=1))
        if options.batchnorm:
            modules.append(nn.BatchNorm2d(outputs))
        modules.append(ACTIVATIONS[options.activation]())
        if min(height, width) > 1:
            modules.append(torch.nn.MaxPool2d(2))
            height, width = height // 2, width // 2
        channels = outputs
    modules.append(torch.nn.Flatten())
    dense = NetworkOptions(**{**vars(options), "layers": 1})
    modules += _dense(dense, channels * height * width)
    return torch.nn.Sequential(*modules, torch.nn.Linear(options.hidden, data.num_classes))
