"""The audit hook refuses in words; a process of its own, since it cannot be taken away."""

import subprocess
import sys

import pytest

BEGIN = """\
import asyncio, ctypes, os, resource, socket, sys
from pathlib import Path
from wolfsbane.learn.workers.confinement import hook
hook.install(Path({folder!r}))
def refused(act):
    try:
        act()
    except PermissionError as error:
        return type(error).__name__, error.end
    return None
"""

PROCESSES, NETWORK = "<End.PROCESSES: 'processes'>", "<End.NETWORK: 'network'>"

ACTS = {
    "os.fork": PROCESSES,
    "lambda: os.system('true')": PROCESSES,
    "lambda: os.execv('/bin/true', ['true'])": PROCESSES,
    "lambda: os.posix_spawn('/bin/true', ['true'], {})": PROCESSES,
    "lambda: os.kill(os.getppid(), 0)": PROCESSES,
    "lambda: os.killpg(os.getppid(), 0)": PROCESSES,
    "lambda: resource.prlimit(os.getppid(), resource.RLIMIT_CPU)": PROCESSES,
    "lambda: socket.create_connection(('127.0.0.1', 9))": NETWORK,
    "lambda: socket.getaddrinfo('localhost', 80)": NETWORK,
    "lambda: socket.socket().bind(('127.0.0.1', 0))": NETWORK,
    "lambda: open('/tmp/elsewhere', 'a')": "None",
    "lambda: os.open('/tmp/elsewhere', os.O_CREAT | os.O_RDWR)": "None",
    "lambda: os.remove('/tmp/elsewhere')": "None",
    "lambda: os.rename('/etc/hostname', 'mine')": "None",
    "lambda: os.mkdir('../elsewhere')": "None",
    "lambda: os.symlink('mine', '/tmp/elsewhere')": "None",
    "lambda: os.chmod(b'/etc/hostname', 0)": "None",
    "lambda: (os.symlink('/etc', 'etc'), open('etc/elsewhere', 'w'))": "None",
    "lambda: os.chmod('hostname', 0, dir_fd=os.open('/etc', os.O_RDONLY))": "None",
    "lambda: os.chmod(os.open('/etc/hostname', os.O_RDONLY), 0)": "None",
    "lambda: os.utime(os.open('/etc/hostname', os.O_RDONLY))": "None",
    "lambda: os.remove('elsewhere', dir_fd=os.open('/tmp', os.O_RDONLY))": "None",
    "lambda: os.rename('mine', 'x', dst_dir_fd=os.open('/tmp', os.O_RDONLY))": "None",
    "socket.socket": NETWORK,
    "lambda: socket.socket(socket.AF_INET6)": NETWORK,
    "lambda: asyncio.run(asyncio.open_connection('127.0.0.1', 9))": NETWORK,
}
ALLOWED = (
    "lambda: open('/etc/hostname').close()",
    "lambda: open('mine', 'w').close()",
    "lambda: open(os.devnull, 'w').close()",
    "lambda: (os.mkdir('made'), os.rename('mine', 'made/mine'), os.remove('made/mine'))",
    "lambda: os.kill(os.getpid(), 0)",
    "lambda: [each.close() for each in socket.socketpair()]",
    "lambda: os.chmod(os.open('mine', os.O_CREAT | os.O_RDWR), 0o600)",
    "lambda: os.utime('mine', dir_fd=os.open('.', os.O_RDONLY))",
    "lambda: os.remove('mine', dir_fd=os.open('.', os.O_RDONLY))",
    "lambda: asyncio.run(asyncio.sleep(0))",
)


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    """Return what each act came to, in one process in which the hook is on."""
    folder = tmp_path_factory.mktemp("own")
    lines = [f"print(refused({act}))" for act in (*ACTS, *ALLOWED)]
    done = subprocess.run(
        [sys.executable, "-c", BEGIN.format(folder=str(folder)) + "\n".join(lines)],
        cwd=folder,
        capture_output=True,
        text=True,
        check=True,
    )
    return dict(zip((*ACTS, *ALLOWED), done.stdout.splitlines(), strict=True))


@pytest.mark.parametrize("act", ACTS)
def test_what_may_not_be_is_refused(told, act):
    assert told[act] == f"('RefusedError', {ACTS[act]})"


@pytest.mark.parametrize("act", ALLOWED)
def test_what_may_be_is_done(told, act):
    assert told[act] == "None"
