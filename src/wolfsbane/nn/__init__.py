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
from wolfsbane.nn.batchnorm import BatchNorm1d, BatchNorm2d, BatchNorm3d
from wolfsbane.nn.bias_act_dropout import BiasActDropout
from wolfsbane.nn.concrete_dropout import ConcreteDropout
from wolfsbane.nn.drop_block import DropBlock1d, DropBlock2d, DropBlock3d
from wolfsbane.nn.drop_connect import DropConnect
from wolfsbane.nn.drop_path import DropPath
from wolfsbane.nn.dropout import (
    AlphaDropout,
    Dropout,
    Dropout1d,
    Dropout2d,
    Dropout3d,
    FeatureAlphaDropout,
)
from wolfsbane.nn.dropout_add import DropoutAdd
from wolfsbane.nn.embedding_dropout import EmbeddingDropout
from wolfsbane.nn.gaussian import GaussianDropout, GaussianNoise
from wolfsbane.nn.lazy_batchnorm import LazyBatchNorm1d, LazyBatchNorm2d, LazyBatchNorm3d
from wolfsbane.nn.locked_dropout import LockedDropout
from wolfsbane.nn.sync_batchnorm import SyncBatchNorm
from wolfsbane.nn.token_dropout import TokenDropout
from wolfsbane.nn.weight_drop import WeightDrop

__all__ = [
    "CELU",
    "ELU",
    "GELU",
    "GLU",
    "SELU",
    "AlphaDropout",
    "BatchNorm1d",
    "BatchNorm2d",
    "BatchNorm3d",
    "BatchNormAct1d",
    "BatchNormAct2d",
    "BatchNormAct3d",
    "BiasActDropout",
    "ConcreteDropout",
    "DropBlock1d",
    "DropBlock2d",
    "DropBlock3d",
    "DropConnect",
    "DropPath",
    "Dropout",
    "Dropout1d",
    "Dropout2d",
    "Dropout3d",
    "DropoutAdd",
    "EmbeddingDropout",
    "FeatureAlphaDropout",
    "GaussianDropout",
    "GaussianNoise",
    "Hardshrink",
    "Hardsigmoid",
    "Hardswish",
    "Hardtanh",
    "LazyBatchNorm1d",
    "LazyBatchNorm2d",
    "LazyBatchNorm3d",
    "LeakyReLU",
    "LockedDropout",
    "LogSigmoid",
    "LogSoftmax",
    "Mish",
    "PReLU",
    "RReLU",
    "ReLU",
    "ReLU6",
    "SiLU",
    "Sigmoid",
    "Softmax",
    "Softmax2d",
    "Softmin",
    "Softplus",
    "Softshrink",
    "Softsign",
    "SyncBatchNorm",
    "Tanh",
    "Tanhshrink",
    "Threshold",
    "TokenDropout",
    "WeightDrop",
]


if not TYPE_CHECKING:  # A type checker would take every misspelt name for one that never returns.

    def __getattr__(name: str) -> NoReturn:
        advice = ""
        if not name.startswith("_"):
            advice = ": it holds dropout, batch norm and activations; the rest is in torch.nn"
        raise AttributeError(f"module 'wolfsbane.nn' has no attribute {name!r}{advice}")
