"""What the lesson leaves when it dies is ended, whatever it does to live on."""

import os
import signal
import subprocess
import sys

import pytest

from wolfsbane.learn.workers.keeper import Keeper

STUBBORN = """\
import ctypes, signal
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print("in C", flush=True)
ctypes.PyDLL(None).pause()
"""


@pytest.fixture
def stubborn():
    """Start a process that no message reaches."""
    with subprocess.Popen(
        [sys.executable, "-c", STUBBORN], stdout=subprocess.PIPE, start_new_session=True
    ) as process:
        process.stdout.readline()
        yield process
        process.kill()


def test_what_is_kept_ends_with_its_parent(stubborn, tmp_path):
    folder = tmp_path / "two\twords"
    (folder / "inner").mkdir(parents=True)
    keeper = Keeper()
    keeper.keep(stubborn.pid, str(folder))
    keeper.close()
    assert stubborn.wait() == -signal.SIGKILL
    assert not folder.exists()


def test_what_is_let_go_is_left_alone(stubborn, tmp_path):
    keeper = Keeper()
    keeper.keep(stubborn.pid, str(tmp_path))
    keeper.let_go(stubborn.pid)
    keeper.close()
    assert stubborn.poll() is None
    assert tmp_path.exists()


PARENT = """\
import sys
from wolfsbane.learn.workers.keeper import Keeper
keeper = Keeper()
keeper.keep(int(sys.argv[1]), sys.argv[2])
print("kept", flush=True)
input()
"""


def test_it_outlives_a_parent_that_is_killed(stubborn, tmp_path):
    folder = tmp_path / "own"
    folder.mkdir()
    command = [sys.executable, "-c", PARENT, str(stubborn.pid), str(folder)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True
    ) as parent:
        parent.stdout.readline()
        os.killpg(parent.pid, signal.SIGKILL)
    assert stubborn.wait() == -signal.SIGKILL


def test_telling_a_keeper_that_is_gone_is_no_mistake(tmp_path):
    keeper = Keeper()
    keeper.close()
    keeper.keep(1, str(tmp_path))
