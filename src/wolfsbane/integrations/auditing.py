"""What the callbacks have in common: a watch that begins and ends when a trainer says so."""

import importlib
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from torch.nn import Module

from wolfsbane.audit.findings import Findings
from wolfsbane.audit.registry import Chosen
from wolfsbane.audit.run.sampling import Sampling
from wolfsbane.audit.run.watching import watch
from wolfsbane.errors import MissingDependencyError

if TYPE_CHECKING:
    from contextlib import AbstractContextManager


class Auditing:
    """A part of a callback: `audit.watch` around a training.

    Args:
        rules: which rules, by code or class; by default all but opinions.
        sampling: how often to look closely, as in `audit.watch`.
    """

    def __init__(
        self,
        *,
        rules: Chosen = None,
        sampling: Sampling | int | None = None,
    ) -> None:
        super().__init__()
        self.rules = rules
        self.sampling = sampling
        self.findings = Findings()
        self._watch: AbstractContextManager[Findings] | None = None

    def begin(self, model: Module) -> None:
        """Watch a model from here on. A training before it that was left by an error has ended."""
        self.end()
        self._watch = watch(model, rules=self.rules, sampling=self.sampling)
        self.findings = self._watch.__enter__()

    def end(self, error: BaseException | None = None) -> None:
        """Stop watching, if anything is watched: `findings` is complete.

        Args:
            error: what ended the training, if it was no good end. It is not raised here.
        """
        watched, self._watch = self._watch, None
        if watched is None:
            return
        if error is None:
            watched.__exit__(None, None, None)
        else:
            watched.__exit__(type(error), error, error.__traceback__)

    @property
    def is_watching(self) -> bool:
        """Whether a training is being watched."""
        return self._watch is not None

    def tell(self) -> None:
        """Print the findings."""
        sys.stdout.write(f"\n{self.findings}\n")

    def __getstate__(self) -> dict[str, Any]:
        """A process that is started, or a checkpoint, takes the settings along and no watch."""
        return {**vars(self), "_watch": None, "findings": Findings()}


def callback_of(name: str, module: str, mixin: type, bases: Sequence[type]) -> type:
    """Return the class that joins our part of a callback to a library's own.

    Args:
        name: of the class.
        module: where it can be imported from.
        mixin: our part.
        bases: the library's classes.
    """
    members = {"__module__": module, "__qualname__": name, "__doc__": mixin.__doc__}
    return type(name, (mixin, *bases), members)


def attribute_of(module: str, name: str, installed_by: str) -> Any:
    """Return an attribute of a module of another library.

    Raises:
        MissingDependencyError: the library is not installed.
    """
    try:
        return getattr(importlib.import_module(module), name)
    except ImportError as error:
        raise MissingDependencyError(
            f"AuditCallback needs {module.partition('.')[0]}: {installed_by}"
        ) from error
