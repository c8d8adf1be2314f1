"""How a run may end, each in a sentence that says what happened and what to do."""

import signal

from wolfsbane.learn.blocks import End, Ended
from wolfsbane.learn.workers.job import Job
from wolfsbane.learn.workers.watch import Much

CANCELLED = Ended(End.CANCELLED, "Cancelled.")

NO_MEMORY_WORDS = ("MemoryError", "bad_alloc", "allocate memory")
"""In what Python or C++ says as it dies for want of memory."""

FATAL = {
    "SIGSEGV": "it touched memory that is not its own, as recursion without end can do",
    "SIGBUS": "it touched memory that is not there",
    "SIGABRT": "C code in it gave up, perhaps for want of memory",
    "SIGFPE": "C code in it divided by zero",
    "SIGILL": "C code in it met an instruction that this processor does not have",
    "SIGKILL": "it was killed, by os.kill() in it or because the machine ran out of memory",
    "SIGTERM": "it was asked to end, by os.kill() in it or from outside",
}
"""What a signal means, said to who has not met it."""


def out_of_time(job: Job) -> Ended:
    """Return how a run ends that has taken too long."""
    seconds = job.limits.seconds
    if job.is_confined:
        return Ended(
            End.TIME,
            f"Stopped after {seconds:g} seconds: is there a loop that does not end, or much more "
            "work than was meant?",
        )
    return Ended(End.TIME, f"Stopped after {seconds:g} seconds. Choose less work, and run again.")


def too_much_output(job: Job) -> Ended:
    """Return how a run ends that has told too much."""
    return Ended(
        End.OUTPUT,
        f"Stopped: the program printed more than {job.limits.output:,} characters. Is there a "
        "print in a loop that does not end?",
    )


def too_much_taken(much: Much) -> Ended:
    """Return how a run ends whose program has taken too much of what it is watched for."""
    end = End.PROCESSES if much is Much.THREADS else End.OUTPUT
    return Ended(end, f"Stopped: the program {much.value}. Is there a loop that does not end?")


def not_understood(job: Job) -> Ended:
    """Return how a run ends whose process tells what no run tells."""
    if job.is_confined:
        return Ended(
            End.CRASHED,
            "Stopped: the program wrote to a file descriptor that is not its own, so what it shows "
            "cannot be told from what it wrote. Print instead.",
        )
    return Ended(End.CRASHED, "The run told something that cannot be shown. Please report it.")


def not_started(last_words: str) -> Ended:
    """Return how a run ends whose process never came to life."""
    said = f" It said: {last_words.splitlines()[-1]}." if last_words else ""
    return Ended(
        End.CRASHED,
        f"The process that was to run this did not start.{said} See whether `import torch` works "
        "in this Python.",
    )


def broke_off(job: Job, code: int | None, last_words: str) -> Ended:
    """Return how a run ended whose process is gone.

    Args:
        job: what it did.
        code: as of subprocess: below zero it is a signal's; None where the process still lived.
        last_words: the end of what it said on stderr.
    """
    if any(words in last_words for words in NO_MEMORY_WORDS):
        return Ended(End.MEMORY, "The program needed more memory than it may have, and crashed.")
    what = "The program" if job.is_confined else "The run"
    if code is None or code >= 0:
        return Ended(
            End.CRASHED,
            f"{what} ended its own process before it was done, as os._exit() does. Let it run to "
            "its last line; sys.exit() is fine too.",
        )
    name = _signal(-code)
    if name == "SIGXCPU":
        return Ended(End.TIME, f"{what} used all the processor time that it may.")
    meaning = FATAL.get(name, "it was ended from outside")
    return Ended(End.CRASHED, f"{what} crashed ({name}): {meaning}.")


def _signal(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
