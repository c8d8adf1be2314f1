"""The lock of a PostgreSQL server, and the session that holds it."""

import time

import optuna
import pytest
import sqlalchemy

from tuning.record.searches import opened, outcome
from wolfsbane.errors import ArgumentError
from wolfsbane.tuning.record.sessions import SessionLock
from wolfsbane.tuning.record.storages import with_driver


@pytest.fixture
def server(new_database):
    """Return how to ask the server itself, past Optuna."""
    engine = sqlalchemy.create_engine(with_driver(new_database), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        yield lambda query: connection.execute(sqlalchemy.text(query)).fetchall()
    engine.dispose()


OTHERS = "FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
BREAK_OFF = f"SELECT pg_terminate_backend(pid) {OTHERS}"


def study_name(url):
    (study,) = optuna.get_all_study_summaries(with_driver(url))
    return study.study_name


def test_no_session_is_left_behind(new_database, server):
    of_other_tests = {*server(f"SELECT pid {OTHERS}")}
    with opened(storage=new_database) as record:
        record.tell(record.suggest(), outcome())
        assert server(f"SELECT application_name {OTHERS} AND application_name LIKE 'wolfsbane %'")
    deadline = time.monotonic() + 30  # The server takes note of it by and by.
    while {*server(f"SELECT pid {OTHERS}")} - of_other_tests and time.monotonic() < deadline:
        time.sleep(0.01)
    assert {*server(f"SELECT pid {OTHERS}")} <= of_other_tests


def test_a_session_that_breaks_off_is_taken_up_again(new_database, server):
    with opened(storage=new_database) as record:
        request = record.suggest()
        assert len(server(BREAK_OFF)) >= 2  # The lock's, and Optuna's.
        record.tell(request, outcome())
        with pytest.raises(ArgumentError, match="in use by process"), opened(storage=new_database):
            pass
    with opened(storage=new_database) as again:
        assert again.num_resumed == 1


def test_who_has_lost_the_study_writes_no_more(new_database, server):
    with opened(storage=new_database) as one:
        request = one.suggest()
        server(BREAK_OFF)
        other = SessionLock(with_driver(new_database), study_name(new_database), "Wait for it")
        for write in (one.suggest, lambda: one.tell(request, outcome())):
            with pytest.raises(ArgumentError, match="in use by process"):
                write()
        other.free()
    with opened(storage=new_database) as again:
        assert again.num_resumed == 0
        assert again.suggest().seed == request.seed


def test_who_has_lost_the_study_leaves_the_trials_of_who_has_it(new_database, server):
    others = []

    def lose():
        with opened(storage=new_database) as record:
            record.suggest()
            server(BREAK_OFF)
            others.append(SessionLock(with_driver(new_database), study_name(new_database), "Wait"))
            record.suggest()

    with pytest.raises(ArgumentError, match="in use by process"):
        lose()
    study = optuna.load_study(
        study_name=study_name(new_database), storage=with_driver(new_database)
    )
    assert [trial.state.name for trial in study.trials] == ["RUNNING"]
    others[0].free()
