"""What a student sets before a run, and how what comes from a page is checked."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from wolfsbane.errors import ArgumentError

Value = float | int | str | bool


@dataclass(frozen=True)
class Number:
    """A number within bounds: a native slider or number field.

    Attributes:
        name: of the argument it becomes.
        label: what it is, with its unit.
        low, high, step: bounds; with a whole step the value is an int.
        default: at first.
        help: a line below it.
    """

    name: str
    label: str
    low: float
    high: float
    step: float
    default: float
    help: str = ""

    def read(self, given: object) -> Value:
        """Return what was given, checked."""
        if isinstance(given, bool) or not isinstance(given, int | float):
            raise ArgumentError(f"{self.label} has to be a number, but got {given!r}")
        if not self.low <= given <= self.high:
            raise ArgumentError(
                f"{self.label} has to be between {self.low:g} and {self.high:g}, but got {given!r}"
            )
        is_whole = float(self.step).is_integer() and float(self.low).is_integer()
        if is_whole and not float(given).is_integer():
            raise ArgumentError(f"{self.label} has to be a whole number, but got {given!r}")
        return int(given) if is_whole else float(given)


@dataclass(frozen=True)
class Options:
    """One of several: a native select, or radio buttons where there are few.

    Attributes:
        options: value and label of each.
    """

    name: str
    label: str
    options: tuple[tuple[str, str], ...]
    default: str
    help: str = ""

    def read(self, given: object) -> Value:
        """Return what was given, checked."""
        known = [value for value, _ in self.options]
        if not isinstance(given, str) or given not in known:
            raise ArgumentError(f"{self.label} has to be one of {', '.join(known)}, not {given!r}")
        return given


@dataclass(frozen=True)
class Switch:
    """On or off: a native checkbox."""

    name: str
    label: str
    default: bool = False
    help: str = ""

    def read(self, given: object) -> Value:
        """Return what was given, checked."""
        if not isinstance(given, bool):
            raise ArgumentError(f"{self.label} has to be true or false, but got {given!r}")
        return given


@dataclass(frozen=True)
class Line:
    """A line of text, such as a folder's path."""

    name: str
    label: str
    default: str = ""
    longest: int = 1000
    help: str = ""

    def read(self, given: object) -> Value:
        """Return what was given, checked."""
        if not isinstance(given, str) or len(given) > self.longest or "\0" in given:
            raise ArgumentError(f"{self.label} has to be text of at most {self.longest} characters")
        return given.strip()


Control = Number | Options | Switch | Line


def read(controls: Sequence[Control], given: Mapping[str, object]) -> dict[str, Value]:
    """Return a value for each control: what was given, else its default.

    Raises:
        ArgumentError: a value that a control cannot have, or a name that none has.
    """
    names = [control.name for control in controls]
    unknown = sorted(set(given) - set(names))
    if unknown:
        raise ArgumentError(
            f"unknown setting {unknown[0]!r}. There are: {', '.join(names) or 'none'}"
        )
    return {
        control.name: control.read(given.get(control.name, control.default)) for control in controls
    }
