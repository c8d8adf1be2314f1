"""Measure cases one after the other; what is finished survives Ctrl-C."""

import dataclasses
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import torch

from wolfsbane.bench.case import (
    COMPILED,
    Case,
    Place,
    RedCheckError,
    Row,
    Settings,
    Status,
    failed_rows,
    rows_of,
)
from wolfsbane.bench.cases import all_cases
from wolfsbane.bench.machine import Machine, Preemptions, this_machine
from wolfsbane.bench.timing import Clock
from wolfsbane.errors import ArgumentError, UnsupportedError
from wolfsbane.kernels.conditions import is_interpreted

ROUNDS, QUICK_ROUNDS = 30, 7
"""Quartiles of 30 rounds are as steady as their medians; 7 show the order of magnitude."""

LEAST_ROUNDS = 3

NUM_PROCESSES = 3

OnCase = Callable[[Case, int, int], None]
"""Called before a case with its number, from 0, and the number of cases."""


@dataclass(frozen=True)
class Result:
    """Rows of the cases that were finished, and what they were measured on."""

    machine: Machine
    settings: Settings
    rows: tuple[Row, ...]
    num_finished: int
    num_cases: int

    @property
    def interrupted(self) -> bool:
        """Tell whether Ctrl-C came before the end."""
        return self.num_finished < self.num_cases

    @property
    def is_red(self) -> bool:
        """Tell whether a check was red."""
        return any(row.status is Status.RED for row in self.rows)


def settings_for(
    quick: bool, rounds: int | None, place: Place = Place.CPU, clock: Clock = time.perf_counter
) -> Settings:
    """Return how cases are measured.

    Raises:
        ArgumentError: too few rounds for quartiles.
    """
    number = (QUICK_ROUNDS if quick else ROUNDS) if rounds is None else rounds
    if number < LEAST_ROUNDS:
        raise ArgumentError(
            f"rounds has to be {LEAST_ROUNDS} or more, for a median with quartiles, but got "
            f"{number}"
        )
    return Settings(
        number,
        compiles=not quick and place is not Place.INTERPRETER,
        num_processes=NUM_PROCESSES,
        clock=clock,
        place=place,
    )


def gpu_place() -> Place:
    """Return where the GPU's kernels run on this machine.

    Raises:
        UnsupportedError: nowhere.
    """
    if is_interpreted():
        return Place.INTERPRETER
    if torch.cuda.is_available():
        return Place.GPU
    raise UnsupportedError(
        "there is no GPU here that torch can use (torch.cuda.is_available() is False). With "
        "TRITON_INTERPRET=1 in the environment the kernels are checked on the CPU, without figures"
    )


def select(
    only: Sequence[str], quick: bool, cases: Sequence[Case] | None = None
) -> tuple[Case, ...]:
    """Return the cases to measure, in the order of the table.

    Args:
        only: parts of names, of which a case has to have one, in any case; all cases where empty.
        quick: leave out torch.compile, and, where `only` is empty, what takes long.
        cases: what to choose from. Default: all.

    Raises:
        ArgumentError: a part is in no name.
    """
    chosen = all_cases() if cases is None else tuple(cases)
    for part in only:
        if not any(part.lower() in case.name.lower() for case in chosen):
            raise ArgumentError(
                f"no case has {part!r} in its name. `wolfsbane bench --list` shows their names"
            )
    if only:
        chosen = tuple(
            case for case in chosen if any(part.lower() in case.name.lower() for part in only)
        )
    elif quick:
        chosen = tuple(case for case in chosen if case.is_quick)
    return tuple(map(_without_compile, chosen)) if quick else chosen


def _without_compile(case: Case) -> Case:
    goals = tuple(goal for goal in case.goals if goal.against != COMPILED)
    return dataclasses.replace(case, goals=goals)


def run(cases: Iterable[Case], settings: Settings, on_case: OnCase) -> Result:
    """Measure the cases; Ctrl-C ends with those that are finished.

    Raises:
        KeyboardInterrupt: Ctrl-C before any is finished.
    """
    machine, listed = this_machine(settings.place.device), tuple(cases)
    preemptions = Preemptions()
    rows: list[Row] = []
    num_finished = 0
    try:
        for number, case in enumerate(listed):
            on_case(case, number, len(listed))
            rows += _measured(case, settings)
            num_finished = number + 1
    except KeyboardInterrupt:
        if not num_finished:
            raise
    machine = dataclasses.replace(machine, preemptions_per_second=preemptions.per_second())
    return Result(machine, settings, tuple(rows), num_finished, len(listed))


def _measured(case: Case, settings: Settings) -> list[Row]:
    try:
        return rows_of(case, case.measure(settings))
    except RedCheckError as red:
        return failed_rows(case, str(red))
    except Exception as error:  # noqa: BLE001  # a layer that raises is red, and the rest goes on
        return failed_rows(case, f"{type(error).__name__}: {' '.join(str(error).split())}")
