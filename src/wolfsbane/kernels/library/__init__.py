"""Operators that torch.compile, torch.export and dispatch modes record: `torch.ops.wolfsbane`.

Each is an operation of `dropout` or `fused` with a schema, a rule for shapes, one for autograd and
one for vmap. Eager code does not call them: through an operator, autograd takes twice the time of a
plain function. When a recorded operator runs, it does what eager code does.

A key is an int64 tensor here, so that each run of a graph can draw its own.
"""

from wolfsbane.kernels.library import operators as operators
from wolfsbane.kernels.library import rules as rules
