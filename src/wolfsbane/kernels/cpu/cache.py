"""Compiled kernels on disk: object code under a name that says what it was compiled from and for.

The name is a hash of every source that can change the code, of the versions of the compiler, and of
the processor; so an old file is never taken for a new one, whatever a file's date says. (Numba's
own cache looks at the date and the size of the one file in which a function stands.)
"""

import functools
import hashlib
import importlib.metadata
import os
import tempfile
import warnings
from collections.abc import Callable
from pathlib import Path

import platformdirs

from wolfsbane.errors import WolfsbaneWarning

VARIABLE = "WOLFSBANE_CACHE_DIR"
"""Environment variable with another folder for compiled kernels."""

_DIGEST_BYTES = hashlib.sha256().digest_size


def folder() -> Path:
    """Return where compiled kernels are kept."""
    chosen = os.environ.get(VARIABLE)
    return (
        Path(chosen).expanduser()
        if chosen
        else Path(platformdirs.user_cache_dir("wolfsbane")) / "kernels"
    )


def object_code(name: str, compile_it: Callable[[], bytes]) -> bytes:
    """Return what is stored under `name`, or compile it and store it."""
    path = folder() / f"{hashlib.sha256(f'{name} {_origin()}'.encode()).hexdigest()[:32]}.o"
    code = _read(path)
    if code is None:
        code = compile_it()
        _write(path, code)
    return code


@functools.cache
def _origin() -> str:
    """Describe what object code depends on beside its name."""
    from llvmlite import binding  # noqa: PLC0415  # loads LLVM

    here = Path(__file__).parent
    sources = [here / "signatures.py", here / "toolchain.py", *sorted(here.glob("source/*.py"))]
    digest = hashlib.sha256(b"".join(path.read_bytes() for path in sources)).hexdigest()
    versions = [importlib.metadata.version(package) for package in ("numba", "llvmlite")]
    processor = binding.get_host_cpu_name(), binding.get_host_cpu_features().flatten()
    return repr((digest, versions, binding.get_default_triple(), processor))


def _read(path: Path) -> bytes | None:
    """Return the object code in `path`; None where there is none, or not the whole of it."""
    try:
        content = path.read_bytes()
    except OSError:
        return None
    digest, code = content[:_DIGEST_BYTES], content[_DIGEST_BYTES:]
    return code if hashlib.sha256(code).digest() == digest else None


def _write(path: Path, code: bytes) -> None:
    """Store object code so that another process sees all of it or nothing."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as file:
            unfinished = Path(file.name)
            try:
                file.write(hashlib.sha256(code).digest() + code)
                file.close()  # Windows renames only what is closed.
                unfinished.replace(path)
            except OSError:
                file.close()
                unfinished.unlink(missing_ok=True)
                raise
    except OSError as error:
        # The error's own words name a temporary file, another one for each kernel.
        _warn_once(path.parent, error.strerror or type(error).__name__)


@functools.cache
def _warn_once(where: Path, problem: str) -> None:
    warnings.warn(
        f"compiled kernels cannot be kept in {where} ({problem}), so each process compiles them "
        f"anew, which takes seconds. Name a folder that can be written to: {VARIABLE}=/path",
        WolfsbaneWarning,
        stacklevel=2,
    )
