"""Drop rates shown, and set: by one number, by pattern, by depth."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import overload

from torch.nn import Identity, Module
from torch.optim import Optimizer

from wolfsbane.anatomy.places import Member, members, path_of
from wolfsbane.anatomy.rates import DropRate, drop_rates
from wolfsbane.anatomy.selection import nearest
from wolfsbane.arguments import explain_unknown_arguments
from wolfsbane.errors import ArgumentError, ModelError
from wolfsbane.surgery.planning.changes import SetAttribute
from wolfsbane.surgery.planning.optimizers import check_optimizers
from wolfsbane.surgery.planning.plan import Kept, Plan
from wolfsbane.surgery.rate_rules import Rates, Rule, names, rules

ONE_LAYER = "it has one layer, and drops only between layers"
IDENTITY = "nn.Identity: built without a layer; insert_dropout adds one"


@dataclass(frozen=True)
class RateRow:
    """One drop rate, as it was when asked.

    Args:
        path: its owner, as in `model.named_modules()`.
        kind: what uses it, such as "Dropout2d" or "F.dropout".
        attribute: where the owner holds it; empty for a number in the source.
        rate: the drop probability.
        note: why it cannot be set, has no effect, or matters in another place too; or empty.
    """

    path: str
    kind: str
    attribute: str
    rate: float
    note: str


class RateTable(Sequence[RateRow]):
    """The drop rates of a model: a sequence of rows, and a table when printed."""

    def __init__(self, rows: Iterable[RateRow]) -> None:
        self._rows = tuple(rows)

    def __len__(self) -> int:
        return len(self._rows)

    @overload
    def __getitem__(self, index: int) -> RateRow: ...
    @overload
    def __getitem__(self, index: slice) -> "RateTable": ...
    def __getitem__(self, index: int | slice) -> "RateRow | RateTable":
        if isinstance(index, slice):
            return RateTable(self._rows[index])
        return self._rows[index]

    def __str__(self) -> str:
        if not self._rows:
            return "no drop rates"
        head = ("path", "kind", "attribute", "rate", "note")
        rows = [
            (path_of(row.path), row.kind, row.attribute, f"{row.rate:.4g}", row.note)
            for row in self._rows
        ]
        widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]
        return "\n".join(
            "  ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)).rstrip()
            for cells in (head, *rows)
        )

    __repr__ = __str__


def rates(model: Module) -> RateTable:
    """Return every drop rate of a model, wherever it lives, as a table to print.

    Found are the rates of dropout layers (torch's, ours, and by their names timm's, torchvision's
    and transformers'), of `nn.MultiheadAttention` and recurrent nets, and those that a module's
    source hands to `F.dropout`, `scaled_dot_product_attention` and their like. The source is read
    and not run: a rate that comes from elsewhere than an attribute is not seen, and a class without
    source (typed into an interpreter) is passed over.

    Examples:
        >>> import torch
        >>> model = torch.nn.Sequential(torch.nn.GRU(4, 4), torch.nn.Dropout(0.1))
        >>> print(rates(model))
        path  kind                 attribute  rate  note
        0     GRU, between layers  dropout    0     it has one layer, and drops only between layers
        1     Dropout              p          0.1
    """
    return RateTable(
        RateRow(rate.path, rate.kind, rate.name, rate.value, _note(rate))
        for rate in drop_rates(model)
    )


@explain_unknown_arguments
def set_rates(model: Module, rates: Rates, *, optimizers: Sequence[Optimizer] = ()) -> Plan:
    """Plan drop rates to become others.

    A pattern means every rate in the modules whose path it matches, and in all below them; `*`
    stands for any text, dots too. It may also end in the attribute's name, as
    `"*.activation_dropout"`. Where several patterns match a rate, the last one given wins. Undoing
    puts back what was there, None too.

    Args:
        model: any model. `surgery.rates(model)` shows what there is to set.
        rates: drop probabilities in [0, 1]: one number for all rates; a mapping such as
            `{"encoder.*": 0.1, "head": 0.5}`; `linear("blocks.*", 0, 0.3)`; or a list of these, as
            `[0.2, {"head": 0.5}]`.
        optimizers: those that train the model. They go on as they are.

    Returns:
        A plan; `plan.apply()` sets the rates.

    Raises:
        ArgumentError: not a probability, or a pattern that matches no rate.
        ArgumentTypeError: not numbers, or not patterns.

    Examples:
        >>> import torch
        >>> model = torch.nn.Sequential(torch.nn.Dropout(0.1), torch.nn.Dropout2d(0.1))
        >>> print(set_rates(model, [0.2, {"1": 0.3}]))
        set_rates (Sequential): 2 changes
          0  Dropout, p=0.1    ->  p=0.2
          1  Dropout2d, p=0.1  ->  p=0.3
    """
    given = rules(model, rates)
    found = drop_rates(model)
    empty = list(_identities(model))
    _check_matches(given, [*map(_names, found), *(names(member.paths) for member in empty)])
    changes: list[SetRate] = []
    kept: list[Kept] = []
    notes: list[str] = []
    for rate in found:
        wanted = _wanted(given, _names(rate))
        if wanted is None or rate.rounded(wanted) == rate.value:
            continue
        why = rate.obstacle or (None if rate.is_effective else ONE_LAYER)
        if why is not None:
            kept.append(Kept(rate.path, rate.kind, why))
            continue
        changes.append(set_rate(model, rate, wanted))
        notes += _shared(given, rate)
    kept += [
        Kept(member.path, "Identity", IDENTITY)
        for member in empty
        if _wanted(given, names(member.paths))
    ]
    return Plan(
        verb="set_rates",
        model=model,
        changes=tuple(changes),
        kept=tuple(kept),
        notes=tuple(notes),
        optimizers=check_optimizers(model, optimizers),
    )


@dataclass(frozen=True, eq=False, kw_only=True)
class SetRate(SetAttribute):
    """A rate that takes another value, in a module that still hangs where it was.

    Args:
        model: the model.
    """

    model: Module

    def check(self) -> None:
        self._expect_owner("the model has changed since the plan was made: make a new plan")
        super().check()

    def check_undo(self) -> None:
        self._expect_owner("the model was changed after this plan: undo the later change first")
        super().check_undo()

    def _expect_owner(self, otherwise: str) -> None:
        if not hangs_at(self.model, self.path, self.owner):
            raise ModelError(
                f"{path_of(self.path)} was to hold {type(self.owner).__name__} with a rate, but "
                f"holds another module; {otherwise}"
            )


def hangs_at(model: Module, path: str, module: Module) -> bool:
    """Whether a path of a model leads to a module."""
    found: Module | None = model
    for name in path.split(".") if path else ():
        found = None if found is None else found._modules.get(name)  # noqa: SLF001
    return found is module


def set_rate(model: Module, rate: DropRate, wanted: float, why: str = "") -> SetRate:
    """Return the change of one rate; `why` is shown behind it."""
    return SetRate(
        path=rate.path,
        paths=rate.paths,
        before=f"{rate.kind}, {rate.name}={_short(rate.held)}",
        after=f"{rate.name}={_short(wanted)}{why}",
        owner=rate.owner,
        name=rate.name,
        old=rate.held,
        new=rate.rounded(wanted),
        get=lambda _owner, _name: rate.held,
        set=lambda _owner, _name, value: rate.hold(value),
        model=model,
    )


def _short(value: float | None) -> str:
    return "None" if value is None else f"{value:.4g}"


def _names(rate: DropRate) -> tuple[str, ...]:
    return names(rate.paths, rate.name)


def _wanted(given: Iterable[Rule], place: Sequence[str]) -> float | None:
    """Return what the last rule says of a place."""
    said = [rule.rate_of(place) for rule in given]
    return next((rate for rate in reversed(said) if rate is not None), None)


def _check_matches(given: Iterable[Rule], places: Sequence[Sequence[str]]) -> None:
    for rule in given:
        if rule.pattern is None or any(rule.rate_of(place) is not None for place in places):
            continue
        raise no_rate(rule.pattern, places)


def no_rate(pattern: str, places: Sequence[Sequence[str]]) -> ArgumentError:
    """Return the error for a pattern that means no rate."""
    paths = list(dict.fromkeys(name for place in places for name in place if name))
    advice = nearest(pattern, paths) if paths else "The model has no drop rates"
    return ArgumentError(
        f"no drop rate is in what {pattern!r} matches; surgery.rates(model) lists them. {advice}"
    )


def _shared(given: Sequence[Rule], rate: DropRate) -> Iterator[str]:
    """Yield a note where a rule means one path of a rate, and the rate has others."""
    meant = [path for path in rate.paths if _wanted(given, names([path], rate.name)) is not None]
    others = [path for path in rate.paths if path not in meant]
    if meant and others:
        yield f"{path_of(meant[0])} shares its rate with {', '.join(map(path_of, others))}"


def _identities(model: Module) -> Iterator[Member]:
    """Yield where timm and others put nn.Identity for a rate of 0."""
    for member in members(model):
        if type(member.module) is Identity and any("drop" in slot.name for slot in member.slots):
            yield member


def _note(rate: DropRate) -> str:
    notes = [rate.obstacle] if rate.obstacle else []
    if not rate.is_effective:
        notes.append(ONE_LAYER)
    if rate.readers:
        notes.append(f"also read by {', '.join(map(path_of, rate.readers))}")
    if len(rate.paths) > 1:
        notes.append(f"shared with {', '.join(rate.paths[1:])}")
    return "; ".join(notes)
