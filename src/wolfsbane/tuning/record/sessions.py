"""One process at a time on a study of a PostgreSQL server: a lock of the server's.

An advisory lock belongs to a session and ends with it: at once where a process is killed, within a
minute where its machine is switched off. It holds between all machines that reach the server, but
not through a pooler that shares sessions out by transaction (PgBouncer's `pool_mode=transaction`).
"""

import hashlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import sqlalchemy
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import NullPool

from wolfsbane.tuning.record.locks import Guard, owner, taken
from wolfsbane.tuning.record.storages import errors_in_a_line

KEEPALIVE = (
    "SET tcp_keepalives_idle = 30",
    "SET tcp_keepalives_interval = 10",
    "SET tcp_keepalives_count = 3",
)
"""The server gives up a machine that is silent for this long, instead of two hours."""

LONGEST_APPLICATION_NAME = 63
"""Of PostgreSQL, in bytes."""

ALIVE = sqlalchemy.text("SELECT 1")

HOLDER = """
SELECT activity.application_name, activity.pid, activity.backend_start
FROM pg_locks AS lock JOIN pg_stat_activity AS activity ON activity.pid = lock.pid
WHERE lock.locktype = 'advisory' AND lock.granted
  AND ((lock.classid::bigint << 32) | lock.objid::bigint) = :key
  AND lock.database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""


class SessionLock:
    """Holds a study of a server by a session of its own."""

    def __init__(self, url: str, study: str, advice: str) -> None:
        self._engine = sqlalchemy.create_engine(
            url, poolclass=NullPool, isolation_level="AUTOCOMMIT"
        )
        self._study = study
        self._advice = advice
        self._url = url
        self._session: sqlalchemy.Connection | None = self._lock()

    def check(self) -> None:
        """Take the lock again where the session has broken off.

        Raises:
            ArgumentError: another process has taken it meanwhile, or the server is gone.
        """
        if not self._is_alive():
            self._end()
            self._session = self._lock()

    def free(self) -> None:
        """End the session, and with it the lock."""
        self._end()
        self._engine.dispose()

    def _is_alive(self) -> bool:
        try:
            return self._session is not None and bool(self._session.scalar(ALIVE))
        except SQLAlchemyError:
            return False

    def _end(self) -> None:
        session, self._session = self._session, None
        if session is not None:
            session.close()

    def _lock(self) -> sqlalchemy.Connection:
        with errors_in_a_line(self._url):
            session = self._engine.connect()
            try:
                self._take(session)
            except BaseException:
                session.close()
                raise
            return session

    def _take(self, session: sqlalchemy.Connection) -> None:
        key = {"key": _key(self._study)}
        for statement in KEEPALIVE:
            session.execute(sqlalchemy.text(statement))
        got = session.execute(sqlalchemy.text("SELECT pg_try_advisory_lock(:key)"), key)
        if not got.scalar():
            raise taken(f"study {self._study!r}", _holder(session, key), self._advice)
        name = f"wolfsbane {owner()['pid']} {owner()['host']}"[:LONGEST_APPLICATION_NAME]
        session.execute(sqlalchemy.text("SET application_name = :name"), {"name": name})


def _key(study: str) -> int:
    """Return a number of 63 bits, so that it is the same read as signed and unsigned."""
    return int.from_bytes(hashlib.sha256(study.encode()).digest()[:8], "big") >> 1


def _holder(session: sqlalchemy.Connection, key: Mapping[str, int]) -> dict[str, Any]:
    """Return who holds a lock, from the name of that session."""
    row = session.execute(sqlalchemy.text(HOLDER), key).first()
    name = "" if row is None else str(row[0])
    _, _, rest = name.partition("wolfsbane ")
    pid, _, host = rest.partition(" ")
    if row is None or not pid.isdigit():
        return {}
    return {"pid": int(pid), "host": host, "since": row[2].isoformat(timespec="seconds")}


@contextmanager
def session_lock(url: str, study: str, advice: str) -> Iterator[Guard]:
    """Hold a study of a PostgreSQL database for as long as the context lasts."""
    lock = SessionLock(url, study, advice)
    try:
        yield lock
    finally:
        lock.free()
