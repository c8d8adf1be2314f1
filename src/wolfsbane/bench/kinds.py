"""The common kinds of cases and goals, and the words and sizes that they share."""

from collections.abc import Callable
from functools import partial

from wolfsbane.bench.case import EAGER, Case, Goal, Measure, Measurement, Section, Settings
from wolfsbane.bench.measure import measure_reused, measure_subject
from wolfsbane.bench.subject import Subject

M = 1 << 20

PICTURES = (32, 64, 56, 56)
"""A batch in the first stage of a ResNet."""

FORWARD, FORWARD_BACKWARD = "forward", "forward + backward"

# Least memory traffic in copies of the input (a copy moves 2s bytes an element, s of the dtype):
# dropout moves 2s each way; batch norm and its block 3s forward, 5s backward; bias, activation and
# dropout 2s and 3s; dropout and addition 3s and 2s.
ONE_WAY, BOTH_WAYS, NORM, BIAS, ADD = 1.0, 2.0, 4.0, 2.5, 2.5


def timed(
    name: str,
    make: Callable[[], Subject],
    *goals: Goal,
    copies: float | None,
    way: str = FORWARD_BACKWARD,
    section: Section = Section.TARGETS,
    is_quick: bool = False,
) -> Case:
    """Return a case that times a subject, each call with an output of its own."""

    def measure(settings: Settings) -> Measurement:
        against = [goal.against for goal in goals]
        return measure_subject(settings, make, against, way == FORWARD_BACKWARD, copies)

    return Case(name, section, goals, measure, output="fresh", is_quick=is_quick)


def reused(name: str, size: int, goal: Goal, section: Section, is_quick: bool = False) -> Case:
    """Return a case that times the dropout kernel, each call writing over one output."""
    measure = partial(measure_reused, size=size, p=0.5)
    return Case(name, section, (goal,), measure, output="reused", is_quick=is_quick)


def faster(target: float | None = None, than: str = EAGER) -> Goal:
    """Ask how many times as fast ours is."""
    return Goal(than, Measure.SPEEDUP, target)


def at_most(target: float | None, of: str = EAGER) -> Goal:
    """Ask how many times as much ours takes."""
    return Goal(of, Measure.SHARE, target)
