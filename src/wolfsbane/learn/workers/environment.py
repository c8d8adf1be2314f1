"""What a worker finds in its environment."""

import os
import sysconfig
from pathlib import Path

import wolfsbane

KEPT = (
    "HOME",
    "LANG",
    "LANGUAGE",
    "LD_LIBRARY_PATH",
    "PATH",
    "PYTHONUSERBASE",
    "TZ",
)
KEPT_BEGINNINGS = ("DYLD_", "KMP_", "LC_", "MKL_", "OMP_")
"""What a student's process needs to find and load torch, and no more: others may be secrets."""

FOR_STUDENTS = {
    "OMP_NUM_THREADS": "1",
    "CUDA_VISIBLE_DEVICES": "",  # A driver maps more address space than a program may have.
    "MALLOC_ARENA_MAX": "2",  # Else each thread takes 128 MiB of it.
    "PYTHONDONTWRITEBYTECODE": "1",
}


def environment(*, is_reduced: bool) -> dict[str, str]:
    """Return a worker's environment: it finds this very wolfsbane, whatever its folder.

    Args:
        is_reduced: whether it keeps only what is needed.
    """
    kept = {name: value for name, value in os.environ.items() if not is_reduced or _is_kept(name)}
    kept.pop("PYTHONPATH", None)
    path = _path()
    if path:
        kept["PYTHONPATH"] = path
    return {**kept, **FOR_STUDENTS} if is_reduced else kept


def _is_kept(name: str) -> bool:
    return name in KEPT or name.startswith(KEPT_BEGINNINGS)


def _path() -> str:
    """Return PYTHONPATH, absolute, and with the folder of this wolfsbane where Python needs it."""
    given = [entry for entry in os.environ.get("PYTHONPATH", "").split(os.pathsep) if entry]
    folders = [str(Path(entry).absolute()) for entry in given]
    here = str(Path(wolfsbane.__file__).absolute().parent.parent)
    installed = {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}
    if here not in installed and here not in folders:
        folders.append(here)
    return os.pathsep.join(folders)
