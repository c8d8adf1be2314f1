"""Every drop rate of a model, wherever it lives: in a layer, an attribute, or the source."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor
from torch.nn import Module
from torch.nn.modules.dropout import _DropoutNd

from wolfsbane.anatomy.places import Member, members, path_of
from wolfsbane.anatomy.rate_sources import Reading, readings
from wolfsbane.arguments import check_probability
from wolfsbane.errors import UnsupportedError
from wolfsbane.nn.layer import Layer

OTHER_LAYERS = re.compile(
    r"((Dropout|DropPath|StochasticDepth|DropBlock)(\d[dD])?|PatchDropoutWithIndices)$"
)
"""Names of other libraries' dropout layers: timm's, torchvision's, transformers', MONAI's."""

OTHER_ATTRIBUTES = ("p", "drop_prob", "prob", "drop_rate", "rate")
"""Where those layers keep their rate."""


@dataclass(frozen=True, eq=False)
class DropRate:
    """One drop rate of a model.

    Args:
        owner: the module that holds it.
        name: the attribute of the owner, such as "p" or "config.attention_dropout"; empty for a
            number that is written in the source.
        paths: all paths of the owner; of all owners, where several share a configuration.
        kind: what uses it, such as "Dropout2d", "LSTM, between layers" or "F.dropout".
        is_module: whether the owner is a dropout layer, whose whole forward is the dropping.
        readers: paths of other modules whose source reads it, as in `self.attn_drop.p`; without the
            owner's forward they drop all the same.
        constant: the number in the source, where it is one.
        line: where the source reads it, as "line 12 of model.py"; empty for a layer's own rate.
    """

    owner: Module
    name: str
    paths: tuple[str, ...]
    kind: str
    is_module: bool = False
    readers: tuple[str, ...] = ()
    constant: float | None = None
    line: str = ""

    @property
    def path(self) -> str:
        """The owner's first path; empty for the root."""
        return self.paths[0]

    @property
    def held(self) -> Any:
        """What the attribute holds: a number or None. A tensor gives its number."""
        if self.constant is not None:
            return self.constant
        value = _attribute(self.owner, self.name)
        return value.item() if isinstance(value, Tensor) else value

    @property
    def value(self) -> float:
        """The rate as it is now. None, as timm has it, is 0."""
        return float(self.held or 0.0)

    @property
    def obstacle(self) -> str | None:
        """Why it cannot be set, or None where it can."""
        if self.constant is not None:
            return f"written in the source, {self.line}"
        holder, last = _holder(self.owner, self.name)
        if isinstance(getattr(type(holder), last, None), property):
            is_fixed = getattr(type(holder), last).fset is None
            return "computed by its owner" if is_fixed else None
        if isinstance(getattr(holder, last, None), torch.nn.Parameter):
            return "a parameter: it is learned"
        return None

    @property
    def is_settable(self) -> bool:
        """Whether `set` works: not for a number in the source, or one that is computed."""
        return self.obstacle is None

    @property
    def is_effective(self) -> bool:
        """Whether it drops anything in training: a recurrent net of one layer has no between."""
        owner = self.owner
        return not (isinstance(owner, torch.nn.RNNBase) and owner.num_layers == 1)

    def set(self, value: float) -> None:
        """Set the rate. A tensor stays the same tensor.

        Raises:
            ArgumentError, ArgumentTypeError: not a probability.
            UnsupportedError: it cannot be set; see `obstacle`.
        """
        checked = check_probability(value)
        if self.obstacle is not None:
            raise UnsupportedError(
                f"the rate of {self.kind} in {path_of(self.path)} cannot be set: {self.obstacle}. "
                "Change the source there, or read the rate from an attribute of the module"
            )
        self.hold(checked)

    def hold(self, value: Any) -> None:
        """Put back what `held` gave: as `set`, and also None."""
        holder, last = _holder(self.owner, self.name)
        current = getattr(holder, last)
        if isinstance(current, Tensor):
            with torch.no_grad():
                current.fill_(value)
        else:
            setattr(holder, last, value)


def drop_rates(model: Module) -> list[DropRate]:
    """Return every drop rate of a model, in the order of its modules.

    Found are the rates of dropout layers (torch's, ours, timm's, torchvision's, transformers'), of
    `torch.nn.MultiheadAttention` and of recurrent nets, and those that a module's source hands to
    `F.dropout`, `scaled_dot_product_attention` and their like from an attribute of the module. A
    rate that several modules share, as through a configuration, is one rate. A number in the source
    is listed too, and cannot be set. Source that cannot be had is passed over.

    Examples:
        >>> model = torch.nn.Sequential(torch.nn.Linear(4, 4), torch.nn.Dropout(0.1))
        >>> [(rate.path, rate.kind, rate.value) for rate in drop_rates(model)]
        [('1', 'Dropout', 0.1)]
    """
    everyone = members(model)
    found: dict[tuple[int, str], DropRate] = {}
    for member in everyone:
        own = _own_rate(member)
        if own is not None:
            found[id(own.owner), own.name] = own
    by_module = {id(member.module): member for member in everyone}
    for member in everyone:
        for reading in readings(type(member.module)):
            _add(found, by_module, member, reading)
    order = {id(member.module): place for place, member in enumerate(everyone)}
    return sorted(found.values(), key=lambda rate: order[id(rate.owner)])


def _own_rate(member: Member) -> DropRate | None:
    """Return the rate that a module is known to hold by its class."""
    module, kind = member.module, type(member.module).__name__
    attribute: str | None = "p"
    is_module = False
    if isinstance(module, torch.nn.MultiheadAttention):
        attribute = "dropout"
    elif isinstance(module, torch.nn.RNNBase):
        attribute, kind = "dropout", f"{kind}, between layers"
    elif isinstance(module, _DropoutNd):
        is_module = True
    elif not isinstance(module, Layer):
        attribute = _attribute_of_other_layer(module)
        is_module = not kind.startswith("PatchDropoutWith")  # it returns indices beside its input
    if attribute is None or not _is_rate(module, attribute):
        return None
    return DropRate(module, attribute, member.paths, kind, is_module)


def _attribute_of_other_layer(module: Module) -> str | None:
    """Return where another library's dropout layer keeps its rate; None for any other module."""
    if next(module.children(), None) is not None or next(module.parameters(), None) is not None:
        return None
    if not any(OTHER_LAYERS.search(cls.__name__) for cls in type(module).__mro__):
        return None
    return next((name for name in OTHER_ATTRIBUTES if _is_rate(module, name)), None)


def _add(
    found: dict[tuple[int, str], DropRate],
    by_module: dict[int, Member],
    reader: Member,
    reading: Reading,
) -> None:
    """Add what the source of `reader` reads, or note that it reads a rate found before."""
    owner, kind, line = reader, reading.kind, reading.line
    if reading.constant is not None:
        constant = DropRate(
            owner.module, "", owner.paths, kind, constant=reading.constant, line=line
        )
        found[id(owner.module), f"{line}, {kind}"] = constant
        return
    name = ".".join(reading.attribute)
    if not _is_rate(owner.module, name):
        return
    holder, last = _holder(owner.module, name)
    if id(holder) in by_module:
        owner, name = by_module[id(holder)], last
    known = found.get((id(holder), last))
    if known is None:
        readers = () if owner is reader else reader.paths
        new = DropRate(owner.module, name, owner.paths, kind, readers=readers, line=line)
        found[id(holder), last] = new
        return
    changes: dict[str, Any] = {}
    if owner is not reader:
        changes["readers"] = _once([*known.readers, *reader.paths])
    elif owner.module is not known.owner:
        changes["paths"] = _once([*known.paths, *owner.paths])
    if known.line and kind not in known.kind.split(", "):
        changes["kind"] = f"{known.kind}, {kind}"
    found[id(holder), last] = replace(known, **changes)


def _is_rate(owner: Module, name: str) -> bool:
    """Whether an attribute is there and holds what can be a rate."""
    holder, last = _holder(owner, name)
    value: Any = getattr(holder, last, "")
    if isinstance(value, Tensor):
        return value.dim() == 0 and value.is_floating_point()
    if value is None:
        return "drop" in last
    return type(value) in (int, float) and bool(0 <= value <= 1)


def _holder(owner: Module, name: str) -> tuple[Any, str]:
    """Return the object that has the last part of a dotted attribute, and that part."""
    *above, last = name.split(".")
    holder: Any = owner
    for part in above:
        holder = getattr(holder, part, None)
    return holder, last


def _attribute(owner: Module, name: str) -> Any:
    holder, last = _holder(owner, name)
    return getattr(holder, last)


def _once(paths: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(paths))
