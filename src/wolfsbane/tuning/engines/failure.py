"""An exception of a training on its way from the worker to the process that asked."""

import pickle
import traceback
from dataclasses import dataclass

from wolfsbane.errors import ModelError
from wolfsbane.tuning.engines.parcel import dump
from wolfsbane.tuning.trial import Outcome


class WorkerTraceback(Exception):  # noqa: N818  # no error: the text that a traceback shows
    """Where in the worker an exception came from; the `__cause__` of that exception."""

    def __str__(self) -> str:
        return f"in the worker:\n\n{self.args[0]}"


@dataclass(frozen=True)
class Failure:
    """What is left of a training that raised.

    Attributes:
        error: the exception, pickled; None where it cannot be.
        summary: its type and message.
        text: its traceback, and the end of what the training printed.
    """

    error: bytes | None
    summary: str
    text: str


def failure_of(error: BaseException, printed: str = "") -> Failure:
    """Return an exception, and what was printed before it, in a form that every process reads."""
    text = "".join(traceback.format_exception(error))
    return Failure(
        error=_pickled(error),
        summary=f"{type(error).__name__}: {error}",
        text=f"{text}\nprinted before:\n\n{printed}" if printed else text,
    )


def _pickled(error: BaseException) -> bytes | None:
    if not isinstance(error, Exception):
        return None  # SystemExit is meant for the process it was raised in.
    try:
        content = dump(error)
        same = str(pickle.loads(content)) == str(error)  # noqa: S301  # written here
    except Exception:  # noqa: BLE001  # whatever the exception's own class raises
        return None
    return content if same else None


def unwrap(found: Outcome | Failure) -> Outcome:
    """Return what a training gave, or raise its exception, with the worker's traceback as cause.

    Raises:
        ModelError: the exception could not be sent; its type and message are in the text.
    """
    if isinstance(found, Failure):
        raise _error_of(found) from WorkerTraceback(found.text)
    return found


def _error_of(failure: Failure) -> Exception:
    unsent = ModelError(f"training failed with {failure.summary}")
    if failure.error is None:
        return unsent
    try:
        found: Exception = pickle.loads(failure.error)  # noqa: S301  # of our own worker
    except Exception:  # noqa: BLE001  # its class cannot be imported here
        return unsent
    return found
