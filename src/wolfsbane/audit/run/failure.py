"""What an exception tells: which layers were being called, and the user's line."""

from collections.abc import Iterator
from types import TracebackType

from torch.nn import Module

from wolfsbane.audit.layer import Layer
from wolfsbane.audit.lines import place_of_error
from wolfsbane.audit.run.functions import tensors_in
from wolfsbane.audit.run.observer import Failure
from wolfsbane.audit.run.session import Session

CALLED = Module._call_impl.__code__  # noqa: SLF001  # the frame that every call of a module has


def failure_of(error: BaseException, session: Session) -> Failure:
    """Return what is known about an exception that ended a run."""
    trace = error.__traceback__
    return Failure(
        error,
        [tracked.watched for tracked in session.registry],
        list(_layers_in(trace, session)),
        place_of_error(trace),
        tuple(session.look.tracks.history),
    )


def _layers_in(
    trace: TracebackType | None, session: Session
) -> Iterator[tuple[Layer, tuple[tuple[int, ...], ...]]]:
    """Yield the layers whose calls a traceback goes through, and the shapes of their inputs."""
    while trace is not None:
        frame = trace.tb_frame
        if frame.f_code is CALLED:
            module = frame.f_locals["self"]
            found = (tracked.layer_of(module) for tracked in session.registry)
            layer = next((each for each in found if each is not None), None)
            if layer is not None:
                given = tensors_in((frame.f_locals["args"], frame.f_locals["kwargs"]))
                yield layer, tuple(tuple(tensor.shape) for tensor in given)
        trace = trace.tb_next
