"""A callback for Lightning: `from wolfsbane.integrations.lightning import AuditCallback`.

It is a callback of both packages that Lightning is installed as, `lightning.pytorch` and
`pytorch_lightning`, or of that which is there.
"""

import functools
import importlib.util
from typing import Any

from wolfsbane.integrations.auditing import Auditing, attribute_of, callback_of

PACKAGES = {"lightning": "lightning.pytorch", "pytorch_lightning": "pytorch_lightning"}
"""Where Lightning's Callback may be, by the package that has to be installed."""


class _Auditing(Auditing):
    """Watches what Trainer.fit trains, prints the findings at its end, and keeps them.

    Args:
        rules: which rules, by code or class; by default all but opinions.
        sampling: how often to look closely, as in `audit.watch`.

    Attributes:
        findings: what was found; empty until the training has ended.
    """

    def on_fit_start(self, trainer: Any, pl_module: Any) -> None:  # noqa: ARG002
        """Begin to watch, before the sanity check of validation."""
        self.begin(pl_module)

    def on_fit_end(self, trainer: Any, pl_module: Any) -> None:  # noqa: ARG002
        """Tell what was found."""
        self._finish(trainer)

    def on_exception(self, trainer: Any, pl_module: Any, exception: BaseException) -> None:  # noqa: ARG002
        """Tell what was found until then, and what explains the error."""
        self._finish(trainer, exception)

    def teardown(self, trainer: Any, pl_module: Any, stage: str) -> None:  # noqa: ARG002
        """Stop in any case."""
        self.end()

    def _finish(self, trainer: Any, error: BaseException | None = None) -> None:
        if not self.is_watching:
            return
        self.end(error)
        if trainer.is_global_zero:
            self.tell()


@functools.cache
def _audit_callback() -> type:
    found = [name for package, name in PACKAGES.items() if importlib.util.find_spec(package)]
    modules = found or [PACKAGES["lightning"]]
    bases = [attribute_of(module, "Callback", "pip install lightning") for module in modules]
    return callback_of("AuditCallback", __name__, _Auditing, bases)


def __getattr__(name: str) -> Any:
    if name == "AuditCallback":
        return _audit_callback()
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
