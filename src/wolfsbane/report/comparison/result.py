"""`compare`: run the experiment and hold its result in the forms that people ask for."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from wolfsbane.experiment.comparison import (
    DEFAULT_SEEDS,
    Finding,
    Plan,
    Progress,
    find,
    make_plan,
    run,
)
from wolfsbane.experiment.data import Pool
from wolfsbane.experiment.factories import Factory, Options
from wolfsbane.experiment.given import given_pool
from wolfsbane.experiment.training import Run, Train
from wolfsbane.experiment.variants import DEFAULT_VARIANTS, make_variants, parse_variants
from wolfsbane.report import frame
from wolfsbane.report.comparison import record, words
from wolfsbane.report.files import REPORT_FILE, RESULTS_FILE, make_folder, write_whole

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Comparison:
    """What came out of a comparison.

    Attributes:
        plan: what was to be trained.
        runs: what was trained; fewer than planned where it was interrupted.
    """

    plan: Plan
    runs: tuple[Run, ...]

    @property
    def interrupted(self) -> bool:
        """Whether some of the trainings are missing."""
        return len(self.runs) < self.plan.num_trainings

    @cached_property
    def findings(self) -> tuple[Finding, ...]:
        """Every measure of every variant, with its difference to the first and the verdict."""
        return find(self.plan, self.runs)

    @property
    def table(self) -> list[dict[str, Any]]:
        """One record for each variant, epoch and measure.

        Keys: variant, epoch ("last" or "best validation"), measure, mean, low, high (the 95%
        interval over seeds), difference, difference_low, difference_high (against the first
        variant, paired by seed), verdict, num_seeds. Shares are between 0 and 1.
        """
        return record.table(self.findings)

    @property
    def verdict(self) -> str:
        """What may be said of each variant against the first, in words."""
        return words.verdict(self.plan, self.runs, self.findings)

    def __str__(self) -> str:
        return self.verdict

    __repr__ = __str__

    def to_frame(self) -> "pd.DataFrame":
        """Return `table` as a pandas DataFrame.

        Raises:
            MissingDependencyError: pandas is not installed.
        """
        return frame.to_frame(self.table)

    def to_json(self) -> str:
        """Return everything as JSON: configuration, versions, curves, table. No times in it."""
        return record.to_json(self.plan, self.runs, self.findings)

    def save(self, directory: str | Path) -> Path:
        """Write report.html and results.json into `directory`, and return it.

        Raises:
            ArgumentError: the directory cannot be written to.
        """
        from wolfsbane.report.comparison.page import render  # noqa: PLC0415  # matplotlib: a second of import

        folder = make_folder(directory)
        contents = {
            REPORT_FILE: render(self.plan, self.runs, self.findings, self.verdict),
            RESULTS_FILE: self.to_json(),
        }
        for name, text in contents.items():
            write_whole(folder / name, text)
        return folder


def compare(
    variants: Mapping[str, Options | Factory] | str = DEFAULT_VARIANTS,
    data: str | Path | Pool | tuple[Any, Any] = "spam",
    *,
    model: Factory | None = None,
    target: str | None = None,
    seeds: int | Sequence[int] = DEFAULT_SEEDS,
    epochs: int | None = None,
    train_size: int | None = None,
    label_noise: float = 0.0,
    target_accuracy: float | None = None,
    train: Train | None = None,
    on_progress: Callable[[Progress], None] | None = None,
    before_training: Callable[[], object] | None = None,
) -> Comparison:
    """Train variants of a network on the same data under the same seeds, and compare them.

    All variants of a seed share initial weights, batch order and mask keys, so that they are
    compared in pairs. Every curve, the training curve too, is measured in evaluation mode. Ctrl-C
    ends with what is finished.

    Args:
        variants: names and what they stand for: options of the default network (dropout,
            batchnorm, activation, hidden, layers) or of `model`, or a factory `() -> Module`.
            A text such as "dropout=0.2,batchnorm" as on the command line.
        data: "spam", "digits", a CSV or NPZ file, a folder of pictures, or (x, y) arrays.
        model: a function that the options are passed to, instead of the default network.
        target: the column of a CSV file to predict. Default: the last.
        seeds: how many, or which.
        epochs: passes over the training data. Default: 60 for tables, 20 for pictures.
        train_size: examples to train on. Default: 500, or half of a smaller data set.
        label_noise: share of the training examples that are given another class.
        target_accuracy: validation accuracy whose first epoch is reported. Default: three
            quarters of the way from always naming the largest class to perfect.
        train: a training loop `train(model, data, seed, report)` that calls `report()` after each
            epoch. Default: AdamW on the cross-entropy.
        on_progress: called at every epoch.
        before_training: called once, when all arguments have been found right.

    Returns:
        A `Comparison`: `.table`, `.verdict`, `.to_frame()`, `.save(directory)`.

    Raises:
        DataError: the data is missing or cannot be learned from.
        ModelError: a model cannot be built, its output does not fit, or training diverges.
        ArgumentError, ArgumentTypeError: another argument is out of range.

    Examples:
        >>> result = compare("dropout", data="digits", seeds=2, epochs=2)
        >>> [row["variant"] for row in result.table[:2]]
        ['plain', 'dropout']
    """
    chosen = parse_variants(variants) if isinstance(variants, str) else variants
    plan = make_plan(
        given_pool(data, target),
        make_variants(chosen, model),
        seeds,
        epochs,
        train_size,
        label_noise,
        train,
        target_accuracy,
    )
    if before_training is not None:
        before_training()
    return Comparison(plan, tuple(_until_interrupted(run(plan, on_progress or _ignore))))


def _ignore(_: Progress) -> None:
    pass


def _until_interrupted(runs: Iterable[Run]) -> Iterable[Run]:
    """Yield runs until Ctrl-C; before the first is finished it goes on to the caller."""
    finished = 0
    try:
        for one in runs:
            finished += 1
            yield one
    except KeyboardInterrupt:
        if not finished:
            raise
