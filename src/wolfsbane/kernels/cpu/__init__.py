"""The CPU executor: kernels that Numba compiles, one file per operation.

Here a tensor becomes addresses and sizes; `source` says what is done with them.
"""

from wolfsbane.kernels.cpu.batch_norm import backward as batch_norm_backward
from wolfsbane.kernels.cpu.batch_norm import forward as batch_norm_forward
from wolfsbane.kernels.cpu.bias_act_dropout import backward as bias_act_dropout_backward
from wolfsbane.kernels.cpu.bias_act_dropout import forward as bias_act_dropout_forward
from wolfsbane.kernels.cpu.dropout import dropout_add, masked_affine
from wolfsbane.kernels.cpu.gaussian import gaussian

__all__ = [
    "batch_norm_backward",
    "batch_norm_forward",
    "bias_act_dropout_backward",
    "bias_act_dropout_forward",
    "dropout_add",
    "gaussian",
    "masked_affine",
]
