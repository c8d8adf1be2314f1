"""What every training shares, pickled once by the process that asks for trainings."""

import pickle
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field, fields

from joblib import wrap_non_picklable_objects

from wolfsbane.errors import ArgumentTypeError
from wolfsbane.tuning.setting import Setting
from wolfsbane.tuning.trial import Outcome, Request

Perform = Callable[[Setting, Request], Outcome]
"""Makes one training, in the process it is called in."""


@dataclass(frozen=True)
class Parcel:
    """A setting and the function that trains by it, as they travel to a worker.

    Each training unpacks its own copy: what one changes in the user's objects, the next one does
    not see.

    Attributes:
        content: the function and the setting, pickled.
        batch: a name for the trainings that share it, by which they are stopped.
    """

    content: bytes
    batch: str = field(default_factory=lambda: uuid.uuid4().hex)

    def unpack(self) -> tuple[Perform, Setting]:
        """Return the function and the setting."""
        found: tuple[Perform, Setting] = pickle.loads(self.content)  # noqa: S301  # our own
        return found


def pack(perform: Perform, setting: Setting) -> Parcel:
    """Pickle what every training shares, functions of a notebook or a script by their code.

    Raises:
        ArgumentTypeError: something cannot be pickled; the message names it.
    """
    try:
        return Parcel(dump((perform, setting)))
    except Exception as error:
        what, reason = _culprit(setting) or ("the training", error)
        raise ArgumentTypeError(
            f"{what} cannot be sent to another process: {type(reason).__name__}: {reason}. Make "
            "what cannot be pickled (an open file, a lock, a connection) inside the function that "
            "needs it, or train in this process alone with jobs=1 (--jobs 1)"
        ) from error


def dump(found: object) -> bytes:
    """Pickle an object, code that no worker could import included."""
    return pickle.dumps(wrap_non_picklable_objects(found, keep_wrapper=False))


def _culprit(setting: Setting) -> tuple[str, Exception] | None:
    for attribute in fields(setting):
        value = getattr(setting, attribute.name)
        try:
            dump(value)
        except Exception as error:  # noqa: BLE001  # whatever the user's __reduce__ raises
            return f"{attribute.name} = {_short(value)}", error
    return None


def _short(value: object) -> str:
    text = repr(value)
    longest = 80
    return text if len(text) <= longest else f"{text[:longest]}..."
