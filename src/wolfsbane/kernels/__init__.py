"""How an operation runs: arguments are checked above, here they are computed.

`reference` states each operation in plain torch, for every device; `cpu` and `gpu` compile kernels
for them, and `select` says which of them runs. `dropout`, `batch_norm` and `fused` are the
operations as autograd sees them, `library` as compilers do. `keys` draws a mask's key for either.
"""

from wolfsbane.kernels import library as library  # registers torch.ops.wolfsbane
