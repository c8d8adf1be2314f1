"""Opens the record of a search: in a run directory, in a database, or in memory."""

import warnings
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any

import optuna
from optuna.exceptions import ExperimentalWarning
from optuna.samplers import BaseSampler
from optuna.study import Study

from wolfsbane.errors import ArgumentError
from wolfsbane.tuning.objective import Objective
from wolfsbane.tuning.record.configuration import configuration, differences, digest, study_name
from wolfsbane.tuning.record.heartbeat import OWNER, heartbeat
from wolfsbane.tuning.record.locks import Guard
from wolfsbane.tuning.record.places import Place, database, folder, in_memory, journal
from wolfsbane.tuning.record.storages import errors_in_a_line
from wolfsbane.tuning.record.study import StudyRecord
from wolfsbane.tuning.record.weights import Weights
from wolfsbane.tuning.sampler import PairedSampler
from wolfsbane.tuning.setting import Setting
from wolfsbane.tuning.space import Space

CONFIGURATION = "configuration"
HASH = "configuration_sha256"
"""The user attributes of a study that say what its trainings depend on."""

SamplerFactory = Callable[[Space, Objective, int], BaseSampler]


@contextmanager
def open_record(
    setting: Setting,
    directory: Path | None = None,
    storage: str | None = None,
    sampler: SamplerFactory = PairedSampler,
) -> Iterator[StudyRecord]:
    """Open the record of a search, and keep other processes from it.

    Trainings that are there already are resumed; those that a killed process had not finished are
    marked as failed, and asked for again. Optuna's logger is quiet meanwhile.

    Args:
        setting: what the trainings depend on; a record of another setting is refused.
        directory: where the journal and trained weights go. Without it and without a storage,
            everything is in memory.
        storage: URL of a database that the study goes to instead of the journal: of SQLite,
            PostgreSQL and whatever else SQLAlchemy opens, or of Redis.
        sampler: makes Optuna's sampler from the space, the objective and the first seed.

    Raises:
        ArgumentError: another process works on it; it is of another setting; what is in the
            directory is not ours, or damaged; the database cannot be opened.
        MissingDependencyError: the database's driver is not installed.
    """
    space, objective = setting.subject.space, setting.objective
    described = configuration(setting)
    with ExitStack() as stack:
        stack.enter_context(_quiet())
        place = _enter(stack, directory, storage, study_name(setting, described))
        asks = sampler(space, objective, setting.seed)
        with errors_in_a_line(storage or place.name):
            study = _study(place, objective, asks)
            _check_configuration(study, described, place)
            guard = place.guard or stack.enter_context(_owned(study, place))
            record = StudyRecord(
                study,
                place.storage,
                space,
                objective,
                Weights(directory and directory.absolute()),
                guard,
            )
        stack.push(_Leaving(record, guard))
        yield record


def _enter(stack: ExitStack, directory: Path | None, storage: str | None, study: str) -> Place:
    # A database first: one that cannot be opened leaves no folder behind.
    place = None if storage is None else stack.enter_context(database(storage, study))
    if directory is None:
        return place or in_memory()
    guard = stack.enter_context(folder(directory))
    return place or journal(directory, guard)


@contextmanager
def _quiet() -> Iterator[None]:
    """Let Optuna say what is wrong, and nothing else."""
    verbosity = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    try:
        yield
    finally:
        optuna.logging.set_verbosity(verbosity)


def _study(place: Place, objective: Objective, sampler: BaseSampler) -> Study:
    study = optuna.create_study(
        storage=place.storage,
        study_name=place.study,
        sampler=sampler,
        direction="maximize" if objective.higher_is_better else "minimize",
        load_if_exists=True,
    )
    if HASH not in study.user_attrs:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ExperimentalWarning)
            study.set_metric_names([f"validation_{objective.name}"])
    return study


def _check_configuration(study: Study, described: dict[str, Any], place: Place) -> None:
    """Resume a study of the same configuration, begin an empty one, refuse any other."""
    known = study.user_attrs
    if HASH not in known or CONFIGURATION not in known:
        if study.get_trials(deepcopy=False):
            raise ArgumentError(
                f"{place.name} holds trials that are not wolfsbane's. {place.advice}"
            )
        study.set_user_attr(CONFIGURATION, described)
        study.set_user_attr(HASH, digest(described))
    elif known[HASH] != digest(described):
        changes = "; ".join(differences(known[CONFIGURATION], described))
        raise ArgumentError(
            f"{place.name} holds a search with another configuration: {changes}. {place.advice}"
        )


def _owned(study: Study, place: Place) -> Any:
    def read() -> Any:
        return study.user_attrs.get(OWNER)

    def write(note: Any) -> None:
        study.set_user_attr(OWNER, note)

    return heartbeat(read, write, place.name, "Wait for it or end it.")


class _Leaving:
    """Leaves no trial behind that looks as if it ran, where the record is still ours."""

    def __init__(self, record: StudyRecord, guard: Guard) -> None:
        self._record = record
        self._guard = guard

    def __call__(
        self,
        error: type[BaseException] | None,
        _value: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        try:
            self._guard.check()
            self._record.settle()
        except Exception:
            if error is None:
                raise
            # What went wrong before says more.
