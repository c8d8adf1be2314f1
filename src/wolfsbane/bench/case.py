"""A case of the benchmark, what is asked of it, and the rows that its samples become."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from wolfsbane.bench.gpu_timing import interleave_on_gpu
from wolfsbane.bench.ratio import Ratio, median_and_quartiles, ratio_of
from wolfsbane.bench.timing import Clock, Contender, interleave

OURS, EAGER, COMPILED, COPY = "ours", "eager", "torch.compile", "copy"
ONE_INPUT, OURS_COMPILED = "one input", "ours in torch.compile"
"""Names of contenders. `copy` is torch.mul(x, 2, out=y): reads and writes every element once."""


class Section(StrEnum):
    """Part of the table."""

    TARGETS = "figures to reach"
    GENERAL = "where it pays"
    START = "start"
    MEMORY = "memory"
    ACCURACY = "accuracy"


class Unit(StrEnum):
    """What samples are counted in."""

    SECONDS = "s"
    BYTES = "bytes"
    MEBIBYTES = "MiB"
    RELATIVE_ERROR = "relative error"


class Measure(StrEnum):
    """What of two sides is compared with the target."""

    SPEEDUP = "baseline / ours"
    """At least the target."""
    SHARE = "ours / baseline"
    """At most the target."""
    ALONE = "ours"
    """At most the target; there is no baseline."""


@dataclass(frozen=True)
class Goal:
    """What is compared with what, and what it has to reach."""

    against: str | None
    """The baseline's name; None for a figure that stands alone."""
    measure: Measure = Measure.SPEEDUP
    target: float | None = None
    """None where the figure is only told."""
    side: str = OURS
    """Whose figure it is."""


class Place(StrEnum):
    """Where tensors lie and kernels run."""

    CPU = "cpu"
    GPU = "cuda"
    INTERPRETER = "interpreter"
    """Triton's, on a CPU: shows that the GPU's kernels are right, and nothing of their speed."""

    @property
    def device(self) -> str:
        """Return torch's name of the device."""
        return "cuda" if self is Place.GPU else "cpu"


@dataclass(frozen=True)
class Settings:
    """How cases are measured."""

    rounds: int
    compiles: bool
    """Whether torch.compile takes part."""
    num_processes: int
    """How often what needs a fresh process is measured."""
    clock: Clock
    place: Place = Place.CPU

    def interleave(self, contenders: Mapping[str, Contender]) -> dict[str, list[float]]:
        """Return the seconds that a call of each contender took, round by round."""
        if self.place is Place.GPU:
            return interleave_on_gpu(contenders, self.rounds)
        return interleave(contenders, self.rounds, self.clock)


@dataclass(frozen=True)
class Measurement:
    """What was found: samples of each contender, of the same rounds."""

    samples: Mapping[str, Sequence[float]]
    absent: Mapping[str, str] = field(default_factory=dict)
    """Contenders that could not run here, and why."""
    executor: str | None = None
    copies: float | None = None
    """The least memory traffic of ours, as a multiple of a copy's."""
    saved_bytes: Mapping[str, int] = field(default_factory=dict)
    """What contenders keep for backward."""


class RedCheckError(Exception):
    """Our result is not what the formula gives in float64, so no figure is given."""


@dataclass(frozen=True)
class Case:
    """Something that is measured; nothing is allocated before `measure` is called."""

    name: str
    section: Section
    goals: tuple[Goal, ...]
    measure: Callable[[Settings], Measurement]
    unit: Unit = Unit.SECONDS
    output: str | None = None
    """"fresh" where each call allocates its result, "reused" where it is written over another."""
    is_quick: bool = False


class Status(StrEnum):
    """What became of a row."""

    MEASURED = "measured"
    RED = "red check"
    ABSENT = "not available"


@dataclass(frozen=True)
class Row:
    """A figure with what it is compared with; without one where `status` is not MEASURED."""

    case: Case
    goal: Goal
    status: Status = Status.MEASURED
    problem: str | None = None
    ours: float | None = None
    baseline: float | None = None
    ratio: Ratio | None = None
    copy_fraction: float | None = None
    measurement: Measurement | None = None

    @property
    def reached(self) -> bool | None:
        """Tell whether the target is reached; None without a target or a figure."""
        value = self.ours if self.goal.measure is Measure.ALONE else self.ratio
        if self.goal.target is None or value is None:
            return None
        number = value.median if isinstance(value, Ratio) else value
        if self.goal.measure is Measure.SPEEDUP:
            return number >= self.goal.target
        return number <= self.goal.target


def rows_of(case: Case, found: Measurement) -> list[Row]:
    """Return a row for each goal of a case."""
    return [_row(case, goal, found) for goal in case.goals]


def failed_rows(case: Case, problem: str) -> list[Row]:
    """Return rows without figures for a case whose check is red."""
    return [Row(case, goal, Status.RED, problem) for goal in case.goals]


def _row(case: Case, goal: Goal, found: Measurement) -> Row:
    for name in (goal.side, goal.against):
        if name is not None and name in found.absent:
            return Row(case, goal, Status.ABSENT, found.absent[name], measurement=found)
    own = found.samples[goal.side]
    ours = median_and_quartiles(own).median
    copies = _copy_fraction(found, own)
    if goal.against is None:
        return Row(case, goal, ours=ours, copy_fraction=copies, measurement=found)
    theirs = found.samples[goal.against]
    pair = (theirs, own) if goal.measure is Measure.SPEEDUP else (own, theirs)
    return Row(
        case,
        goal,
        ours=ours,
        baseline=median_and_quartiles(theirs).median,
        ratio=ratio_of(*pair),
        copy_fraction=copies,
        measurement=found,
    )


def _copy_fraction(found: Measurement, own: Sequence[float]) -> float | None:
    """Return the share of a copy's memory speed at which ours moves the least it has to."""
    if found.copies is None or COPY not in found.samples:
        return None
    return found.copies * ratio_of(found.samples[COPY], own).median
