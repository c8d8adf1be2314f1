"""Change a model that exists: plan, apply, undo.

Every verb returns a `Plan`. Making it reads the model and changes nothing; `print(plan)` shows what
would change and what would not and why; `undo = plan.apply()` does it, all or nothing; `undo()`
puts the very objects back. Aliases, tied weights, hooks, modes, dtypes, devices and the names in
the state_dict are kept, or the new names are reported.
"""

from wolfsbane.surgery.conversion import convert
from wolfsbane.surgery.folding import fold_batchnorm
from wolfsbane.surgery.fusion import fuse
from wolfsbane.surgery.plan import Plan, Undo

__all__ = ["Plan", "Undo", "convert", "fold_batchnorm", "fuse"]
