"""The rules there are: every file in `rules` holds one, and is found there."""

import difflib
import functools
import importlib
import inspect
import pkgutil
from collections.abc import Iterable

from wolfsbane.audit import rules
from wolfsbane.audit.rule import Rule
from wolfsbane.audit.source.reading.programs import PROBLEM_CODE
from wolfsbane.errors import ArgumentError, ArgumentTypeError


@functools.cache
def all_rules() -> tuple[type[Rule], ...]:
    """Return all rules, by code."""
    found = [
        _rule_in(f"{rules.__name__}.{file.name}") for file in pkgutil.iter_modules(rules.__path__)
    ]
    return tuple(sorted(found, key=lambda rule: rule.code))


def _rule_in(module: str) -> type[Rule]:
    members = vars(importlib.import_module(module)).values()
    own = [
        member
        for member in members
        if inspect.isclass(member) and issubclass(member, Rule) and member.__module__ == module
    ]
    assert len(own) == 1, f"{module} has to hold one rule, but holds {len(own)}"
    assert own[0].channels(), f"{module}: a rule needs a channel"
    return own[0]


def rule_of(name: str) -> type[Rule]:
    """Return the rule with this code or name, in any case.

    Raises:
        ArgumentError: there is none.
    """
    for rule in all_rules():
        if name.lower() in (rule.code.lower(), rule.name):
            return rule
    if name.upper() == PROBLEM_CODE:
        raise ArgumentError(
            f"{PROBLEM_CODE} is no rule: it tells of a file that is not Python, or cannot be read. "
            "Leave the file out: exclude in [tool.wolfsbane]"
        )
    known = [text for rule in all_rules() for text in (rule.code, rule.name)]
    near = difflib.get_close_matches(name, known, n=1)
    meant = f"; perhaps {near[0]} is meant" if near else ""
    raise ArgumentError(f"no rule is called {name!r}{meant}. All rules: wolfsbane explain --list")


Chosen = str | Iterable[type[Rule] | str] | None
"""Rules as a caller names them: classes, codes, names, beginnings of codes; None is the default."""


def chosen(rules: Chosen) -> tuple[type[Rule], ...]:
    """Return the rules that a caller means; without any named, all but opinions.

    Raises:
        ArgumentError: a code names no rule.
        ArgumentTypeError: something is neither a rule's class nor a code.

    Examples:
        >>> [rule.code for rule in chosen(["WB204", "dropout-discarded"])]
        ['WB104', 'WB204']
    """
    if rules is None:
        return select()
    given = [rules] if isinstance(rules, str) else rules
    if not isinstance(given, Iterable):
        raise ArgumentTypeError(_no_rule(given))
    found: dict[type[Rule], None] = {}
    for one in given:
        if isinstance(one, str):
            found.update(dict.fromkeys(select([one])))
        elif inspect.isclass(one) and issubclass(one, Rule):
            found[one] = None
        else:
            raise ArgumentTypeError(_no_rule(one))
    return tuple(sorted(found, key=lambda rule: rule.code))


def _no_rule(given: object) -> str:
    return f"rules are given as codes or classes, as in ['WB1', 'WB201'], but got {given!r}"


def select(selected: Iterable[str] = (), ignored: Iterable[str] = ()) -> tuple[type[Rule], ...]:
    """Return the rules that are on.

    Args:
        selected: codes, names, or beginnings of codes such as WB1; ALL is all of them. Without any,
            all rules but opinions.
        ignored: the same, taken away. The longer of two that disagree wins, as in ruff.

    Raises:
        ArgumentError: one names no rule.
    """
    wanted = [(_normal(text), True) for text in selected]
    refused = [(_normal(text), False) for text in ignored]

    def is_on(rule: type[Rule]) -> bool:
        fitting = [
            (len(text), on) for text, on in [*wanted, *refused] if rule.code.startswith(text)
        ]
        default = not wanted and not rule.is_opinion()
        # At equal length False, an ignored code, comes first in sorted order and so wins by min.
        longest = max((length for length, _ in fitting), default=0)
        return all(on for length, on in fitting if length == longest) if fitting else default

    return tuple(rule for rule in all_rules() if is_on(rule))


def _normal(text: str) -> str:
    """Return the beginning of a code that a user's word means."""
    upper = text.strip().upper()
    if upper == "ALL":
        return "WB"
    if upper and any(rule.code.startswith(upper) for rule in all_rules()):
        return upper
    return rule_of(text.strip()).code
