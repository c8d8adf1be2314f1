"""Trainings asked for, made and told, never more of them than the budget allows."""

from collections.abc import Callable, Generator, Sequence

from wolfsbane.tuning.engine import Engine
from wolfsbane.tuning.evidence import Evidence
from wolfsbane.tuning.limits import Limits
from wolfsbane.tuning.progress import Progress
from wolfsbane.tuning.record import Record
from wolfsbane.tuning.setting import Setting
from wolfsbane.tuning.shares import share_out
from wolfsbane.tuning.trial import Purpose, Request, Trial
from wolfsbane.tuning.wanted import Wanted


class Trainings:
    """Makes trainings and writes them into the record.

    What the record holds as running at the start was asked for by a process that is gone: it is
    made first, under the same number, so a killed search goes on as if it had not been.
    """

    def __init__(
        self,
        setting: Setting,
        limits: Limits,
        record: Record,
        engine: Engine,
        on_progress: Callable[[Progress], None],
    ) -> None:
        self._setting = setting
        self._limits = limits
        self._shares = share_out(setting, limits)
        self._record = record
        self._engine = engine
        self._on_progress = on_progress
        self._open: dict[int, Request] = {}
        self._shown: Evidence | None = None
        self._take_over()

    def _take_over(self) -> None:
        """Take what others left running; what the budget no longer allows is given up."""
        trials = self._record.trials()
        running = [trial.request for trial in trials if trial.outcome is None]
        allowed = max(0, self._limits.budget - (len(trials) - len(running)))
        self._open = {request.number: request for request in running[:allowed]}
        for request in running[allowed:]:
            self._record.drop(request)

    def evidence(self) -> Evidence:
        """Return what the record comes to now."""
        trials = tuple(self._record.trials())
        return Evidence(self._setting, self._limits, self._shares, trials, self._record.chosen)

    @property
    def num_open(self) -> int:
        """Trainings that are asked for and not finished."""
        return len(self._open)

    @property
    def num_left(self) -> int:
        """Trainings that may still be asked for."""
        return self._limits.budget - len(self._record.trials())

    def start(self, phase: Purpose, evidence: Evidence) -> None:
        """Say that a phase begins, or goes on, and what is best as far as that is known."""
        self.show_best(evidence)
        self._report(phase, None)

    def show_best(self, evidence: Evidence) -> None:
        """Say from now on what is best by this evidence."""
        if evidence.outcomes(Purpose.SEARCH):
            self._shown = evidence

    def suggest(self, number: int) -> None:
        """Ask for the pairs of configuration and seed that tell most."""
        for _ in range(min(number, self.num_left)):
            self._keep(self._record.suggest())

    def make_wanted(self, phase: Purpose, wanted: Sequence[Wanted]) -> None:
        """Make those of the trainings that are not made yet, in order, in batches."""
        trials = [trial for trial in self._record.trials() if trial.request.purpose is phase]
        missing = [one for one in wanted if not _is_there(one, trials)]
        self.make_open(phase)
        for first in range(0, len(missing), self._limits.batch):
            for one in missing[first : first + self._limits.batch][: self.num_left]:
                self._keep(
                    self._record.add(
                        one.configuration,
                        one.seed,
                        phase,
                        train_size=one.train_size,
                        label_noise=one.label_noise,
                        keep_weights=one.keep_weights,
                    )
                )
            self.make_open(phase)

    def make_open(self, phase: Purpose) -> None:
        """Make what is asked for."""
        requests = [self._open[number] for number in sorted(self._open)]
        if not requests:
            return
        results = self._engine.run(self._setting, requests)
        try:
            for request, outcome in results:
                self._record.tell(request, outcome)
                del self._open[request.number]
                self._report(phase, Trial(request, outcome))
        finally:
            if isinstance(results, Generator):
                results.close()

    def give_up(self) -> None:
        """Drop from the record what is asked for and not finished."""
        for number in sorted(self._open):
            self._record.drop(self._open.pop(number))

    def _keep(self, request: Request) -> None:
        self._open[request.number] = request

    def _report(self, phase: Purpose, trial: Trial | None) -> None:
        shown = self._shown
        best, value = (None, None) if shown is None else (shown.best, shown.value)
        finished = len(self._record.trials()) - len(self._open)
        self._on_progress(
            Progress(phase, finished, len(self._open), self._limits.budget, best, value, trial)
        )


def _is_there(wanted: Wanted, trials: Sequence[Trial]) -> bool:
    return any(wanted.is_made_by(trial.request) for trial in trials)
