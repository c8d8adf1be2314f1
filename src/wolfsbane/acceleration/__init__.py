"""Stock torch operations on a CPU, routed to wolfsbane's kernels.

Not named `accelerate`: a module of the same name as the function would take the function's place
in the package as soon as someone imported it.
"""

from wolfsbane.acceleration.switch import accelerate

__all__ = ["accelerate"]
