"""What a search comes to: the choice, how sure it is, what it gains, and how hard the data is."""

from dataclasses import dataclass

from wolfsbane.experiment.comparison import Finding
from wolfsbane.experiment.intervals import Verdict
from wolfsbane.tuning.space import Configuration


@dataclass(frozen=True)
class RateRange:
    """Rates that nothing shows to be worse than the chosen one.

    Attributes:
        name: of the dimension.
        rate: the chosen one.
        low: the least of the rates around it that are as good, as far as the trainings tell.
        high: the greatest.
    """

    name: str
    rate: float
    low: float
    high: float


@dataclass(frozen=True)
class BandPoint:
    """The surrogate at one configuration: its mean and 95% band, in the objective's unit."""

    configuration: Configuration
    mean: float
    low: float
    high: float


@dataclass(frozen=True)
class LearningCurvePoint:
    """Test metrics at one training-set size, means over seeds: without dropout, and chosen."""

    train_size: int
    configuration: Configuration
    metric: str
    values: tuple[float, ...]


@dataclass(frozen=True)
class Complexity:
    """How hard the data is for this model.

    Attributes:
        gap: training minus test accuracy of the baseline, last epoch, mean over its trainings;
            None where the user's loop does not measure accuracy.
        memorised: share of wrong training labels that the baseline gives back; None where unknown.
        memorised_noise: share of wrong labels it was trained with for that.
        memorised_by_error: share that its errors would give back had it never seen them: of test
            examples, the share it gives one certain wrong class. None where unknown.
        memorised_chosen: the same share at the chosen configuration; None where not measured.
        curve: on request, metrics over training-set size; else empty.
    """

    gap: float | None = None
    memorised: float | None = None
    memorised_noise: float | None = None
    memorised_by_error: float | None = None
    memorised_chosen: float | None = None
    curve: tuple[LearningCurvePoint, ...] = ()


@dataclass(frozen=True)
class Answer:
    """What a search comes to.

    Attributes:
        chosen: the best configuration by validation data.
        baseline: nothing dropped, the first of all options.
        ranges: for each rate, what is as good.
        band: the surrogate over the rate (the other dimensions at the chosen values), one list for
            each rate of the space, in the order of `ranges`.
        findings: for each measure and epoch, the baseline's and the chosen one's estimate, and the
            difference with its interval and verdict; from the proof's trainings alone. Empty where
            nothing was proved.
        verdict: of the objective on test data; None where there is none, and `warnings` say why.
        complexity: how hard the data is for this model.
        num_trainings: made, by purpose: search, proof, complexity.
        budget: trainings allowed.
        is_finished: False where it was interrupted.
        warnings: why what is said is less than was asked for.
    """

    chosen: Configuration
    baseline: Configuration
    ranges: tuple[RateRange, ...]
    band: tuple[tuple[BandPoint, ...], ...]
    findings: tuple[Finding, ...]
    verdict: Verdict | None
    complexity: Complexity
    num_trainings: dict[str, int]
    budget: int
    is_finished: bool
    warnings: tuple[str, ...] = ()
