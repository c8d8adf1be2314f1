"""Change a model that exists: plan, apply, undo.

Every verb returns a `Plan`. Making it reads the model and changes nothing; `print(plan)` shows what
would change and what would not and why; `undo = plan.apply()` does it, all or nothing; `undo()`
puts the very objects back. Aliases, tied weights, hooks, modes, dtypes, devices and the names in
the state_dict are kept, or the new names are reported.
"""

from wolfsbane.surgery.conversion import convert
from wolfsbane.surgery.plan import Plan, Undo
from wolfsbane.surgery.rate_rules import linear
from wolfsbane.surgery.rate_scheduler import RateScheduler
from wolfsbane.surgery.rates import rates, set_rates
from wolfsbane.surgery.schedules import constant, curriculum, early, late

__all__ = [
    "Plan",
    "RateScheduler",
    "Undo",
    "constant",
    "convert",
    "curriculum",
    "early",
    "late",
    "linear",
    "rates",
    "set_rates",
]
