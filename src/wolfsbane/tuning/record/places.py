"""Where a study can be: in a run directory's journal, a database, or memory; and its guard."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from optuna.storages import BaseStorage, InMemoryStorage, RDBStorage

from wolfsbane.errors import ArgumentError
from wolfsbane.tuning.record.configuration import DIGITS
from wolfsbane.tuning.record.journal import JOURNAL, is_optunas, open_journal
from wolfsbane.tuning.record.locks import Guard, HeldLock, file_lock
from wolfsbane.tuning.record.sessions import session_lock
from wolfsbane.tuning.record.storages import (
    errors_in_a_line,
    open_storage,
    sqlite_file,
    with_driver,
)

STUDY = "wolfsbane"
"""The name of the study in a run directory, which holds no other."""

LOCK = "lock"
"""The name of the file in a run directory that a working process holds."""

OTHER_FOLDER = "Give another folder (--out) or delete this one"


@dataclass(frozen=True)
class Place:
    """A storage, and the study in it.

    Attributes:
        storage: of Optuna.
        study: the name of the study.
        name: of the place, as people are told.
        advice: where another search is there.
        guard: keeps other processes away; None where the storage has no lock.
    """

    storage: BaseStorage
    study: str
    name: str
    advice: str
    guard: Guard | None


def in_memory() -> Place:
    """Return a place that ends with the process."""
    return Place(InMemoryStorage(), STUDY, "memory", "", HeldLock())


@contextmanager
def folder(directory: Path) -> Iterator[Guard]:
    """Make a run directory, and hold it.

    Raises:
        ArgumentError: another process holds it, it has a journal of something else, or it cannot
            be written to.
    """
    try:
        directory.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ArgumentError(f"cannot write to {directory}: {error.strerror or error}") from error
    if not is_optunas(directory / JOURNAL):
        raise ArgumentError(
            f"{directory / JOURNAL} is not the journal of a search. Give another folder (--out)"
        )
    advice = "Wait for it, end it, or give another folder (--out)"
    with file_lock(directory / LOCK, str(directory), advice) as guard:
        yield guard


def journal(directory: Path, guard: Guard) -> Place:
    """Return a run directory's journal.

    Raises:
        ArgumentError: it is damaged, or holds other studies.
    """
    path = directory / JOURNAL
    storage = open_journal(path.absolute())
    others = [one.study_name for one in storage.get_all_studies() if one.study_name != STUDY]
    if others:
        raise ArgumentError(
            f"{path} holds studies that are not wolfsbane's: {', '.join(others)}. Give another "
            "folder (--out)"
        )
    return Place(storage, STUDY, str(directory), OTHER_FOLDER, guard)


@contextmanager
def database(url: str, study: str) -> Iterator[Place]:
    """Open a database, with its study held where the database can hold one.

    Raises:
        ArgumentError: another process holds the study, or the database cannot be opened.
        MissingDependencyError: its driver is not installed.
    """
    name = f"study {study!r}"
    with ExitStack() as stack, errors_in_a_line(url):
        guard = _database_guard(stack, url, study, name)
        storage = open_storage(url)
        if isinstance(storage, RDBStorage):
            stack.callback(storage.engine.dispose)
        held = stack.pop_all()
    with held:
        yield Place(storage, study, name, "Give another storage, or delete the study", guard)


def _database_guard(stack: ExitStack, url: str, study: str, name: str) -> Guard | None:
    """Hold the study by a lock of the database's, or beside it; None where there is no such."""
    advice = "Wait for it or end it"
    file = sqlite_file(url)
    if file is not None:
        lock = file.with_name(f"{file.name}.{study[-DIGITS:]}.lock")
        return stack.enter_context(file_lock(lock, name, advice))
    if url.startswith("postgres"):
        return stack.enter_context(session_lock(with_driver(url), study, advice))
    return HeldLock() if url.startswith("sqlite") else None
