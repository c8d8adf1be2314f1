"""What a worker is asked to grade or to run, for the page and for the terminal alike.

What a student wrote is confined, wherever it comes from.
"""

from collections.abc import Mapping
from typing import Any

from wolfsbane.learn.workers.job import STUDENTS_LIMITS, Job

GRADING = "practice.grading"


def question_job(item: str, choice: int) -> Job:
    """Return the job that grades an answer to a question.

    Args:
        item: the question's name.
        choice: which answer, counted from 0.
    """
    return Job(f"{GRADING}:grade_question", {"item": item, "choice": choice})


def repair_job(item: str, program: str) -> Job:
    """Return the job that grades a mended program.

    Args:
        item: the exercise's name.
        program: the student's.
    """
    return _students("grade_repair", {"item": item, "program": program})


def program_job(program: str) -> Job:
    """Return the job that runs a student's program and says what the auditor finds."""
    return _students("run_program", {"program": program})


def _students(function: str, arguments: Mapping[str, Any]) -> Job:
    return Job(f"{GRADING}:{function}", arguments, is_confined=True, limits=STUDENTS_LIMITS)
