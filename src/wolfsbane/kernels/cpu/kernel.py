"""A compiled kernel as something to call."""

import ctypes
import functools
import os
import threading
from collections.abc import Callable
from typing import Any

from wolfsbane.kernels.cpu import cache
from wolfsbane.kernels.cpu.signatures import Signature
from wolfsbane.kernels.cpu.threads import num_threads_for, run_on_team

_ENTRY_TYPE = ctypes.CFUNCTYPE(None, ctypes.c_void_p)

_loading = threading.RLock()
"""Held by who compiles or loads a kernel, and across a fork: a child has none of the threads that
could give back this lock, or Numba's and LLVM's."""

if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=_loading.acquire, after_in_parent=_loading.release, after_in_child=_loading.release
    )


class Kernel:
    """`build(*parameters)` of a module in `source`, compiled or loaded at the first call."""

    def __init__(self, signature: Signature, module: str, *parameters: object) -> None:
        self._signature = signature
        self._name = f"{module}{parameters!r}"
        self._source = (module, parameters)
        self._entry: Callable[[int], None] | None = None
        self._address = 0
        self._memory: Any = None

    def __call__(self, num_chunks: int, size: int, **arguments: float) -> None:
        """Compute all chunks, of `size` elements together, on as many threads as pay.

        Other Python threads go on meanwhile.
        """
        entry = self._entry or self._load()
        memory = self._signature.pack(num_chunks, arguments)
        num_threads = min(num_chunks, num_threads_for(size))
        if num_threads == 1:
            entry(ctypes.addressof(memory))
        else:
            run_on_team(entry, self._address, ctypes.addressof(memory), num_threads)

    def _load(self) -> Callable[[int], None]:
        from wolfsbane.kernels.cpu import toolchain  # noqa: PLC0415  # loads LLVM

        with _loading:
            if self._entry is None:
                compile_it = functools.partial(toolchain.compile_kernel, *self._source)
                code = cache.object_code(self._name, compile_it)
                self._memory, self._address = toolchain.load(code)
                self._entry = _ENTRY_TYPE(self._address)
            return self._entry


@functools.cache
def kernel(signature: Signature, module: str, *parameters: object) -> Kernel:
    """Return the one kernel of these parameters in this process."""
    return Kernel(signature, module, *parameters)
