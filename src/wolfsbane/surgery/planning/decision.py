"""How a verb that changes classes makes its plan: it decides about one module after another."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from torch.nn import Module
from torch.optim import Optimizer

from wolfsbane.anatomy.places import Member, members
from wolfsbane.surgery.planning.changes import Change, Replace
from wolfsbane.surgery.planning.optimizers import check_optimizers
from wolfsbane.surgery.planning.plan import Kept, Plan, unreached


@dataclass(frozen=True, eq=False)
class Decision:
    """What becomes of one module: changes, or why there are none, or neither: no concern."""

    changes: tuple[Change, ...] = ()
    why: str = ""
    notes: tuple[str, ...] = ()


NO_CONCERN = Decision()


def plan_by(
    decide: Callable[[Member], Decision],
    *,
    verb: str,
    model: Module,
    optimizers: Sequence[Optimizer],
    notes: Sequence[str] = (),
) -> Plan:
    """Return the plan of all decisions. What goes with a replaced module is not asked about."""
    changes: list[Change] = []
    kept: list[Kept] = []
    notes = list(notes)
    gone: set[int] = set()
    for member in members(model):
        if id(member.module) in gone:
            continue
        decision = decide(member)
        if decision.why:
            kept.append(Kept(member.path, type(member.module).__name__, decision.why))
        changes += decision.changes
        notes += decision.notes
        gone.update(id(part) for old in _replaced(decision.changes) for part in old.modules())
    return Plan(
        verb=verb,
        model=model,
        changes=tuple(changes),
        kept=(*kept, *unreached(model, _replaced(changes))),
        notes=tuple(notes),
        optimizers=check_optimizers(model, optimizers),
    )


def replacement(member: Member, new: Module, **details: object) -> Replace:
    """Return the change that puts a module in another's place wherever that hangs."""
    return Replace(
        path=member.path,
        before=full_name(type(member.module)),
        after=full_name(type(new)),
        slots=member.slots,
        old=member.module,
        new=new,
        paths=member.paths,
        **details,  # type: ignore[arg-type]
    )


def full_name(cls: type[Module]) -> str:
    """Return a class's name as it is imported: torch.nn.Dropout, wolfsbane.nn.Dropout."""
    for package in ("torch.nn", "wolfsbane.nn", "torch.ao.nn.intrinsic"):
        if cls.__module__.startswith(f"{package}."):
            return f"{package}.{cls.__name__}"
    return f"{cls.__module__}.{cls.__name__}"


def _replaced(changes: Sequence[Change]) -> list[Module]:
    return [change.old for change in changes if isinstance(change, Replace)]
