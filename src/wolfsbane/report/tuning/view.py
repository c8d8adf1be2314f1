"""A search as its reports look at it: what was asked, what came out, what shows it."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from wolfsbane.experiment.measures import Epoch
from wolfsbane.report.words import PERCENT
from wolfsbane.tuning.answer import Answer
from wolfsbane.tuning.limits import SHARES
from wolfsbane.tuning.setting import Setting
from wolfsbane.tuning.space import Configuration, Space
from wolfsbane.tuning.trial import Outcome, Purpose, Request, Trial


@dataclass(frozen=True)
class Training:
    """A trial that has ended."""

    request: Request
    outcome: Outcome


@dataclass(frozen=True)
class View:
    """What every report of a search is made from.

    Attributes:
        setting: what all trainings share.
        answer: what they come to.
        trials: all of the record; those that have not ended are left out.
        seconds: by the clock, all processes together; None where nobody counted.
    """

    setting: Setting
    answer: Answer
    trials: Sequence[Trial]
    seconds: float | None = None

    @cached_property
    def trainings(self) -> tuple[Training, ...]:
        """The trials that have ended, in the order of their numbers."""
        ended = [Training(one.request, one.outcome) for one in self.trials if one.outcome]
        return tuple(sorted(ended, key=lambda one: one.request.number))

    @property
    def space(self) -> Space:
        """What may be chosen."""
        return self.setting.subject.space

    @property
    def is_baseline_chosen(self) -> bool:
        """Whether nothing is dropped by choice."""
        return self.answer.chosen == self.answer.baseline

    @property
    def has_options(self) -> bool:
        """Whether more than rates is chosen: then the baseline is more than no dropout."""
        return len(self.space.rates) < len(self.space.names)

    @property
    def at_baseline(self) -> str:
        """How a sentence on the baseline begins."""
        return "With the baseline" if self.has_options else "Without dropout"

    @property
    def data_name(self) -> str:
        """The data's name."""
        return "own data" if self.setting.pool is None else self.setting.pool.name

    @property
    def label(self) -> str:
        """The objective as people read it."""
        return label_of(self.setting.objective.name)

    def epoch_name(self, epoch: Epoch) -> str:
        """Return an epoch as people read it."""
        if epoch is Epoch.LAST:
            return "after the last epoch"
        return f"at the epoch with the best validation {self.label}"

    def of(self, purpose: Purpose) -> tuple[Training, ...]:
        """Return the trainings of a purpose."""
        return tuple(one for one in self.trainings if one.request.purpose is purpose)

    @property
    def baseline_values(self) -> list[float]:
        """The objective on validation data of the search's trainings that drop nothing."""
        return [
            one.outcome.score("validation", self.setting.objective)
            for one in self.of(Purpose.SEARCH)
            if one.request.configuration == self.answer.baseline
        ]

    @cached_property
    def before_after(self) -> dict[Configuration, tuple[Training, ...]]:
        """The baseline's trainings and the chosen one's: those of the proof if it has both.

        Otherwise those of the search. A configuration without a training is left out.
        """
        asked = dict.fromkeys((self.answer.baseline, self.answer.chosen))
        for purpose in (Purpose.PROOF, Purpose.SEARCH):
            found = {
                one: tuple(made for made in self.of(purpose) if made.request.configuration == one)
                for one in asked
            }
            if all(found.values()):
                break
        return {one: made for one, made in found.items() if made}

    @property
    def before_after_purpose(self) -> Purpose:
        """Of the trainings in `before_after`."""
        trainings = [one for made in self.before_after.values() for one in made]
        return trainings[0].request.purpose if trainings else Purpose.SEARCH


def scale_of(metric: str) -> float:
    """Return what a metric's values are multiplied by to be shown: shares are in percent."""
    return PERCENT if metric in SHARES else 1.0


def unit_of(metric: str) -> str:
    """Return what stands behind a metric's name on an axis."""
    return ", %" if metric in SHARES else ""


def amount(metric: str, value: float) -> str:
    """Return a metric's value as people read it, a share in percent without the sign."""
    return f"{value * PERCENT:.1f}" if metric in SHARES else f"{value:.3f}"


def label_of(metric: str) -> str:
    """Return a metric's name as people read it."""
    return {"nll": "NLL", "ece": "calibration error"}.get(metric, metric)
