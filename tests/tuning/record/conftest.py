"""A PostgreSQL server of Debian's packages, in a directory that goes with the tests."""

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
import uuid
from pathlib import Path

import pytest
import sqlalchemy

from skips import require, require_packages


@pytest.fixture(params=["folder", "sqlite", "postgresql"])
def place(request, tmp_path):
    """Return the directory and the storage of a record that outlives its process."""
    if request.param == "postgresql":
        return None, request.getfixturevalue("new_database")
    if request.param == "memory":
        return None, None
    sqlite = None, f"sqlite:///{tmp_path / 'tuning.db'}"
    return sqlite if request.param == "sqlite" else (tmp_path / "run", None)


@pytest.fixture
def new_database(postgresql):
    """Return the URL of an empty part of a database: a schema, which is made more quickly."""
    name = f"tuning_{uuid.uuid4().hex}"
    engine = sqlalchemy.create_engine(postgresql, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(sqlalchemy.text(f"CREATE SCHEMA {name}"))
    engine.dispose()
    return postgresql.replace("+psycopg2", "") + f"&options=-csearch_path%3D{name}"


@pytest.fixture(scope="session")
def postgresql():
    """Return the URL of a server that listens on a socket of its own."""
    require_packages("psycopg2")
    programs = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    require(programs, "PostgreSQL's server: apt-get install postgresql")
    directory = Path(tempfile.mkdtemp(prefix="wb-"))  # The path of a socket has to be short.
    as_user = _other_user(directory)
    data = directory / "data"
    subprocess.run(
        [programs[-1], "-D", data, "-A", "trust", "-U", "tester", "-N", "-E", "UTF8", "--locale=C"],
        check=True,
        stdout=subprocess.DEVNULL,
        cwd=directory,
        **as_user,
    )
    options = ["-k", directory, "-c", "listen_addresses=", "-c", "fsync=off"]
    server = subprocess.Popen(
        [programs[-1].with_name("postgres"), "-D", data, *options],
        stderr=subprocess.DEVNULL,
        cwd=directory,
        **as_user,
    )
    try:
        url = f"postgresql+psycopg2://tester@/postgres?host={directory}"
        _wait_for(server, url)
        yield url
    finally:
        server.send_signal(signal.SIGQUIT)  # At once.
        server.wait()
        shutil.rmtree(directory)


def _other_user(directory):
    """PostgreSQL refuses to run as root."""
    if os.geteuid() != 0:
        return {}
    names = {one.pw_name: one for one in pwd.getpwall()}
    user = names.get("postgres") or names["nobody"]
    os.chown(directory, user.pw_uid, user.pw_gid)
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}


def _wait_for(server, url):
    engine = sqlalchemy.create_engine(url)
    while server.poll() is None:
        try:
            engine.connect().close()
        except sqlalchemy.exc.OperationalError:
            time.sleep(0.05)
        else:
            engine.dispose()
            return
    raise AssertionError(f"the server ended with {server.returncode}")
