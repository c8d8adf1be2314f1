"""How an operation runs: arguments are checked above, here they are computed.

`reference` states each operation in plain torch, for every device. `dropout` and `batch_norm` are
the operations as autograd sees them.
"""
