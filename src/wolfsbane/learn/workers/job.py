"""What is asked of a worker, and what it may spend on it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Limits:
    """What a run may spend before it is ended.

    Attributes:
        seconds: by the clock.
        memory: bytes beyond what Python and torch take; for a student's program alone.
        output: characters printed; for a student's program, a hundredth of those of all its blocks.
    """

    seconds: float = 600.0
    memory: int = 4 << 30
    output: int = 20_000


STUDENTS_LIMITS = Limits(seconds=20.0, memory=1 << 30)
"""Of a program that the student has written."""


@dataclass(frozen=True)
class Job:
    """Work for a worker.

    Attributes:
        task: "module:function" below wolfsbane.learn; the function yields blocks.
        arguments: by name; what JSON can hold.
        is_confined: a student's program is in it: a process of its own, no network, no further
            processes, and `STUDENTS_LIMITS`.
        limits: what it may spend.
    """

    task: str
    arguments: Mapping[str, Any] = field(default_factory=dict)
    is_confined: bool = False
    limits: Limits = Limits()
