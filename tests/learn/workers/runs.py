"""Jobs for tests, and what comes of them."""

from wolfsbane.learn.workers.job import STUDENTS_LIMITS, Job, Limits

RUN_PROGRAM = "wolfsbane.learn.practice.grading:run_program"
GRADE_QUESTION = "wolfsbane.learn.practice.grading:grade_question"


def students(program, limits=STUDENTS_LIMITS):
    """Return a job that runs a student's program."""
    return Job(RUN_PROGRAM, {"program": program}, is_confined=True, limits=limits)


def ours(program, limits=None):
    """Return a job that runs a program as the lesson's own are."""
    return Job(RUN_PROGRAM, {"program": program}, limits=limits or Limits())


def blocks_of(workers, job):
    """Run a job to its end, and return its blocks."""
    return list(workers.start(job).blocks())


def printed_in(blocks):
    """Return what was printed, and the error, of the last `printed` block."""
    last = [block for block in blocks if block["kind"] == "printed"][-1]
    return last["output"], last["error"]
