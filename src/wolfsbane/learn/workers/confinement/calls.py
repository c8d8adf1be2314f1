"""System calls by their numbers on each processor. Linux's tables never change a number.

References:
    arch/x86/entry/syscalls/syscall_64.tbl and include/uapi/asm-generic/unistd.h in Linux.
"""

import platform
import sys
from collections.abc import Mapping
from dataclasses import dataclass

REFUSED = (
    # The network. Two sockets that know one another can be had, as asyncio needs them.
    *("socket", "connect", "bind", "listen", "sendmsg", "sendmmsg"),
    *("io_uring_setup", "io_uring_enter", "io_uring_register"),
    # Further processes.
    *("fork", "vfork", "execve", "execveat", "unshare", "setns"),
    # Other processes: their memory, their descriptors, signals that cannot be told from one's own.
    *("ptrace", "process_vm_readv", "process_vm_writev", "process_madvise", "process_mrelease"),
    *("kcmp", "pidfd_open", "pidfd_getfd", "pidfd_send_signal", "tkill"),
    *("rt_sigqueueinfo", "rt_tgsigqueueinfo", "setpriority", "ioprio_set"),
    # Memory that no limit counts, and what outlives its process.
    *("memfd_create", "memfd_secret", "shmget", "msgget", "semget", "mq_open"),
    # Owners and attributes of files, which Landlock does not see to.
    *("chown", "fchown", "lchown", "fchownat"),
    *("setxattr", "lsetxattr", "fsetxattr", "removexattr", "lremovexattr", "fremovexattr"),
    # The machine, for the case that the student is root.
    *("bpf", "perf_event_open", "userfaultfd", "keyctl", "add_key", "request_key"),
    *("mount", "umount2", "pivot_root", "chroot", "open_by_handle_at", "reboot"),
    *("open_tree", "move_mount", "fsopen", "fsconfig", "fsmount", "mount_setattr"),
    *("init_module", "finit_module", "delete_module", "kexec_load", "kexec_file_load"),
    *("settimeofday", "clock_settime", "sethostname", "swapon", "swapoff"),
)
"""Refused whatever their arguments."""

PRETENDED = (
    *("chmod", "fchmod", "fchmodat", "fchmodat2"),
    *("utime", "utimes", "futimesat", "utimensat"),
)
"""Not done, and said to be: rights and times of files. shutil.copy goes on; no harm is done."""

OWN_ONLY = (
    *("kill", "tgkill", "prlimit64", "sched_setaffinity", "sched_setscheduler"),
    *("sched_setparam", "sched_setattr", "migrate_pages", "move_pages"),
)
"""Refused unless the process that is named first is one's own, or 0."""

REFUSED_SECOND = {
    # F_SETOWN, F_SETSIG, F_SETOWN_EX: whom the kernel signals of a descriptor, and how.
    "fcntl": (8, 10, 15),
    # FIOSETOWN and SIOCSPGRP likewise; TIOCSTI and TIOCSCTTY: to type into a terminal, to take it.
    "ioctl": (0x8901, 0x8902, 0x5412, 0x540E),
}
"""Refused where the second argument is one of these."""

DATAGRAMS = 0x2
"""In a socket's type, of sorts that could be sent to anybody: SOCK_DGRAM, SOCK_RAW."""

_SINCE_5 = {
    "pidfd_send_signal": 424,
    "open_tree": 428,
    "move_mount": 429,
    "fsopen": 430,
    "fsconfig": 431,
    "fsmount": 432,
    "io_uring_setup": 425,
    "io_uring_enter": 426,
    "io_uring_register": 427,
    "pidfd_open": 434,
    "clone3": 435,
    "pidfd_getfd": 438,
    "process_madvise": 440,
    "mount_setattr": 442,
    "memfd_secret": 447,
    "process_mrelease": 448,
    "fchmodat2": 452,
}
"""The same on every processor."""

_X86_64 = {
    "ioctl": 16,
    "shmget": 29,
    "socket": 41,
    "connect": 42,
    "sendmsg": 46,
    "bind": 49,
    "listen": 50,
    "socketpair": 53,
    "clone": 56,
    "fork": 57,
    "vfork": 58,
    "execve": 59,
    "kill": 62,
    "semget": 64,
    "msgget": 68,
    "fcntl": 72,
    "chmod": 90,
    "fchmod": 91,
    "chown": 92,
    "fchown": 93,
    "lchown": 94,
    "ptrace": 101,
    "rt_sigqueueinfo": 129,
    "utime": 132,
    "setpriority": 141,
    "sched_setparam": 142,
    "sched_setscheduler": 144,
    "pivot_root": 155,
    "chroot": 161,
    "settimeofday": 164,
    "mount": 165,
    "umount2": 166,
    "swapon": 167,
    "swapoff": 168,
    "reboot": 169,
    "sethostname": 170,
    "init_module": 175,
    "delete_module": 176,
    "setxattr": 188,
    "lsetxattr": 189,
    "fsetxattr": 190,
    "removexattr": 197,
    "lremovexattr": 198,
    "fremovexattr": 199,
    "tkill": 200,
    "sched_setaffinity": 203,
    "clock_settime": 227,
    "tgkill": 234,
    "utimes": 235,
    "mq_open": 240,
    "kexec_load": 246,
    "add_key": 248,
    "request_key": 249,
    "keyctl": 250,
    "ioprio_set": 251,
    "migrate_pages": 256,
    "fchownat": 260,
    "futimesat": 261,
    "fchmodat": 268,
    "unshare": 272,
    "move_pages": 279,
    "utimensat": 280,
    "rt_tgsigqueueinfo": 297,
    "perf_event_open": 298,
    "prlimit64": 302,
    "open_by_handle_at": 304,
    "sendmmsg": 307,
    "setns": 308,
    "process_vm_readv": 310,
    "process_vm_writev": 311,
    "kcmp": 312,
    "finit_module": 313,
    "sched_setattr": 314,
    "memfd_create": 319,
    "kexec_file_load": 320,
    "bpf": 321,
    "execveat": 322,
    "userfaultfd": 323,
}

_AARCH64 = {
    "setxattr": 5,
    "lsetxattr": 6,
    "fsetxattr": 7,
    "removexattr": 14,
    "lremovexattr": 15,
    "fremovexattr": 16,
    "fcntl": 25,
    "ioctl": 29,
    "ioprio_set": 30,
    "umount2": 39,
    "mount": 40,
    "pivot_root": 41,
    "chroot": 51,
    "fchmod": 52,
    "fchmodat": 53,
    "fchownat": 54,
    "fchown": 55,
    "utimensat": 88,
    "unshare": 97,
    "kexec_load": 104,
    "init_module": 105,
    "delete_module": 106,
    "clock_settime": 112,
    "ptrace": 117,
    "sched_setparam": 118,
    "sched_setscheduler": 119,
    "sched_setaffinity": 122,
    "kill": 129,
    "tkill": 130,
    "tgkill": 131,
    "rt_sigqueueinfo": 138,
    "setpriority": 140,
    "reboot": 142,
    "sethostname": 161,
    "settimeofday": 170,
    "mq_open": 180,
    "msgget": 186,
    "semget": 190,
    "shmget": 194,
    "socket": 198,
    "socketpair": 199,
    "bind": 200,
    "listen": 201,
    "connect": 203,
    "sendmsg": 211,
    "add_key": 217,
    "request_key": 218,
    "keyctl": 219,
    "clone": 220,
    "execve": 221,
    "swapon": 224,
    "swapoff": 225,
    "migrate_pages": 238,
    "move_pages": 239,
    "rt_tgsigqueueinfo": 240,
    "perf_event_open": 241,
    "prlimit64": 261,
    "open_by_handle_at": 265,
    "setns": 268,
    "sendmmsg": 269,
    "process_vm_readv": 270,
    "process_vm_writev": 271,
    "kcmp": 272,
    "finit_module": 273,
    "sched_setattr": 274,
    "memfd_create": 279,
    "bpf": 280,
    "execveat": 281,
    "userfaultfd": 282,
    "kexec_file_load": 294,
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
