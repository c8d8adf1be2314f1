"""What is trained: a ResNet-18 for small pictures, a transformer encoder, an MLP."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

BATCH = 32
CLASSES = 10


@dataclass(frozen=True)
class Case:
    """A model and its data.

    Args:
        name: what it is.
        model: makes it.
        batch: makes a batch of examples and labels.
    """

    name: str
    model: Callable[[], nn.Module]
    batch: Callable[[], tuple[Tensor, Tensor]]


class Block(nn.Module):
    """Two 3 x 3 convolutions with batch norm, and a shortcut (He et al. 2016, arXiv:1512.03385)."""

    def __init__(self, before: int, after: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(before, after, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(after)
        self.conv2 = nn.Conv2d(after, after, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(after)
        self.shortcut = nn.Sequential()
        if stride != 1 or before != after:
            self.shortcut = nn.Sequential(
                nn.Conv2d(before, after, 1, stride, bias=False), nn.BatchNorm2d(after)
            )

    def forward(self, x: Tensor) -> Tensor:
        """Return the block's output."""
        out = F.relu(self.bn1(self.conv1(x)))
        return F.relu(self.bn2(self.conv2(out)) + self.shortcut(x))


def resnet18() -> nn.Module:
    """Return ResNet-18 with the stem for pictures of 32 x 32: 11.2 million parameters."""
    widths = [(64, 64, 1), (64, 128, 2), (128, 256, 2), (256, 512, 2)]
    blocks = [
        block
        for before, after, stride in widths
        for block in (Block(before, after, stride), Block(after, after, 1))
    ]
    return nn.Sequential(
        nn.Conv2d(3, 64, 3, 1, 1, bias=False),
        nn.BatchNorm2d(64),
        nn.ReLU(),
        *blocks,
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(512, CLASSES),
    )


def transformer() -> nn.Module:
    """Return four encoder layers of width 128 on sequences of 64."""
    layer = nn.TransformerEncoderLayer(128, 4, 512, 0.1, batch_first=True)
    encoder = nn.TransformerEncoder(layer, 4, enable_nested_tensor=False)
    return nn.Sequential(encoder, nn.Flatten(), nn.Linear(64 * 128, CLASSES))


def mlp() -> nn.Module:
    """Return three layers with batch norm and dropout: as cheap as a step gets."""
    return nn.Sequential(
        nn.Linear(64, 256), nn.BatchNorm1d(256), nn.ReLU(), nn.Dropout(0.5),
        nn.Linear(256, 256), nn.BatchNorm1d(256), nn.ReLU(), nn.Dropout(0.5),
        nn.Linear(256, CLASSES),
    )  # fmt: skip


def _labels() -> Tensor:
    return torch.randint(CLASSES, (BATCH,))


def _pictures() -> tuple[Tensor, Tensor]:
    return torch.randn(BATCH, 3, 32, 32), _labels()


def _sequences() -> tuple[Tensor, Tensor]:
    return torch.randn(BATCH, 64, 128), _labels()


def _rows() -> tuple[Tensor, Tensor]:
    return torch.randn(BATCH, 64), _labels()


CASES = (
    Case("ResNet-18, 32 x 3 x 32 x 32", resnet18, _pictures),
    Case("transformer encoder, 32 x 64 x 128", transformer, _sequences),
    Case("MLP, 32 x 64", mlp, _rows),
)
