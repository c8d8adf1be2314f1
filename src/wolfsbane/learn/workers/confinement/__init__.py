"""What a student's program may not do: compute for ever, fill memory or disk, reach out.

Four concepts, each a file: limits that every Unix has; system calls that Linux refuses
(`system_calls`); writing outside a folder, which Linux refuses (`files`); and Python's own audit
hook (`hook`), which says in words what is refused, and where Linux's means cannot be had is all
there is: it stops what is done by mistake, not who means harm.

Reading is free: a program sees what its user sees, and can tell it to the page alone. What adds up
(files, threads) is watched by the parent, `workers.watch`; that nothing outlives the lesson is the
part of `workers.keeper`.
"""

from dataclasses import dataclass
from pathlib import Path

from wolfsbane.learn.workers.confinement import files, hook, limits, system_calls


@dataclass(frozen=True)
class Protection:
    """What stands between a program and the machine, besides the audit hook.

    Attributes:
        system_calls: whether the kernel refuses sockets and processes.
        files: whether the kernel refuses writing outside the program's folder.
    """

    system_calls: bool
    files: bool

    def lacks(self) -> str:
        """Return a sentence on what this machine's kernel does not do; empty where it does all."""
        things = ("the network and other processes", "files outside its folder")
        missing = [
            thing
            for thing, is_there in zip(things, (self.system_calls, self.files), strict=True)
            if not is_there
        ]
        if not missing:
            return ""
        return (
            f"On this machine a program is kept from {' and from '.join(missing)} by Python alone, "
            "which stops what is done by mistake, not who means harm: run programs that you trust."
        )


def available() -> Protection:
    """Return what this machine can do; nothing is changed."""
    return Protection(system_calls.is_available(), files.is_available())


def confine(folder: Path, *, memory: int, seconds: float) -> Protection:
    """Confine this process. There is no way back.

    Args:
        folder: where it may write.
        memory: bytes that it may take beyond what it has.
        seconds: that it will be given by the clock.
    """
    limits.impose(memory, seconds)
    hook.install(folder)
    return Protection(system_calls=system_calls.refuse(), files=files.keep_within(folder))
