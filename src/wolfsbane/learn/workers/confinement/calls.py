"""System calls by their numbers on each processor. Linux's tables never change a number.

References:
    arch/x86/entry/syscalls/syscall_64.tbl and include/uapi/asm-generic/unistd.h in Linux.
"""

import platform
import sys
from collections.abc import Mapping
from dataclasses import dataclass

REFUSED = (
    # The network.
    *("socket", "io_uring_setup", "io_uring_enter", "io_uring_register"),
    # Further processes.
    *("fork", "vfork", "execve", "execveat", "unshare", "setns"),
    # Other processes: their memory, their descriptors, signals that cannot be told from one's own.
    *("ptrace", "process_vm_readv", "process_vm_writev", "process_madvise", "kcmp"),
    *("pidfd_open", "pidfd_getfd", "pidfd_send_signal", "tkill"),
    *("rt_sigqueueinfo", "rt_tgsigqueueinfo"),
    # Memory that no limit counts.
    *("memfd_create", "memfd_secret", "shmget"),
    # The machine, for the case that the student is root.
    *("bpf", "perf_event_open", "userfaultfd", "keyctl", "add_key", "request_key"),
    *("mount", "umount2", "pivot_root", "chroot", "open_by_handle_at", "reboot"),
    *("init_module", "finit_module", "delete_module", "kexec_load"),
)
"""Refused whatever their arguments."""

OWN_ONLY = ("kill", "tgkill", "prlimit64")
"""Refused unless the process that is named first is one's own, or 0."""

_SINCE_5 = {
    "pidfd_send_signal": 424,
    "io_uring_setup": 425,
    "io_uring_enter": 426,
    "io_uring_register": 427,
    "pidfd_open": 434,
    "clone3": 435,
    "pidfd_getfd": 438,
    "process_madvise": 440,
    "memfd_secret": 447,
}
"""The same on every processor."""

_X86_64 = {
    "shmget": 29,
    "socket": 41,
    "clone": 56,
    "fork": 57,
    "vfork": 58,
    "execve": 59,
    "kill": 62,
    "ptrace": 101,
    "rt_sigqueueinfo": 129,
    "pivot_root": 155,
    "chroot": 161,
    "mount": 165,
    "umount2": 166,
    "reboot": 169,
    "init_module": 175,
    "delete_module": 176,
    "tkill": 200,
    "tgkill": 234,
    "kexec_load": 246,
    "add_key": 248,
    "request_key": 249,
    "keyctl": 250,
    "unshare": 272,
    "rt_tgsigqueueinfo": 297,
    "perf_event_open": 298,
    "prlimit64": 302,
    "open_by_handle_at": 304,
    "setns": 308,
    "process_vm_readv": 310,
    "process_vm_writev": 311,
    "kcmp": 312,
    "finit_module": 313,
    "memfd_create": 319,
    "bpf": 321,
    "execveat": 322,
    "userfaultfd": 323,
}

_AARCH64 = {
    "umount2": 39,
    "mount": 40,
    "pivot_root": 41,
    "chroot": 51,
    "unshare": 97,
    "kexec_load": 104,
    "init_module": 105,
    "delete_module": 106,
    "ptrace": 117,
    "kill": 129,
    "tkill": 130,
    "tgkill": 131,
    "rt_sigqueueinfo": 138,
    "reboot": 142,
    "shmget": 194,
    "socket": 198,
    "add_key": 217,
    "request_key": 218,
    "keyctl": 219,
    "clone": 220,
    "execve": 221,
    "rt_tgsigqueueinfo": 240,
    "perf_event_open": 241,
    "prlimit64": 261,
    "open_by_handle_at": 265,
    "setns": 268,
    "process_vm_readv": 270,
    "process_vm_writev": 271,
    "kcmp": 272,
    "finit_module": 273,
    "memfd_create": 279,
    "bpf": 280,
    "execveat": 281,
    "userfaultfd": 282,
}


@dataclass(frozen=True)
class Processor:
    """What a filter has to know of a processor.

    Attributes:
        audit: how the kernel calls it: AUDIT_ARCH_*.
        seccomp: the number of the call that installs a filter.
        end: numbers from here on are another table's, as of x32 on x86; None: there is none.
        numbers: of system calls, by name. What a processor does not have is not in it.
    """

    audit: int
    seccomp: int
    end: int | None
    numbers: Mapping[str, int]


PROCESSORS = {
    "x86_64": Processor(0xC000003E, 317, 0x40000000, {**_X86_64, **_SINCE_5}),
    "aarch64": Processor(0xC00000B7, 277, None, {**_AARCH64, **_SINCE_5}),
}


def processor() -> Processor | None:
    """Return this machine's, as this Python sees it; None where it is not known."""
    is_wide = sys.maxsize > 1 << 32  # A 32-bit Python makes other calls on the same machine.
    is_linux = sys.platform.startswith("linux")
    return PROCESSORS.get(platform.machine()) if is_linux and is_wide else None
