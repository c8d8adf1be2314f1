"""The tables of cases that every test file parametrises over."""

from collections.abc import Callable
from dataclasses import dataclass

import pytest
import torch
from torch import Tensor

DTYPES = (torch.float16, torch.bfloat16, torch.float32, torch.float64)

dtypes = pytest.mark.parametrize("dtype", DTYPES, ids=lambda dtype: str(dtype).split(".")[1])


def _named(name, values):
    return pytest.mark.parametrize(name, values, ids=lambda case: case.name)


@dataclass(frozen=True)
class DropoutCase:
    """A kind of dropout, an input shape, and the mask that the contract gives that shape."""

    layer: str
    function: str
    shape: tuple[int, ...]
    mask_shape: tuple[int, ...]
    note: str = ""

    @property
    def name(self) -> str:
        return self.layer + self.note

    @property
    def is_alpha(self) -> bool:
        return "alpha" in self.function


ELEMENTWISE = DropoutCase("Dropout", "dropout", (5, 7, 31), (5, 7, 31))

DROPOUTS = (
    ELEMENTWISE,
    DropoutCase("Dropout1d", "dropout1d", (11, 13, 3), (11, 13, 1)),
    DropoutCase("Dropout1d", "dropout1d", (113, 3), (113, 1), "-unbatched"),
    DropoutCase("Dropout2d", "dropout2d", (11, 13, 3, 2), (11, 13, 1, 1)),
    DropoutCase("Dropout3d", "dropout3d", (11, 13, 3, 2, 2), (11, 13, 1, 1, 1)),
    DropoutCase("Dropout3d", "dropout3d", (113, 3, 2, 2), (113, 1, 1, 1), "-unbatched"),
    DropoutCase("AlphaDropout", "alpha_dropout", (5, 7, 31), (5, 7, 31)),
    DropoutCase("FeatureAlphaDropout", "feature_alpha_dropout", (11, 13, 5), (11, 13, 1)),
    DropoutCase("DropPath", "drop_path", (113, 3, 2), (113, 1, 1)),
)

ZEROING = tuple(case for case in DROPOUTS if not case.is_alpha)

dropouts = _named("case", DROPOUTS)
zeroing_dropouts = _named("case", ZEROING)


@dataclass(frozen=True)
class BatchNormCase:
    """A batch norm layer and a training input for it."""

    layer: str
    shape: tuple[int, ...]
    note: str = ""

    @property
    def name(self) -> str:
        return self.layer + self.note

    @property
    def num_features(self) -> int:
        return self.shape[1]


BATCH_NORMS = (
    BatchNormCase("BatchNorm1d", (7, 5)),
    BatchNormCase("BatchNorm1d", (7, 5, 11), "-sequence"),
    BatchNormCase("BatchNorm2d", (5, 3, 7, 2)),
    BatchNormCase("BatchNorm3d", (3, 2, 5, 2, 3)),
    BatchNormCase("SyncBatchNorm", (5, 3, 7, 2), "-alone"),
)

batch_norms = _named("case", BATCH_NORMS)


@dataclass(frozen=True)
class LayoutCase:
    """A way for a tensor to lie in memory; `make` takes a float32 NCHW tensor."""

    name: str
    shape: tuple[int, ...]
    make: Callable[[Tensor], Tensor]


def _wide(tensor: Tensor) -> Tensor:
    """Return the same values as every second column of a wider tensor."""
    return torch.stack([tensor, -tensor], dim=-1).flatten(-2)[..., ::2]


def _offset(tensor: Tensor) -> Tensor:
    """Return the same values from the second element of a storage on."""
    return torch.cat([tensor.new_zeros(1), tensor.flatten()])[1:].view(tensor.shape)


def _channels_last(tensor: Tensor) -> Tensor:
    return tensor.contiguous(memory_format=torch.channels_last)


LAYOUTS = (
    LayoutCase("contiguous", (5, 3, 7, 11), lambda x: x),
    LayoutCase("channels-last", (5, 3, 7, 11), _channels_last),
    LayoutCase("transposed", (5, 3, 7, 11), lambda x: x.mT.contiguous().mT),
    LayoutCase(
        "batch-inside", (5, 3, 7, 11), lambda x: x.movedim(0, -1).contiguous().movedim(-1, 0)
    ),
    LayoutCase("strided", (5, 3, 7, 11), _wide),
    LayoutCase("offset", (5, 3, 7, 11), _offset),
    LayoutCase("expanded", (5, 3, 7, 11), lambda x: x[:, :, :, :1].expand(5, 3, 7, 11)),
    LayoutCase("two-images", (2, 1, 1, 1), lambda x: x),
    LayoutCase("many-tiles", (3, 5, 31, 37), _channels_last),
)

DENSE_LAYOUTS = tuple(case for case in LAYOUTS if case.name not in {"strided", "expanded"})

layouts = _named("layout", LAYOUTS)

# Elements of an expanded tensor share memory: nothing can be written into it.

# The gradient of batch norm over two values is what rounding leaves of a cancellation.
layouts_with_spread = _named("layout", [case for case in LAYOUTS if case.name != "two-images"])
dense_layouts = _named("layout", DENSE_LAYOUTS)


def draw(case: LayoutCase, dtype: torch.dtype = torch.float32) -> Tensor:
    """Return normal values in the case's layout."""
    return case.make(torch.randn(case.shape).to(dtype))


RATES = (0.0, 1e-6, 0.001, 0.1, 0.25, 1 / 3, 0.5, 0.9, 0.999, 1.0)
