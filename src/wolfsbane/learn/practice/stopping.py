"""How a run ends that a limit has ended, said as its last block."""

import errno
import traceback
from collections.abc import Iterator

from wolfsbane.learn.blocks import End, Ended
from wolfsbane.learn.practice.printing import MOST_CHARACTERS, TooMuchPrintedError
from wolfsbane.learn.practice.running import Ran
from wolfsbane.learn.workers.confinement.refusal import RefusedError

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


REFUSED_TEXTS = {
    End.PROCESSES: (
        "The program tried to start, or to signal, another process. Here it has to do with one: "
        "a DataLoader with num_workers=0, and no torch.compile, which starts a compiler."
    ),
    End.NETWORK: (
        "The program tried to reach the network. Here it has none: make the data in the program, "
        "with torch.randn for example."
    ),
}

STARTING = ("multiprocessing", "subprocess.py")
"""In the files of Python's from which another process is started."""


def stopped_by(ran: Ran) -> Iterator[Ended]:
    """Yield how a run has ended, if a limit or a refusal has ended it."""
    if isinstance(ran.exception, TooMuchPrintedError):
        yield Ended(End.OUTPUT, OUTPUT_TEXT)
    elif ran.exception is not None and is_out_of_memory(ran.exception):
        yield Ended(End.MEMORY, MEMORY_TEXT)
    elif ran.exception is not None:
        refused = next(filter(None, map(_refused, _family(ran.exception))), None)
        if refused is not None:
            yield Ended(refused, REFUSED_TEXTS[refused])


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an exception says that there is no memory left."""
    if isinstance(error, MemoryError) or _is_refused_memory(error):
        return True
    return isinstance(error, RuntimeError) and any(words in str(error) for words in NO_MEMORY)


def _is_refused_memory(error: BaseException) -> bool:
    return isinstance(error, OSError) and error.errno == errno.ENOMEM


def _family(error: BaseException) -> Iterator[BaseException]:
    """Yield an exception and those that it came from, which a library may have wrapped."""
    seen: set[int] = set()
    each: BaseException | None = error
    while each is not None and id(each) not in seen:
        seen.add(id(each))
        yield each
        each = each.__cause__ or each.__context__


def _refused(error: BaseException) -> End | None:
    """Return what an exception says was refused, by the audit hook or by the kernel."""
    if isinstance(error, RefusedError):
        return error.end
    frames = traceback.walk_tb(error.__traceback__)
    files = [frame.f_code.co_filename for frame, _ in frames]
    is_starting = any(part in file for part in STARTING for file in files)
    return End.PROCESSES if isinstance(error, PermissionError) and is_starting else None
