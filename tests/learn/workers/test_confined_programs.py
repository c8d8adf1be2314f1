"""Whatever a student's program does, its run ends with one clear block, and the next run works."""

import tempfile
from contextlib import closing
from dataclasses import replace

import pytest

from learn.workers.runs import blocks_of, printed_in, students
from skips import require
from wolfsbane.learn.workers.confinement import available
from wolfsbane.learn.workers.job import STUDENTS_LIMITS
from wolfsbane.learn.workers.pool import Workers

SHORT = replace(STUDENTS_LIMITS, seconds=1.0)
SMALL = replace(STUDENTS_LIMITS, memory=256 << 20)


@pytest.fixture(scope="module")
def workers(tmp_path_factory):
    """Start workers from a folder whose files would take the place of modules, with a secret."""
    folder = tmp_path_factory.mktemp("students")
    for name in ("torch", "json", "wolfsbane"):
        (folder / f"{name}.py").write_text("raise SystemExit('shadowed')\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setenv("HUB_TOKEN", "a secret")
        with closing(Workers()) as workers:
            yield workers


STUBBORN = """\
import signal, sys, threading
signal.signal(signal.SIGTERM, signal.SIG_IGN)
def spin():
    while True:
        try:
            while True:
                pass
        except BaseException:
            pass
threading.Thread(target=spin).start()
print("before")
spin()
"""
IN_C = "import ctypes\nprint('before')\nctypes.PyDLL(None).sleep(1000)\n"
PRINTS = """\
number = 0
while True:
    try:
        number += 1
        print("line", number)
    except BaseException:
        pass
"""
RAW = """\
import os
for number in range(3, 40):
    try:
        os.write(number, {})
    except OSError:
        pass
print("sent")
"""
LIST = "grown = []\nwhile True:\n    grown.append({len(grown): str(len(grown))})\n"
LOADER = """\
import torch
from torch.utils.data import DataLoader
for batch in DataLoader(torch.randn(8, 2), num_workers=2):
    print(batch)
"""
DEEP = """\
import sys, ctypes
sys.setrecursionlimit(10**9)
class Deep:
    def __repr__(self):
        return repr(self)
repr(Deep())
"""
THREADS = """\
import threading
threading.stack_size(1 << 15)
end = threading.Event()
for _ in range(3000):
    threading.Thread(target=end.wait, daemon=True).start()
threading.Event().wait()
"""
FILES = """\
import os
kept = []
while True:
    kept.append(open("model.pt", "wb"))
    os.remove("model.pt")
    kept[-1].write(bytes(60 << 20))
"""
FORGED = RAW.format('b\'{"kind": "table", "caption": 1, "columns": 2, "rows": 3, "key": 4}\\n\'')

PROGRAMS = {
    "a loop that catches all, and a thread": (STUBBORN, SHORT, "time", "after 1 seconds"),
    "hangs in C": (IN_C, SHORT, "time", "a loop that does not end"),
    "prints for ever": (PRINTS, STUDENTS_LIMITS, "output", "print in a loop"),
    "a tensor of 400 GB": (
        "import torch\nprint('before')\ntorch.zeros(10**11)\n",
        STUDENTS_LIMITS,
        "memory",
        "more memory than it may have",
    ),
    "a list that grows": (LIST, SMALL, "memory", "does a list grow"),
    "a loader with workers": (LOADER, STUDENTS_LIMITS, "processes", "num_workers=0"),
    "another program": (
        "import subprocess\nsubprocess.run(['ls'])\n",
        STUDENTS_LIMITS,
        "processes",
        "another process",
    ),
    "a download": (
        "from urllib.request import urlopen\nurlopen('http://localhost:8000')\n",
        STUDENTS_LIMITS,
        "network",
        "make the data in the program",
    ),
    "leaves at once": ("import os\nos._exit(0)\n", STUDENTS_LIMITS, "crashed", "os._exit"),
    "reads address 0": (
        "import ctypes\nprint('before')\nctypes.string_at(0)\n",
        STUDENTS_LIMITS,
        "crashed",
        "SIGSEGV",
    ),
    "forges a line": (RAW.format("b'junk\\n'"), STUDENTS_LIMITS, "crashed", "Print instead"),
    "a line without end": (
        RAW.format("b'x' * 10**7"),
        STUDENTS_LIMITS,
        "crashed",
        "Print instead",
    ),
    "forges a block that cannot be drawn": (FORGED, STUDENTS_LIMITS, "crashed", "Print instead"),
    "says again that it is ready": (
        RAW.format('b\'{"kind": "ready"}\\n\''),
        STUDENTS_LIMITS,
        "crashed",
        "Print instead",
    ),
    "thousands of threads": (THREADS, STUDENTS_LIMITS, "processes", "more than 500 threads"),
    "fills the disk": (FILES, STUDENTS_LIMITS, "output", "512 MiB into files"),
    "a connection by asyncio": (
        "import asyncio\nasyncio.run(asyncio.open_connection('127.0.0.1', 9))\n",
        STUDENTS_LIMITS,
        "network",
        "make the data in the program",
    ),
    "maps memory": (
        "import mmap\nmaps = []\nwhile True:\n    maps.append(mmap.mmap(-1, 1 << 28))\n",
        SMALL,
        "memory",
        "more memory than it may have",
    ),
    "closes all files": (
        "import os, time\nos.closerange(3, 200)\ntime.sleep(1000)\n",
        STUDENTS_LIMITS,
        "crashed",
        "ended its own process",
    ),
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_every_way_to_end_is_told_once_and_explained(workers, name):
    program, limits, end, words = PROGRAMS[name]
    blocks = blocks_of(workers, students(program, limits))
    assert [block["kind"] for block in blocks].count("ended") == 1
    assert blocks[-1]["end"] == end, blocks[-1]
    assert words in blocks[-1]["text"]
    if "'before'" in program or '"before"' in program:
        assert printed_in(blocks)[0] == "before\n"
    if program is PRINTS:
        output, _ = printed_in(blocks)
        assert output.startswith("line 1\nline 2\n")
        assert len(output) == limits.output


def test_recursion_to_the_death_is_explained(workers):
    blocks = blocks_of(workers, students(DEEP, SHORT))
    assert blocks[-1]["end"] in {"crashed", "memory", "time"}
    assert blocks[-1]["text"]


ORDINARY = """\
import asyncio, os, sys, tempfile, threading
import torch
from pathlib import Path

torch.save(torch.nn.Linear(2, 2).state_dict(), "weights.pt")
print(sorted(torch.load("weights.pt")))
with tempfile.TemporaryDirectory() as folder:
    Path(folder, "notes.txt").write_text("written")
done = []
threads = [threading.Thread(target=done.append, args=(number,)) for number in range(3)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print(len(done), asyncio.run(asyncio.sleep(0, "slept")), torch.get_num_threads())
print("HUB_TOKEN" in os.environ, os.listdir(), sys.argv, __name__)
os.kill(os.getpid(), 0)
print(sys.stdin.isatty())
threading.Thread(target=threading.Event().wait).start()  # It never ends; the program does.
"""


def test_what_programs_ordinarily_do_works(workers):
    blocks = blocks_of(workers, students(ORDINARY))
    output, error = printed_in(blocks)
    assert (error, blocks[-1]["end"]) == ("", "finished")
    assert output.splitlines() == [
        "['bias', 'weight']",
        "3 slept 1",
        "False ['weights.pt'] ['program.py'] __main__",
        "False",
    ]


ASKS_THE_KERNEL = """\
import ctypes, os, resource, struct

libc = ctypes.CDLL(None, use_errno=True)
def say(name, result):
    print(name, result, os.strerror(ctypes.get_errno()))

say("fork", libc.fork())
say("socket", libc.socket(2, 1, 0))
arguments = (ctypes.c_char_p * 2)(b"true", None)
say("execv", libc.execv(b"/bin/true", arguments))
say("kill", libc.kill(os.getppid(), 0))
say("prlimit", libc.prlimit(os.getppid(), resource.RLIMIT_NOFILE, None, None))
say("raise", libc.kill(os.getpid(), 0))
"""


def test_the_kernel_refuses_what_python_is_not_asked_about(workers):
    require(available().system_calls, "a kernel that filters system calls")
    output, _ = printed_in(blocks_of(workers, students(ASKS_THE_KERNEL)))
    refused = "-1 Operation not permitted"
    assert output.splitlines()[:5] == [
        f"{name} {refused}" for name in ("fork", "socket", "execv", "kill", "prlimit")
    ]
    assert output.splitlines()[5].startswith("raise 0 ")


WRITES = """\
import ctypes, os
from pathlib import Path

for change in (
    lambda: Path({target!r}).write_text("changed"),
    lambda: os.remove({target!r}),
    lambda: os.rename({target!r}, "mine"),
    lambda: os.rename("/etc/hostname", "mine"),
):
    try:
        change()
    except PermissionError as error:
        print(error)
libc = ctypes.CDLL(None, use_errno=True)
print(libc.open({target!r}.encode(), os.O_WRONLY), libc.unlink({target!r}.encode()))
Path(os.devnull).write_text("nothing")
"""


def test_nothing_is_written_outside_a_programs_folder(workers, tmp_path):
    target = tmp_path / "kept.txt"
    target.write_text("as it was")
    output, error = printed_in(blocks_of(workers, students(WRITES.format(target=str(target)))))
    assert error == ""
    *told, by_the_kernel = output.splitlines()
    assert len(told) == 4
    assert all("only in its own folder" in line for line in told)
    require(available().files, "a kernel with Landlock")
    assert by_the_kernel == "-1 -1"
    assert target.read_text() == "as it was"


OUT_OF_ITS_FOLDER = """\
import ctypes, os, socket, struct
libc = ctypes.CDLL(None, use_errno=True)
parent = os.getppid()
kept = {target!r}.encode()
for name, result in {{
    "chown": lambda: libc.chown(kept, 0, 0),
    "setxattr": lambda: libc.setxattr(kept, b"user.mine", b"1", 1, 0),
    "setpriority": lambda: libc.setpriority(0, parent, 19),
    "affinity": lambda: libc.sched_setaffinity(parent, 8, ctypes.byref(ctypes.c_uint64(1))),
    "owner": lambda: libc.fcntl(1, 8, parent),
    "signal": lambda: libc.fcntl(1, 10, 9),
    "type": lambda: libc.ioctl(1, 0x5412, b"x"),
    "queue": lambda: libc.msgget(0, 0o600),
    "semaphore": lambda: libc.semget(0, 1, 0o600),
    "datagrams": lambda: libc.socketpair(1, 2, 0, ctypes.byref(ctypes.c_uint64())),
}}.items():
    print(name, result(), os.strerror(ctypes.get_errno()))
print("chmod", libc.chmod(kept, 0o777))
"""


def test_the_kernel_refuses_what_landlock_does_not_see_to(workers, tmp_path):
    require(available().system_calls, "a kernel that filters system calls")
    target = tmp_path / "kept.txt"
    target.touch(0o600)
    program = OUT_OF_ITS_FOLDER.format(target=str(target))
    output, error = printed_in(blocks_of(workers, students(program)))
    assert error == ""
    *refused, pretended = output.splitlines()
    assert len(refused) == 10
    assert all(line.endswith(" -1 Operation not permitted") for line in refused), refused
    assert pretended == "chmod 0"
    assert target.stat().st_mode & 0o777 == 0o600


DEEP_FOLDERS = """\
import ctypes
libc = ctypes.CDLL(None)
for _ in range(1200):
    libc.mkdir(b"inner", 0o700)
    libc.chdir(b"inner")
"""


def test_a_run_ends_whatever_its_folder_has_become(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with closing(Workers(are_warmed=False)) as workers:
        *_, ended = blocks_of(workers, students(DEEP_FOLDERS))
    assert ended["end"] == "finished"
    assert list(tmp_path.iterdir()) == []
