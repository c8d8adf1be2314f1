"""Modules with torch.nn's names, arguments, defaults and state_dict keys.

`from wolfsbane import nn` may replace `from torch import nn` for dropout, batch norm and
activations; the rest of a network comes from torch.nn. The dropouts and batch norms subclass
torch's, so `isinstance` tests in existing code hold (`SyncBatchNorm` derives from torch's
`_BatchNorm` only).
"""

from typing import TYPE_CHECKING, NoReturn

from torch.nn import (
    CELU,
    ELU,
    GELU,
    GLU,
    SELU,
    Hardshrink,
    Hardsigmoid,
    Hardswish,
    Hardtanh,
    LeakyReLU,
    LogSigmoid,
    LogSoftmax,
    Mish,
    PReLU,
    ReLU,
    ReLU6,
    RReLU,
    Sigmoid,
    SiLU,
    Softmax,
    Softmax2d,
    Softmin,
    Softplus,
    Softshrink,
    Softsign,
    Tanh,
    Tanhshrink,
    Threshold,
)

from wolfsbane.nn.batch_norm_act import BatchNormAct1d, BatchNormAct2d, BatchNormAct3d
from wolfsbane.nn.batch_renorm import BatchRenorm1d, BatchRenorm2d, BatchRenorm3d
from wolfsbane.nn.batchnorm import BatchNorm1d, BatchNorm2d, BatchNorm3d
from wolfsbane.nn.batchnorm_last import BatchNormLast
from wolfsbane.nn.bias_act_dropout import BiasActDropout
from wolfsbane.nn.dropout import (
    AlphaDropout,
    Dropout,
    Dropout1d,
    Dropout2d,
    Dropout3d,
    DropPath,
    FeatureAlphaDropout,
)
from wolfsbane.nn.dropout_add import DropoutAdd
from wolfsbane.nn.filter_response_norm import (
    FilterResponseNorm1d,
    FilterResponseNorm2d,
    FilterResponseNorm3d,
)
from wolfsbane.nn.frozen_batchnorm import (
    FrozenBatchNorm1d,
    FrozenBatchNorm2d,
    FrozenBatchNorm3d,
)
from wolfsbane.nn.gated import GEGLU, SwiGLU
from wolfsbane.nn.ghost_batchnorm import GhostBatchNorm1d, GhostBatchNorm2d
from wolfsbane.nn.lazy_batchnorm import LazyBatchNorm1d, LazyBatchNorm2d, LazyBatchNorm3d
from wolfsbane.nn.masked_batchnorm import MaskedBatchNorm1d
from wolfsbane.nn.piecewise import CReLU, Maxout, ReLUSquared
from wolfsbane.nn.snake import Snake
from wolfsbane.nn.sparsemax import Sparsemax
from wolfsbane.nn.squareplus import Squareplus
from wolfsbane.nn.sync_batchnorm import SyncBatchNorm
from wolfsbane.nn.xielu import XIELU

__all__ = [
    "CELU",
    "ELU",
    "GEGLU",
    "GELU",
    "GLU",
    "SELU",
    "XIELU",
    "AlphaDropout",
    "BatchNorm1d",
    "BatchNorm2d",
    "BatchNorm3d",
    "BatchNormAct1d",
    "BatchNormAct2d",
    "BatchNormAct3d",
    "BatchNormLast",
    "BatchRenorm1d",
    "BatchRenorm2d",
    "BatchRenorm3d",
    "BiasActDropout",
    "CReLU",
    "DropPath",
    "Dropout",
    "Dropout1d",
    "Dropout2d",
    "Dropout3d",
    "DropoutAdd",
    "FeatureAlphaDropout",
    "FilterResponseNorm1d",
    "FilterResponseNorm2d",
    "FilterResponseNorm3d",
    "FrozenBatchNorm1d",
    "FrozenBatchNorm2d",
    "FrozenBatchNorm3d",
    "GhostBatchNorm1d",
    "GhostBatchNorm2d",
    "Hardshrink",
    "Hardsigmoid",
    "Hardswish",
    "Hardtanh",
    "LazyBatchNorm1d",
    "LazyBatchNorm2d",
    "LazyBatchNorm3d",
    "LeakyReLU",
    "LogSigmoid",
    "LogSoftmax",
    "MaskedBatchNorm1d",
    "Maxout",
    "Mish",
    "PReLU",
    "RReLU",
    "ReLU",
    "ReLU6",
    "ReLUSquared",
    "SiLU",
    "Sigmoid",
    "Snake",
    "Softmax",
    "Softmax2d",
    "Softmin",
    "Softplus",
    "Softshrink",
    "Softsign",
    "Sparsemax",
    "Squareplus",
    "SwiGLU",
    "SyncBatchNorm",
    "Tanh",
    "Tanhshrink",
    "Threshold",
]


if not TYPE_CHECKING:  # A type checker would take every misspelt name for one that never returns.

    def __getattr__(name: str) -> NoReturn:
        advice = ""
        if not name.startswith("_"):
            advice = ": it holds dropout, batch norm and activations; the rest is in torch.nn"
        raise AttributeError(f"module 'wolfsbane.nn' has no attribute {name!r}{advice}")
