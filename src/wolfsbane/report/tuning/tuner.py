"""`tune`: check what is asked, make the trainings, and hold what they come to."""

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from wolfsbane.arguments import check_count, check_share
from wolfsbane.errors import ArgumentError, ArgumentTypeError
from wolfsbane.experiment.comparison import DEFAULT_EPOCHS
from wolfsbane.experiment.data import Pool, default_train_size, split
from wolfsbane.experiment.factories import Factory
from wolfsbane.experiment.given import given_pool, is_data
from wolfsbane.experiment.training import AdamW, check_output
from wolfsbane.report.files import make_folder
from wolfsbane.report.tuning.result import TuneResult
from wolfsbane.report.tuning.tensorboard import Scalars
from wolfsbane.report.tuning.view import View
from wolfsbane.tuning.dimensions import Dimension
from wolfsbane.tuning.engine import Engine
from wolfsbane.tuning.engines import make_engine
from wolfsbane.tuning.loop import TrainingLoop
from wolfsbane.tuning.objective import make_objective
from wolfsbane.tuning.parse_space import parse_space
from wolfsbane.tuning.progress import Progress
from wolfsbane.tuning.record import open_record
from wolfsbane.tuning.search import Limits, check_limits, default_budget, search
from wolfsbane.tuning.seeds import check_first_seed
from wolfsbane.tuning.setting import Setting
from wolfsbane.tuning.subject import make_subject
from wolfsbane.tuning.trial import Trial

TENSORBOARD_FOLDER = "tensorboard"

OnProgress = Callable[[Progress], None]


def tune(
    model: torch.nn.Module | Factory | None = None,
    data: Any = "spam",
    *,
    space: Mapping[str, Dimension] | str | None = None,
    objective: str = "nll",
    direction: str | None = None,
    epoch: str = "last",
    budget: int | None = None,
    precision: float | None = None,
    complexity: bool = False,
    target: str | None = None,
    epochs: int | None = None,
    train_size: int | None = None,
    label_noise: float = 0.0,
    train: TrainingLoop | None = None,
    seed: int = 0,
    jobs: int | None = None,
    engine: str = "local",
    out: str | Path | None = None,
    storage: str | None = None,
    tensorboard: bool = False,
    on_progress: OnProgress | None = None,
) -> TuneResult:
    r"""Find the drop rate that suits the data, and measure what it gains.

    Pairs of rate and seed are trained where they tell most about

    $$ p^* = \arg\min_p E_s[\mathrm{NLL}_\mathrm{validation}(p, s)], $$

    by a Gaussian process over the rate with an effect of each seed: all rates of a seed share
    training examples, initial weights, batch order and nested masks. Then $p^*$ and p = 0 are
    trained under seeds that the search never saw, and the paired differences on test data give the
    gain and its 95% interval. Networks drop in training and are measured in evaluation mode.

    Args:
        model: what is tuned. A model with drop rates: copies of it are trained, from the weights it
            has, and it stays as it is. A function that returns a new model: `space` names its
            arguments. None: a multilayer perceptron for tables, a convolutional network for
            pictures.
        data: as in `compare`: "spam", "digits", a CSV or NPZ file, a folder of pictures, or (x, y)
            arrays. With `train`, anything else is handed to it as it is.
        space: what may be chosen, such as `{"dropout": Rate(0, 0.9), "activation": Choice("relu",
            "gelu")}`, or a text such as "dropout=0..0.9,activation=relu|gelu". For a model, the
            names are patterns of its modules, as in `surgery.set_rates`. Default: one rate, from
            0 to 0.9, for all of a model's drop rates; for each argument of a factory that is a drop
            rate; `dropout` of the default network.
        objective: what selects, on validation data: "nll" (nats per example; by far the steadiest),
            "accuracy", or a metric that `train` gives.
        direction: "minimize" or "maximize", for a metric of your own.
        epoch: "last", or "best" for the epoch with the best validation metric.
        budget: trainings at most, those of the proof included. Default: 24; 38 with complexity.
        precision: half the width of the gain's interval that is narrow enough, in the objective's
            unit. Default: 5% of the NLL at p = 0; one point of accuracy.
        complexity: also train on less of the data, to see whether more of it would help.
        target: the column of a CSV file to predict. Default: the last.
        epochs: passes over the training data. Default: 60 for tables, 20 for pictures.
        train_size: examples to train on. Default: 500, or half of a smaller data set (four fifths
            of its training examples where it has test examples of its own).
        label_noise: share of the training examples that are given another class.
        train: a training loop `train(model, data, seed, report) -> metrics`. Default: AdamW on the
            cross-entropy. See docs/tune-own-training.md.
        seed: the first of the seeds, from 0.
        jobs: trainings at once. Default: as many as cores, or the cluster's workers.
        engine: "local", "ray" or "dask"; a cluster's address may follow, as in "ray:auto".
        out: a folder for the journal, the report and the weights. A search that is found there goes
            on; one of another configuration is refused. Default: nothing is written.
        storage: an Optuna storage URL instead of the journal in `out`.
        tensorboard: write scalars to `out`/tensorboard.
        on_progress: called at the start of each phase and after each training.

    Returns:
        A `TuneResult`: `.best_params`, `.verdict`, `.to_frame()`, `.best_model()`, `.apply(model)`,
        `.save(directory)`.

    Raises:
        DataError: the data is missing or cannot be learned from.
        ModelError: a model cannot be built, its output does not fit, or a training fails.
        ArgumentError, ArgumentTypeError: another argument is out of range, or `out` holds a search
            of another configuration.
        MissingDependencyError: the engine or the storage needs a package that is not there.

    Examples:
        >>> result = tune(data="digits", budget=6, epochs=2, train_size=100, jobs=1)
        >>> sorted(result.best_params)
        ['dropout']
        >>> len(result.to_frame()) <= 6
        True

    References:
        Gaussian process and knowledge gradient: Frazier, Powell, Dayanik 2009,
        doi:10.1287/ijoc.1080.0314. Interval of a width that was asked for: Stein 1945,
        doi:10.1214/aoms/1177731088.
    """
    plan = make_plan(
        model,
        data,
        space=space,
        objective=objective,
        direction=direction,
        epoch=epoch,
        budget=budget,
        precision=precision,
        complexity=complexity,
        target=target,
        epochs=epochs,
        train_size=train_size,
        label_noise=label_noise,
        train=train,
        seed=seed,
        jobs=jobs,
        engine=engine,
    )
    directory = None if out is None else _folder(out)
    return run(plan, directory, storage, tensorboard=tensorboard, on_progress=on_progress)


def _folder(out: object) -> Path:
    if not isinstance(out, str | Path):
        raise ArgumentTypeError(f"out has to be the path of a folder, but got {out!r}")
    return Path(out)


@dataclass(frozen=True)
class TuningPlan:
    """A search whose arguments have been found right.

    Attributes:
        setting: what every training shares.
        limits: how much is done.
        engine: where trainings run.
    """

    setting: Setting
    limits: Limits
    engine: Engine


def make_plan(
    model: torch.nn.Module | Factory | None,
    data: Any,
    *,
    space: Mapping[str, Dimension] | str | None,
    objective: str,
    direction: str | None,
    epoch: str,
    budget: int | None,
    precision: float | None,
    complexity: bool,
    target: str | None,
    epochs: int | None,
    train_size: int | None,
    label_noise: float,
    train: TrainingLoop | None,
    seed: int,
    jobs: int | None,
    engine: str,
) -> TuningPlan:
    """Check everything that can be checked before the first training. Arguments are `tune`'s.

    Raises:
        DataError, ModelError, ArgumentError, ArgumentTypeError, MissingDependencyError: as `tune`.
    """
    if train is not None and not callable(train):
        raise ArgumentTypeError(
            f"train has to be a function train(model, data, seed, report), but got {train!r}"
        )
    if train is not None and epochs is not None:
        raise ArgumentError("epochs is for the default training loop: your own train has its own")
    pool = given_pool(data, target) if train is None or is_data(data) else None
    size = 0
    if pool is None and not (train_size is None and target is None and label_noise == 0.0):
        raise ArgumentError(
            "train_size, label_noise and target are for data that wolfsbane splits: yours goes to "
            "train as it is, which can do the same"
        )
    if pool is not None:
        wanted = default_train_size(pool) if train_size is None else train_size
        size = check_count("train size", wanted)
    setting = Setting(
        subject=make_subject(model, parse_space(space) if isinstance(space, str) else space),
        pool=pool,
        data=data if pool is None else None,
        objective=make_objective(objective, epoch, direction),
        train=train or _default_training(pool, epochs),
        train_size=size,
        label_noise=check_share("label noise", label_noise),
        seed=check_first_seed(seed),
    )
    allowed = default_budget(complexity=complexity) if budget is None else budget
    limits = Limits(check_count("budget", allowed), precision, complexity=complexity)
    check_limits(setting, limits)
    _check_outputs(setting)
    workers = make_engine(engine, jobs)  # the last, since it may start a cluster
    limits = replace(limits, batch=max(limits.batch, workers.num_workers))
    return TuningPlan(setting, limits, workers)


def _default_training(pool: Pool | None, epochs: int | None) -> AdamW:
    default = DEFAULT_EPOCHS["table" if pool is None else pool.kind]
    return AdamW(check_count("epochs", default if epochs is None else epochs))


def _check_outputs(setting: Setting) -> None:
    """Build the two networks that are trained first: their outputs have to fit the data."""
    if setting.pool is None or not isinstance(setting.train, AdamW):
        return
    data = split(setting.pool, setting.train_size, setting.seed)
    with torch.random.fork_rng(devices=[]):
        for one in (setting.subject.space.baseline, setting.subject.space.extreme):
            check_output(str(one), setting.subject.build(one, data), data)


def run(
    plan: TuningPlan,
    directory: Path | None,
    storage: str | None = None,
    *,
    tensorboard: bool = False,
    on_progress: OnProgress | None = None,
    on_resume: Callable[[int], None] | None = None,
) -> TuneResult:
    """Make the trainings that are missing, and return what all come to; see `tune`."""
    if storage is not None and not isinstance(storage, str):
        raise ArgumentTypeError(f"storage has to be a URL of Optuna's, but got {storage!r}")
    if tensorboard and directory is None:
        raise ArgumentError("tensorboard writes into the folder `out`: give one")
    start = time.monotonic()
    with ExitStack() as stack:
        stack.callback(plan.engine.close)
        folder = None if directory is None else make_folder(directory)
        record = stack.enter_context(open_record(plan.setting, folder, storage))
        if on_resume is not None and record.num_resumed:
            on_resume(record.num_resumed)
        listeners = [] if on_progress is None else [on_progress]
        if tensorboard and folder is not None:
            listeners.append(_writing_scalars(stack, folder, record.trials()))

        def tell(progress: Progress) -> None:
            for listener in listeners:
                listener(progress)

        answer = search(plan.setting, plan.limits, record, plan.engine, tell)
        seconds = time.monotonic() - start
        view = View(plan.setting, answer, tuple(record.trials()), seconds)
        return TuneResult(view, record.num_resumed)


def _writing_scalars(stack: ExitStack, folder: Path, made: Sequence[Trial]) -> OnProgress:
    """Return what writes each training as it ends; those of an earlier call are written now."""
    scalars = stack.enter_context(closing(Scalars(folder / TENSORBOARD_FOLDER)))
    for trial in made:
        scalars.add(trial)

    def write(progress: Progress) -> None:
        if progress.trial is not None:
            scalars.add(progress.trial)

    return write
