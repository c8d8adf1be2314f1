"""The GPU executor: kernels that Triton compiles, one file per operation.

They run on CUDA devices, and with TRITON_INTERPRET=1 on CPU tensors too, slowly. No grid, split or
block size depends on the device, and no sum on the order in which programs run: a result has the
same bits in every call.
"""

from wolfsbane.kernels.gpu.batch_norm import backward as batch_norm_backward
from wolfsbane.kernels.gpu.batch_norm import forward as batch_norm_forward
from wolfsbane.kernels.gpu.bias_act_dropout import backward as bias_act_dropout_backward
from wolfsbane.kernels.gpu.bias_act_dropout import forward as bias_act_dropout_forward
from wolfsbane.kernels.gpu.dropout import dropout_add, masked_affine

__all__ = [
    "batch_norm_backward",
    "batch_norm_forward",
    "bias_act_dropout_backward",
    "bias_act_dropout_forward",
    "dropout_add",
    "masked_affine",
]
