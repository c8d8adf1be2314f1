"""How a run ends that a limit has ended, said as its last block."""

from collections.abc import Iterator

from wolfsbane.learn.blocks import End, Ended
from wolfsbane.learn.practice.printing import MOST_CHARACTERS, TooMuchPrintedError
from wolfsbane.learn.practice.running import Ran

NO_MEMORY = ("can't allocate memory", "not enough memory", "Unable to allocate", "bad_alloc")
"""Of the messages of torch, numpy and C++ when memory runs out."""

MEMORY_TEXT = (
    "The program asked for more memory than it may have. Is a tensor larger than you meant, or "
    "does a list grow in a loop?"
)

OUTPUT_TEXT = (
    f"The program printed more than {MOST_CHARACTERS:,} characters, and was stopped. Is there a "
    "print in a loop that does not end?"
)


def stopped_by(ran: Ran) -> Iterator[Ended]:
    """Yield how a run has ended, if a limit has ended it."""
    if isinstance(ran.exception, TooMuchPrintedError):
        yield Ended(End.OUTPUT, OUTPUT_TEXT)
    elif ran.exception is not None and is_out_of_memory(ran.exception):
        yield Ended(End.MEMORY, MEMORY_TEXT)


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an exception says that there is no memory left."""
    if isinstance(error, MemoryError):
        return True
    return isinstance(error, RuntimeError) and any(words in str(error) for words in NO_MEMORY)
