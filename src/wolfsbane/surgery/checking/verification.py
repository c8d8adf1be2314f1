"""The check of a changed model: each part on random input, and all of it on an example."""

import contextlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass

from torch.nn import Module

from wolfsbane.anatomy.example import Inputs
from wolfsbane.errors import ModelError
from wolfsbane.surgery.checking.retracing import Retracing
from wolfsbane.surgery.checking.trial import Trial, mode_name


@dataclass(frozen=True, eq=False)
class Part:
    """Modules that follow each other, what takes their place, and an input for them.

    Args:
        name: which they are, in words.
        before: they, as one module.
        after: what computes the same.
        places: as in `Trial`, for the modules of `before`.
        inputs: for both.
    """

    name: str
    before: Module
    after: Module
    places: tuple[Module, ...]
    inputs: Inputs


@dataclass(frozen=True, eq=False)
class Verification:
    """A plan's `verify`: see `Plan`.

    Args:
        modes: in which the model is compared: training (True), evaluation (False).
        parts: returns what changes, when the plan is applied.
        places: as in `Trial`, for the whole model.
        inputs: the example, or None to compare the parts alone.
        retracing: compares the graphs.
        stale: returns why the plan is out of date, or None.
        reference: what holds while the model is run before the change.
    """

    modes: tuple[bool, ...]
    parts: Callable[[], Sequence[Part]]
    places: tuple[tuple[Module, ...], ...]
    inputs: Inputs | None
    retracing: Retracing
    stale: Callable[[], str | None]
    reference: Callable[[], AbstractContextManager[object]] = contextlib.nullcontext

    def __call__(self, model: Module) -> Callable[[Module], Iterable[str]]:
        """Run the model as it is; return what compares it with the changed one.

        Raises:
            ModelError: the model has changed since the plan, or does not run.
        """
        if not self.places:
            return lambda _: ()
        why = self.stale()
        if why is not None:
            raise ModelError(f"the model has changed since the plan ({why}): make a new plan")
        if any(tensor.is_meta for tensor in (*model.parameters(), *model.buffers())):
            return self._check_on_meta
        parts = [(self._trial(part), part.after) for part in self.parts()]
        with self.reference():
            expected = [(trial, after, trial.before()) for trial, after in parts]
            whole = self._whole(model)
            expected_of_whole = None if whole is None else whole.before()

        def check(changed: Module) -> Iterator[str]:
            for trial, after, results in expected:
                trial.after(after, results)
            if whole is not None and expected_of_whole is not None:
                worst = whole.after(changed, expected_of_whole)
                names = " and ".join(mode_name(mode) for mode in self.modes)
                yield f"checked on the example in {names}: outputs differ by at most {worst:.2g}"
            self.retracing.check(changed)

        return check

    def _check_on_meta(self, changed: Module) -> Iterator[str]:
        self.retracing.check(changed)
        yield "not checked: tensors on the meta device have no numbers"

    def _trial(self, part: Part) -> Trial:
        return Trial(part.name, part.before, part.inputs, self.modes, (part.places,))

    def _whole(self, model: Module) -> Trial | None:
        if self.inputs is None:
            return None
        return Trial("the model", model, self.inputs, self.modes, self.places)
