"""How an operation runs: arguments are checked above, here they are computed.

`reference` states each operation in plain torch, for every device; `cpu` compiles kernels for them.
`select` says which of the two runs. `dropout`, `batch_norm` and `fused` are the operations as
autograd sees them.
"""
