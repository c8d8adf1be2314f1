"""Change a model that exists: plan, apply, undo.

Every verb returns a `Plan`. Making it reads the model and changes nothing; `print(plan)` shows what
would change and what would not and why; `undo = plan.apply()` does it, all or nothing; `undo()`
puts the very objects back. Aliases, tied weights, hooks, modes, dtypes, devices and the names in
the state_dict are kept, or the new names are reported.
"""

from wolfsbane.surgery.activation_swap import swap_activation
from wolfsbane.surgery.batchnorm_insertion import insert_batchnorm
from wolfsbane.surgery.conversion import convert
from wolfsbane.surgery.dropout_insertion import insert_dropout
from wolfsbane.surgery.dropout_removal import remove_dropout
from wolfsbane.surgery.folding import fold_batchnorm
from wolfsbane.surgery.fusion import fuse
from wolfsbane.surgery.planning.plan import Plan, Undo
from wolfsbane.surgery.rate_rules import linear
from wolfsbane.surgery.rate_scheduler import RateScheduler
from wolfsbane.surgery.rates import rates, set_rates
from wolfsbane.surgery.reversion import revert
from wolfsbane.surgery.schedules import constant, curriculum, early, late
from wolfsbane.surgery.synchronisation import convert_sync_batchnorm, revert_sync_batchnorm

__all__ = [
    "Plan",
    "RateScheduler",
    "Undo",
    "constant",
    "convert",
    "convert_sync_batchnorm",
    "curriculum",
    "early",
    "fold_batchnorm",
    "fuse",
    "insert_batchnorm",
    "insert_dropout",
    "late",
    "linear",
    "rates",
    "remove_dropout",
    "revert",
    "revert_sync_batchnorm",
    "set_rates",
    "swap_activation",
]
