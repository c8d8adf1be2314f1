import importlib.util

import optuna
import pytest

from skips import require
from tuning.record.searches import opened, outcome, setting
from wolfsbane.errors import ArgumentError, MissingDependencyError
from wolfsbane.tuning.objective import Objective
from wolfsbane.tuning.record.storages import shown_url
from wolfsbane.tuning.trial import Outcome

BAD = {
    "tuning.db": "no URL of a database.*such as sqlite:///tuning.db",
    "foo://host": "no URL of a database.*such as sqlite:///tuning.db",
    "sqlite:////no/such/folder/tuning.db": "No such file or directory",
    "postgresql://tester:secret@localhost:1/tuning": "refused",
    "postgresql://tester:secret@no.such.host.invalid/tuning": "could not translate host name",
}


@pytest.mark.parametrize("url", BAD)
def test_a_database_that_cannot_be_opened_is_said_in_a_line(url):
    if url.startswith("postgresql"):
        require(importlib.util.find_spec("psycopg2"), "psycopg2")
    with pytest.raises(ArgumentError, match=BAD[url]) as caught, opened(storage=url):
        pass
    assert "\n" not in str(caught.value)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "module", "package"),
    [
        ("mysql://user:secret@host/tuning", "MySQLdb", "mysqlclient"),
        ("mysql+pymysql://user:secret@host/tuning", "pymysql", "PyMySQL"),
        ("oracle://host", "oracledb", "oracledb"),
        ("redis://user:secret@host", "redis", "redis"),
    ],
)
def test_a_driver_that_is_missing_is_named_with_its_package(url, module, package):
    require(importlib.util.find_spec(module) is None, f"an environment without {module}")
    said = f"needs {module}: pip install {package}$"
    with pytest.raises(MissingDependencyError, match=said) as caught, opened(storage=url):
        pass
    assert "secret" not in str(caught.value)


def test_a_file_that_is_no_database_is_refused(tmp_path):
    file = tmp_path / "tuning.db"
    file.write_text("something else, long enough to be looked at as a header of a database file")
    with (
        pytest.raises(ArgumentError, match=r"file is not a database"),
        opened(storage=f"sqlite:///{file}"),
    ):
        pass


def test_a_url_is_shown_without_its_password():
    assert shown_url("postgresql://me:secret@host/db") == "postgresql://me:***@host/db"


def test_searches_of_different_settings_share_a_database(tmp_path):
    url = f"sqlite:///{tmp_path / 'tuning.db'}"
    other = setting(train_size=50)
    with opened(storage=url) as first, opened(storage=url, asked=other) as second:
        first.tell(first.suggest(), outcome(0.1))
        second.tell(second.suggest(), outcome(0.2))
        assert [trial.outcome for trial in first.trials()] == [outcome(0.1)]
        assert [trial.outcome for trial in second.trials()] == [outcome(0.2)]
    names = [study.study_name for study in optuna.get_all_study_summaries(url)]
    assert len(names) == 2
    assert all(name.startswith("wolfsbane: str, the default network, ") for name in names)


@pytest.mark.parametrize("place", ["sqlite", "postgresql"], indirect=True)
def test_a_database_has_the_direction_and_the_values(place):
    curves = {"validation_accuracy": (0.9, 0.8)}
    asked = setting(Objective("accuracy", higher_is_better=True))
    directory, url = place
    with opened(directory, url, asked) as record:
        record.tell(record.suggest(), Outcome(curves))
    (summary,) = optuna.get_all_study_summaries(url.replace("postgresql:", "postgresql+psycopg2:"))
    assert summary.direction.name == "MAXIMIZE"
    assert summary.best_trial.value == 0.8


def test_a_database_in_memory_works():
    with opened(storage="sqlite://") as record:
        record.tell(record.suggest(), outcome())
        assert record.trials()[0].outcome == outcome()
