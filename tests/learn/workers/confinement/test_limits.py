"""Limits that every Unix has: each is imposed, and holds."""

import subprocess
import sys

from wolfsbane.learn.workers.confinement.limits import MOST_IN_A_FILE, MOST_OPEN, PAGES

PROGRAM = """
import errno, os, resource, signal
from wolfsbane.learn.workers.confinement.limits import PAGES, impose

impose(memory=64 << 20, seconds=3.0)
for name in ("FSIZE", "NOFILE", "CORE"):
    print(name, *resource.getrlimit(getattr(resource, "RLIMIT_" + name)))
print("CPU", resource.getrlimit(resource.RLIMIT_CPU)[1] >= 3 * os.cpu_count())
print("CPU", resource.getrlimit(resource.RLIMIT_CPU)[1] < 3 * os.cpu_count() + 60)
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
try:
    with open("weights.pt", "wb") as file:
        file.truncate(resource.getrlimit(resource.RLIMIT_FSIZE)[0] + 1)
except OSError as error:
    print(errno.errorcode[error.errno])
if PAGES.exists():
    try:
        bytearray(128 << 20)
    except MemoryError:
        print("MemoryError")
"""


def test_every_limit_is_imposed_for_good(tmp_path):
    ran = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert ran.stdout.splitlines() == [
        f"FSIZE {MOST_IN_A_FILE} {MOST_IN_A_FILE}",
        f"NOFILE {MOST_OPEN} {MOST_OPEN}",
        "CORE 0 0",
        "CPU True",
        "CPU True",
        "EFBIG",
        *(["MemoryError"] if PAGES.exists() else []),
    ], ran.stderr
