"""The comparison: every variant under every seed, and what differs between them."""

import operator
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import torch

from wolfsbane.arguments import check_count, check_share
from wolfsbane.errors import ArgumentError, ArgumentTypeError
from wolfsbane.experiment.data import Data, Pool, add_label_noise, default_train_size, split
from wolfsbane.experiment.factories import check_is_new
from wolfsbane.experiment.intervals import Estimate, Verdict, estimate, judge
from wolfsbane.experiment.measures import SCORES, Epoch, Measure, epochs_to
from wolfsbane.experiment.training import AdamW, Run, Train, check_output, train_variant
from wolfsbane.experiment.variants import Variant

DEFAULT_SEEDS = 5
DEFAULT_EPOCHS = {"table": 60, "pictures": 20}
"""Enough for the plain network to memorise the training examples."""

TARGET_SHARE = 0.75
"""The default target accuracy lies this far from always naming the largest class to perfect."""


LARGEST_TARGET = 0.99
"""The default target where the classes are so unequal that three quarters of the way is 100%."""

LARGEST_SEED = 2**32 - 1
"""Of scikit-learn's splits."""


@dataclass(frozen=True)
class Plan:
    """All that determines a comparison."""

    pool: Pool
    variants: tuple[Variant, ...]
    seeds: tuple[int, ...]
    train_size: int
    label_noise: float
    train: Train
    target_accuracy: float

    @property
    def num_trainings(self) -> int:
        """How many networks are trained."""
        return len(self.variants) * len(self.seeds)


@dataclass(frozen=True)
class Progress:
    """Where a comparison stands."""

    variant: str
    seed: int
    training: int
    """Index of this training, from 0."""
    num_trainings: int
    epoch: int
    """Epochs of this training that are done."""
    num_epochs: int | None
    """None where the training loop is the user's."""


@dataclass(frozen=True)
class Finding:
    """One measure of one variant, and its paired difference to the first variant.

    Attributes:
        variant: the variant's name.
        epoch: the state it was measured in.
        measure: what was measured.
        estimate: over seeds; None where a seed has no value.
        difference: variant minus first variant, seed by seed; None for the first variant, and
            where a seed has no value.
        verdict: what the difference allows to be said; None where there is none.
        num_missing: seeds without a value (the target was not reached).
        num_reached: seeds with one.
    """

    variant: str
    epoch: Epoch
    measure: Measure
    estimate: Estimate | None
    difference: Estimate | None
    verdict: Verdict | None
    num_missing: int = 0
    num_reached: int = 0


def make_plan(
    pool: Pool,
    variants: tuple[Variant, ...],
    seeds: int | Sequence[int] = DEFAULT_SEEDS,
    epochs: int | None = None,
    train_size: int | None = None,
    label_noise: float = 0.0,
    train: Train | None = None,
    target_accuracy: float | None = None,
) -> Plan:
    """Check everything that can be checked before the first training.

    Raises:
        ArgumentError, ArgumentTypeError: a number is out of range.
        DataError: the data cannot be split so.
        ModelError: a model cannot be built, or its output does not fit.
    """
    check_share("label noise", label_noise)
    if target_accuracy is None:
        target_accuracy = _default_target(pool)
    check_share("target accuracy", target_accuracy)
    if train is not None and not callable(train):
        raise ArgumentTypeError(
            f"train has to be a function train(model, data, seed, report), but got {train!r}"
        )
    if train is not None and epochs is not None:
        raise ArgumentError("epochs is for the default training loop: your own train has its own")
    epochs = check_count("epochs", DEFAULT_EPOCHS[pool.kind] if epochs is None else epochs)
    size = default_train_size(pool) if train_size is None else train_size
    train_size = check_count("train size", size)
    plan = Plan(
        pool,
        variants,
        _seeds(seeds),
        train_size,
        float(label_noise),
        AdamW(epochs) if train is None else train,
        float(target_accuracy),
    )
    _check_models(variants, split(pool, train_size, plan.seeds[0]))
    return plan


def _check_models(variants: tuple[Variant, ...], data: Data) -> None:
    """Build every variant twice: models have to fit, and to be new each time."""
    seen: set[int] = set()
    with torch.random.fork_rng(devices=[]):
        built = [(variant.name, variant.build(data)) for variant in variants for _ in range(2)]
        for name, model in built:
            who = f"variant {name!r}"
            check_output(who, model, data)
            check_is_new(who, model, seen)


def _seeds(seeds: int | Sequence[int]) -> tuple[int, ...]:
    if hasattr(seeds, "__index__"):
        return tuple(range(check_count("seeds", seeds)))
    wrong = ArgumentError(
        "seeds has to be a count or a list of different seeds, integers from 0 to "
        f"{LARGEST_SEED}, but got {seeds!r}"
    )
    try:
        chosen = tuple(operator.index(seed) for seed in seeds)
    except TypeError:
        raise wrong from None
    if not chosen or len(set(chosen)) != len(chosen):
        raise wrong
    if min(chosen) < 0 or max(chosen) > LARGEST_SEED:
        raise wrong
    return chosen


def _default_target(pool: Pool) -> float:
    largest = pool.examples.y.bincount().max().item() / len(pool.examples)
    return min(round(largest + TARGET_SHARE * (1 - largest), 2), LARGEST_TARGET)


def run(plan: Plan, on_progress: Callable[[Progress], None]) -> Iterator[Run]:
    """Train every variant under every seed, all variants of a seed in turn."""
    done = 0
    num_epochs = plan.train.epochs if isinstance(plan.train, AdamW) else None
    for seed in plan.seeds:
        data = split(plan.pool, plan.train_size, seed)
        data = add_label_noise(data, plan.label_noise, seed)
        for variant in plan.variants:
            state = Progress(variant.name, seed, done, plan.num_trainings, 0, num_epochs)
            on_progress(state)
            yield train_variant(variant, data, seed, plan.train, _Counter(state, on_progress))
            done += 1


class _Counter:
    """Reports one epoch more at every call."""

    def __init__(self, state: Progress, on_progress: Callable[[Progress], None]) -> None:
        self._state = state
        self._on_progress = on_progress

    def __call__(self) -> None:
        self._state = replace(self._state, epoch=self._state.epoch + 1)
        self._on_progress(self._state)


def find(plan: Plan, runs: Sequence[Run]) -> tuple[Finding, ...]:
    """Return every measure of every variant that has a run, with its verdict."""
    by_variant = {
        variant.name: {one.seed: one for one in runs if one.variant == variant.name}
        for variant in plan.variants
    }
    finished = {name: of_seed for name, of_seed in by_variant.items() if of_seed}
    if not finished:
        return ()
    first = plan.variants[0].name
    baseline = finished.get(first, {})
    sizes = plan.train_size, sum(next(iter(runs)).reliability.count)
    asked = [(measure, Epoch.LAST) for measure in (*SCORES, epochs_to(plan.target_accuracy))]
    asked += [(measure, Epoch.BEST) for measure in SCORES]
    return tuple(
        _finding(name, of_seed, {} if name == first else baseline, measure, epoch, sizes)
        for measure, epoch in asked
        for name, of_seed in finished.items()
    )


def _finding(
    name: str,
    runs: Mapping[int, Run],
    baseline: Mapping[int, Run],
    measure: Measure,
    epoch: Epoch,
    sizes: tuple[int, int],
) -> Finding:
    values = {seed: _value(one, measure, epoch) for seed, one in runs.items()}
    known = [value for value in values.values() if value is not None]
    missing = len(values) - len(known)
    resolution = measure.resolution(*sizes)
    of_all = None if missing else estimate(known, resolution)
    pairs = [
        (values[seed], _value(one, measure, epoch))
        for seed, one in baseline.items()
        if seed in values
    ]
    if not pairs:
        return Finding(name, epoch, measure, of_all, None, None, missing, len(known))
    differences = [x - y for x, y in pairs if x is not None and y is not None]
    if len(differences) < len(pairs):
        return Finding(name, epoch, measure, of_all, None, None, missing, len(known))
    difference = estimate(differences, resolution)
    verdict = judge(difference, measure.higher_is_better)
    return Finding(name, epoch, measure, of_all, difference, verdict, missing, len(known))


def _value(run: Run, measure: Measure, epoch: Epoch) -> float | None:
    return measure.of(run, run.best_epoch if epoch is Epoch.BEST else len(run.curve) - 1)
