"""Which drop rate becomes what: one number, numbers by pattern, a rate that grows with depth."""

import fnmatch
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from torch.nn import Module

from wolfsbane.anatomy.places import members
from wolfsbane.anatomy.selection import matches
from wolfsbane.arguments import check_probability
from wolfsbane.errors import ArgumentError, ArgumentTypeError


@dataclass(frozen=True)
class Linear:
    """A rate that grows linearly with depth; see `linear`."""

    pattern: str
    start: float
    end: float

    def __repr__(self) -> str:
        return f"linear({self.pattern!r}, {self.start:g}, {self.end:g})"


DIGITS = 12
"""To which rates by depth are rounded, so that 0.3 / 3 is 0.1."""

Rates: TypeAlias = "float | Mapping[str, float] | Linear | Sequence[Rates]"
"""A number for all, a mapping from patterns to numbers, `linear(...)`, or a list of these."""


def linear(pattern: str, start: float, end: float) -> Linear:
    r"""Return a rule for `set_rates`: the rate grows linearly with a block's depth.

    $$p_i = start + (end - start) \, i / (N - 1), \\quad i = 0 .. N - 1$$

    The blocks are what the pattern's last `*` between dots matches, in the model's order; blocks
    without a rate count, and all rates inside one block are the same. Here each `*` stands for text
    without a dot: `blocks.*` are the blocks, `stages.*.blocks.*` the blocks of all stages in one
    row, `layer*` ResNet's four layers, `blocks.*.drop_path*` only the drop paths. A single block
    gets `start`.

    With `start=0` this is the rule of stochastic depth: what is learned early is needed by all
    later layers, and is dropped less.

    Args:
        pattern: a pattern of module paths with at least one `*`.
        start: the first block's drop probability, in [0, 1].
        end: the last block's, in [0, 1].

    Raises:
        ArgumentError, ArgumentTypeError: no `*`, or no probabilities.

    Examples:
        >>> linear("blocks.*", 0, 0.3)
        linear('blocks.*', 0, 0.3)

    References:
        Huang et al. 2016, arXiv:1603.09382, section 3.
    """
    if not isinstance(pattern, str) or "*" not in pattern:
        raise ArgumentError(
            f"linear needs a pattern with a *, such as 'blocks.*', but got {pattern!r}. For one "
            "rate use a mapping: {'head': 0.1}"
        )
    return Linear(pattern, check_probability(start), check_probability(end))


RateOf: TypeAlias = Callable[[Sequence[str]], float | None]


@dataclass(frozen=True)
class Rule:
    """A rate for what has one of several names.

    Args:
        pattern: the pattern it came from; None for all rates.
        rate_of: returns the rate for the names of one place, or None where the rule says nothing.
    """

    pattern: str | None
    rate_of: RateOf


def rules(model: Module, rates: Rates) -> list[Rule]:
    """Return what is asked for as rules, of which a later one wins.

    Raises:
        ArgumentError, ArgumentTypeError: it is none of what it may be, or holds no probabilities.
    """
    if isinstance(rates, Linear):
        return [Rule(rates.pattern, _by_depth(model, rates))]
    if isinstance(rates, Mapping):
        return [Rule(_checked(key), _constant(key, value)) for key, value in rates.items()]
    if isinstance(rates, (list, tuple)):
        return [rule for part in rates for rule in rules(model, part)]
    if isinstance(rates, str):
        raise ArgumentTypeError(
            "rates are a number, a mapping such as {'encoder.*': 0.1}, linear('blocks.*', 0, 0.3), "
            f"or a list of these, but got {rates!r}"
        )
    return [Rule(None, _constant("*", rates))]  # type: ignore[arg-type]  # the rest is a number


def names(paths: Iterable[str], attribute: str = "") -> tuple[str, ...]:
    """Return all that a pattern may match to mean a rate: modules above, the owner, the attribute.

    Examples:
        >>> names(["encoder.0"], "p")
        ('', 'encoder', 'encoder.0', 'encoder.0.p')
    """
    found: dict[str, None] = {"": None}
    for path in paths:
        full = ".".join(part for part in (path, attribute) if part)
        dots = [place for place, letter in enumerate(full) if letter == "."]
        found.update(dict.fromkeys([*(full[:dot] for dot in dots), full]))
    return tuple(found)


def _checked(pattern: object) -> str:
    if not isinstance(pattern, str):
        raise ArgumentTypeError(
            f"rates are named by patterns of paths, such as 'encoder.*', but got {pattern!r}"
        )
    return pattern


def _constant(pattern: str, value: float) -> RateOf:
    rate = check_probability(value)
    return lambda names: rate if matches(pattern, names) else None


def _by_depth(model: Module, rule: Linear) -> RateOf:
    """Return the rate by the block that one of the names lies in."""
    parts = rule.pattern.split(".")
    stars = [place for place, part in enumerate(parts) if part == "*"]
    size = stars[-1] + 1 if stars else len(parts)
    block = r"\.".join(map(_without_dots, parts[:size]))
    below = rf"\.{fnmatch.translate('.'.join(parts[size:]))}" if parts[size:] else ""
    inside = re.compile(rf"(?s:({block})){below}")
    paths = [path for member in members(model) for path in member.paths]
    blocks = list(dict.fromkeys(path for path in paths if re.fullmatch(block, path)))
    step = (rule.end - rule.start) / max(len(blocks) - 1, 1)

    def rate_of(names: Sequence[str]) -> float | None:
        for name in names:
            found = inside.fullmatch(name)
            if found and found[1] in blocks:
                return round(rule.start + blocks.index(found[1]) * step, DIGITS)
        return None

    return rate_of


def _without_dots(part: str) -> str:
    return "[^.]+" if part == "*" else "[^.]*".join(re.escape(text) for text in part.split("*"))
