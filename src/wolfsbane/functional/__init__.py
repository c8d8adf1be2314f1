"""Stateless functions with torch.nn.functional's names and signatures.

Dropout and batch norm are wolfsbane's own. The activations are torch's: ATen computes them at the
speed of memory, and a copy would add nothing.
"""

from torch.nn.functional import (  # type: ignore[attr-defined]  # threshold_ has no stub
    celu,
    celu_,
    elu,
    elu_,
    gelu,
    glu,
    gumbel_softmax,
    hardshrink,
    hardsigmoid,
    hardswish,
    hardtanh,
    hardtanh_,
    leaky_relu,
    leaky_relu_,
    log_softmax,
    logsigmoid,
    mish,
    prelu,
    relu,
    relu6,
    relu_,
    rrelu,
    rrelu_,
    selu,
    selu_,
    sigmoid,
    silu,
    softmax,
    softmin,
    softplus,
    softshrink,
    softsign,
    tanh,
    tanhshrink,
    threshold,
    threshold_,
)

from wolfsbane.functional.alpha_dropout import alpha_dropout, feature_alpha_dropout
from wolfsbane.functional.batch_norm import batch_norm, sync_batch_norm
from wolfsbane.functional.batch_renorm import batch_renorm
from wolfsbane.functional.channel_dropout import dropout1d, dropout2d, dropout3d
from wolfsbane.functional.dropout import drop_path, dropout
from wolfsbane.functional.filter_response_norm import filter_response_norm
from wolfsbane.functional.fused import batch_norm_act_dropout, bias_act_dropout, dropout_add
from wolfsbane.functional.gated import geglu, swiglu
from wolfsbane.functional.masked_batch_norm import masked_batch_norm
from wolfsbane.functional.piecewise import crelu, maxout, relu_squared
from wolfsbane.functional.snake import snake
from wolfsbane.functional.sparsemax import sparsemax
from wolfsbane.functional.squareplus import squareplus
from wolfsbane.functional.xielu import xielu

__all__ = [
    "alpha_dropout",
    "batch_norm",
    "batch_norm_act_dropout",
    "batch_renorm",
    "bias_act_dropout",
    "celu",
    "celu_",
    "crelu",
    "drop_path",
    "dropout",
    "dropout1d",
    "dropout2d",
    "dropout3d",
    "dropout_add",
    "elu",
    "elu_",
    "feature_alpha_dropout",
    "filter_response_norm",
    "geglu",
    "gelu",
    "glu",
    "gumbel_softmax",
    "hardshrink",
    "hardsigmoid",
    "hardswish",
    "hardtanh",
    "hardtanh_",
    "leaky_relu",
    "leaky_relu_",
    "log_softmax",
    "logsigmoid",
    "masked_batch_norm",
    "maxout",
    "mish",
    "prelu",
    "relu",
    "relu6",
    "relu_",
    "relu_squared",
    "rrelu",
    "rrelu_",
    "selu",
    "selu_",
    "sigmoid",
    "silu",
    "snake",
    "softmax",
    "softmin",
    "softplus",
    "softshrink",
    "softsign",
    "sparsemax",
    "squareplus",
    "swiglu",
    "sync_batch_norm",
    "tanh",
    "tanhshrink",
    "threshold",
    "threshold_",
    "xielu",
]
