"""Trainings with several drop rates, which under one seed share data, weights and batches."""

from collections.abc import Generator, Sequence
from dataclasses import dataclass

from wolfsbane.experiment.data import Pool
from wolfsbane.experiment.intervals import Estimate, Verdict, estimate, judge
from wolfsbane.experiment.metrics import Scores
from wolfsbane.experiment.networks import NetworkOptions
from wolfsbane.learn.blocks import Block, Cell, Mark, Progress
from wolfsbane.learn.experiments.figures import percent
from wolfsbane.learn.experiments.tables import number, row
from wolfsbane.learn.experiments.trainings import Recipe, build, measure, prepare, train

CHOICES = {Verdict.GAIN: 0, Verdict.NOTHING: 1, Verdict.HARM: 2}
"""A verdict as a prediction's choice."""

MARKS = {Verdict.GAIN: Mark.BETTER, Verdict.NOTHING: Mark.NONE, Verdict.HARM: Mark.WORSE}

WORDS = {
    Verdict.GAIN: "better",
    Verdict.NOTHING: "no difference can be told",
    Verdict.HARM: "worse",
}


@dataclass(frozen=True)
class Setting:
    """What trainings have in common, apart from seed and rate.

    Attributes:
        pool: the data.
        train_size: examples trained on.
        label_noise: share of wrong labels among them.
        width: of both hidden layers.
        epochs: of each training.
        part_of: where not None, the training examples are a part of that many.
    """

    pool: Pool
    train_size: int
    label_noise: float
    width: int
    epochs: int
    part_of: int | None = None


@dataclass(frozen=True)
class Trained:
    """What a training with a rate came to, after its last epoch."""

    p: float
    seed: int
    validation: Scores
    test: Scores
    num_tested: int


@dataclass
class Count:
    """Epochs done so far, of all trainings of a run."""

    total: int
    done: int = 0

    def one_more(self, words: str) -> Progress:
        """Return the progress after another epoch."""
        self.done += 1
        return Progress(self.done, self.total, words)


def train_once(
    setting: Setting, p: float, seed: int, count: Count
) -> Generator[Block, None, Trained]:
    """Train one network, yielding its progress, and return what it came to."""
    _, data = prepare(
        setting.pool, setting.train_size, setting.label_noise, seed, part_of=setting.part_of
    )
    model = build(NetworkOptions(dropout=p, hidden=setting.width), data, seed)
    for epoch in train(model, data, Recipe(setting.epochs), seed):
        yield count.one_more(f"p = {p:g}, seed {seed}: epoch {epoch} of {setting.epochs}")
    validation, test = (measure(model, part) for part in (data.validation, data.test))
    return Trained(p, seed, validation, test, len(data.test))


def accuracy_difference(without: Sequence[Trained], given: Sequence[Trained]) -> Estimate:
    """Return the mean difference in test accuracy, seed by seed, and its interval."""
    pairs = zip(without, given, strict=True)
    differences = [b.test.accuracy - a.test.accuracy for a, b in pairs]
    return estimate(differences, resolution=1 / without[0].num_tested)


def comparison_rows(
    without: Sequence[Trained], given: Sequence[Trained]
) -> tuple[tuple[Cell, ...], ...]:
    """Return rows of accuracy and NLL: without, with, the difference and what may be said."""
    accuracy = accuracy_difference(without, given)
    pairs = zip(without, given, strict=True)
    nll = estimate([b.test.nll - a.test.nll for a, b in pairs])
    return (
        row(
            "test accuracy",
            (
                percent(_mean([one.test.accuracy for one in without])),
                percent(_mean([one.test.accuracy for one in given])),
                points(accuracy),
                verdict_cell(judge(accuracy, higher_is_better=True)),
            ),
        ),
        row(
            "test negative log-likelihood",
            (
                number(_mean([one.test.nll for one in without]), 3),
                number(_mean([one.test.nll for one in given]), 3),
                f"{nll.mean:+.3f} ({nll.low:+.3f} to {nll.high:+.3f})",
                verdict_cell(judge(nll, higher_is_better=False)),
            ),
        ),
    )


def points(difference: Estimate) -> str:
    """Return a difference of shares in points of a hundred, with its interval."""
    mean, low, high = (100 * end for end in (difference.mean, difference.low, difference.high))
    return f"{mean:+.1f} points ({low:+.1f} to {high:+.1f})"


def verdict_cell(verdict: Verdict) -> Cell:
    """Return a verdict as a table has it."""
    return Cell(WORDS[verdict], MARKS[verdict])


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)
