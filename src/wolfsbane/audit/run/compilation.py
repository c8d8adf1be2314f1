"""Compiled functions run without the recorder: what they are compiled for is theirs alone.

A compiled function is guarded by the function modes that were active when it was compiled: one more
of them, in sampled steps only, would compile it twice. Each entry of such a function tells the
interpreter to look at frames, and each exit takes that back; both go by a global name of the
compiler's, which is replaced while functions are recorded.
"""

import sys
import threading
from collections.abc import Callable
from types import ModuleType
from typing import Any, Protocol

COMPILER = "torch._dynamo.eval_frame"
ENTRANCES = ("set_eval_frame", "_maybe_set_eval_frame")
"""Names of the function in the compiler's module. It takes a callback, and None outside."""


class Pausable(Protocol):
    """What must not be active in what is compiled."""

    def pause(self) -> bool:
        """Begin to be inactive; return whether it was active."""

    def go_on(self) -> None:
        """Be active again."""


_lock = threading.RLock()
_active: dict[Pausable, int] = {}
"""With the threads that they are to be paused in."""
_entered: dict[Pausable, int] = {}
"""What is paused, with the id of the frame that entered what is compiled: it also leaves it."""
_originals: dict[str, Callable[..., Any]] = {}


def is_compiling_used() -> bool:
    """Whether torch.compile has been called in this process."""
    backends = getattr(sys.modules.get(COMPILER), "cached_backends", {})
    return any(backend is not None for backend in backends.values())


def can_pause() -> bool:
    """Whether the compiler's entrances are known."""
    compiler = sys.modules.get(COMPILER)
    return compiler is None or all(hasattr(compiler, name) for name in ENTRANCES)


def pause_when_compiled(what: Pausable) -> None:
    """Pause something in compiled functions that this thread enters, until told to leave off."""
    with _lock:
        compiler = sys.modules.get(COMPILER)
        if compiler is not None and not _originals and can_pause():
            _attach(compiler)
        _active[what] = threading.get_ident()


def leave_off(what: Pausable) -> None:
    """Pause it no more."""
    with _lock:
        _active.pop(what, None)
        _entered.pop(what, None)
        if not _active and _originals:
            vars(sys.modules[COMPILER]).update(_originals)
            _originals.clear()


def _attach(compiler: ModuleType) -> None:
    for name in ENTRANCES:
        _originals[name] = getattr(compiler, name)
        setattr(compiler, name, _noticing(_originals[name]))


def _noticing(original: Callable[..., Any]) -> Callable[..., Any]:
    def set_callback(callback: Any) -> Any:
        here, caller = threading.get_ident(), id(sys._getframe(1))  # noqa: SLF001  # inspect is slow
        for what, thread in tuple(_active.items()):
            if thread == here and callback is not None and what.pause():
                _entered[what] = caller
            elif thread == here and callback is None and _entered.get(what) == caller:
                del _entered[what]
                what.go_on()
        return original(callback)

    return set_callback
