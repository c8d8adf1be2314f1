"""Optuna's storage from a URL, and what is wrong with one in a line."""

import importlib.util
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy
from optuna.exceptions import ExperimentalWarning, StorageInternalError
from optuna.storages import BaseStorage, JournalStorage, RDBStorage
from optuna.storages.journal import JournalRedisBackend
from sqlalchemy.exc import ArgumentError as UrlError
from sqlalchemy.exc import NoSuchModuleError, SQLAlchemyError

from wolfsbane.errors import ArgumentError, MissingDependencyError, WolfsbaneError

EXAMPLES = "sqlite:///tuning.db, postgresql://user@host/database or redis://host"

PACKAGES = {
    "psycopg2": "psycopg2-binary",
    "psycopg": "psycopg[binary]",
    "MySQLdb": "mysqlclient",
    "pymysql": "PyMySQL",
    "mysql": "mysql-connector-python",
    "cx_Oracle": "cx_Oracle",
    "redis": "redis",
}
"""What to install for a module that a driver imports, where the names differ or are asked for."""


POSTGRESQL_DRIVERS = ("psycopg2", "psycopg")

ATTEMPTS = 20
PAUSE = 0.25
"""Seconds between attempts to open a database whose tables another process is making."""

HALF_MADE = ("already exists", "no such table", "relation", "unique", "duplicate", "locked")
"""What databases say of tables that another process is making."""

ENGINE = {"pool_pre_ping": True}
"""A connection that the server has closed between two trainings is opened again."""


def open_storage(url: str) -> BaseStorage:
    """Open a database that Optuna can keep studies in.

    What it raises, `errors_in_a_line` explains.
    """
    if url.startswith(("redis://", "rediss://", "unix://")):
        return _redis(url)
    url = with_driver(url)
    for _ in range(ATTEMPTS - 1):
        # Two processes that make the tables of a new database at once: one finds them half made.
        try:
            return RDBStorage(url, engine_kwargs=dict(ENGINE))
        except SQLAlchemyError as error:
            if not any(said in str(error).lower() for said in HALF_MADE):
                raise
        time.sleep(PAUSE)
    return RDBStorage(url, engine_kwargs=dict(ENGINE))


def _redis(url: str) -> BaseStorage:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ExperimentalWarning)
        try:
            return JournalStorage(JournalRedisBackend(url))
        except ImportError:
            raise
        except Exception as error:
            raise ArgumentError(
                f"cannot open storage {shown_url(url)!r}: {_first_line(error)}"
            ) from error


def with_driver(url: str) -> str:
    """Return a URL of PostgreSQL with the driver that is installed, where it names none.

    SQLAlchemy takes psycopg2 up to version 2.0 and psycopg from 2.1, whatever is installed.
    """
    scheme, colon, rest = url.partition("://")
    if scheme not in {"postgresql", "postgres"}:
        return url
    installed = (name for name in POSTGRESQL_DRIVERS if importlib.util.find_spec(name))
    return f"postgresql+{next(installed, POSTGRESQL_DRIVERS[0])}{colon}{rest}"


def sqlite_file(url: str) -> Path | None:
    """Return the file of an SQLite database; None of another, and of one in memory."""
    if not url.startswith("sqlite"):
        return None
    database = sqlalchemy.make_url(url).database
    is_in_memory = database in {None, "", ":memory:"} or "mode=memory" in url
    return None if is_in_memory else Path(str(database).removeprefix("file:"))


def shown_url(url: str) -> str:
    """Return a URL without its password."""
    try:
        return sqlalchemy.make_url(url).render_as_string(hide_password=True)
    except SQLAlchemyError:
        return url


@contextmanager
def errors_in_a_line(url: str) -> Iterator[None]:
    """Turn what opening a database raises into an error of one line.

    Raises:
        ArgumentError: the URL is none, or the server or the file cannot be reached or used.
        MissingDependencyError: the database's driver is not installed.
    """
    try:
        yield
    except WolfsbaneError:
        raise
    except ImportError as error:
        raise _missing(url, error) from error
    except (UrlError, NoSuchModuleError) as error:
        raise ArgumentError(
            f"storage {shown_url(url)!r} is no URL of a database: {_first_line(error)}. Expected "
            f"one such as {EXAMPLES}"
        ) from error
    except (SQLAlchemyError, StorageInternalError, RuntimeError) as error:
        raise ArgumentError(f"cannot open storage {shown_url(url)!r}: {_reason(error)}") from error


def _missing(url: str, error: ImportError) -> MissingDependencyError:
    cause = error.__cause__ or error
    module = (getattr(cause, "name", None) or "a driver").split(".")[0]
    package = PACKAGES.get(module, module)
    return MissingDependencyError(
        f"storage {shown_url(url)!r} needs {module}: pip install {package}"
    )


def _reason(error: BaseException) -> str:
    """Return the first line of what the database said, below what others made of it."""
    while isinstance(error.__cause__, SQLAlchemyError):
        error = error.__cause__
    return _first_line(getattr(error, "orig", None) or error)


def _first_line(error: BaseException) -> str:
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return lines[0].rstrip(".")
