"""A callback for transformers: `from wolfsbane.integrations.transformers import AuditCallback`."""

import atexit
import functools
import sys
from typing import Any

from wolfsbane.integrations.auditing import Auditing, attribute_of, callback_of


class _Auditing(Auditing):
    """Watches what a Trainer trains, prints the findings at the end, and keeps them.

    A Trainer does not tell its callbacks when training ends by an error. The findings are printed
    then when the process ends, or call `end()` yourself.

    Args:
        rules: which rules, by code or class; by default all but opinions.
        sampling: how often to look closely, as in `audit.watch`.

    Attributes:
        findings: what was found; empty until the training has ended.
    """

    def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:  # noqa: ARG002
        """Begin to watch."""
        self.begin(kwargs["model"])
        atexit.unregister(self._at_exit)
        atexit.register(self._at_exit)

    def on_train_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:  # noqa: ARG002
        """Tell what was found."""
        atexit.unregister(self._at_exit)
        self.end()
        if state.is_world_process_zero:
            self.tell()

    def _at_exit(self) -> None:
        if self.is_watching:
            self.end(getattr(sys, "last_value", None))  # what Python has just printed
            self.tell()


@functools.cache
def _audit_callback() -> type:
    base = attribute_of("transformers", "TrainerCallback", "pip install transformers accelerate")
    return callback_of("AuditCallback", __name__, _Auditing, [base])


def __getattr__(name: str) -> Any:
    if name == "AuditCallback":
        return _audit_callback()
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
