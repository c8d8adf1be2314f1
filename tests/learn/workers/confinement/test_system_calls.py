"""The filter refuses what it should, on either processor, by an interpreter of its instructions."""

import errno
import struct

import pytest

from wolfsbane.learn.workers.confinement.calls import OWN_ONLY, PRETENDED, PROCESSORS, REFUSED
from wolfsbane.learn.workers.confinement.system_calls import (
    ALLOW,
    CLONE_THREAD,
    KILL,
    REFUSE,
    program,
)

PROCESS = 4321
READ, SIGTERM = {"x86_64": 0, "aarch64": 63}, 15


def judged(known, number, *arguments, audit=None):
    """Return what the filter returns of a system call, as Linux would run it."""
    padded = [*arguments, *[0] * (6 - len(arguments))]
    data = struct.pack("<IIQ6Q", number, known.audit if audit is None else audit, 0, *padded)
    instructions, at, loaded = program(known, PROCESS), 0, 0
    tests = {
        0x15: lambda value: loaded == value,
        0x35: lambda value: loaded >= value,
        0x45: lambda value: bool(loaded & value),
    }
    while True:
        code, if_true, if_false, value = instructions[at]
        at += 1
        if code == 0x06:
            return value
        if code == 0x20:
            (loaded,) = struct.unpack_from("<I", data, value)
        else:
            at += if_true if tests[code](value) else if_false


@pytest.fixture(params=PROCESSORS)
def name(request):
    return request.param


@pytest.fixture
def known(name):
    return PROCESSORS[name]


REFUSED_WITH_EPERM = REFUSE | errno.EPERM


def test_what_is_refused_is_refused(known):
    for call in REFUSED:
        if call in known.numbers:
            assert judged(known, known.numbers[call]) == REFUSED_WITH_EPERM, call


def test_only_calls_that_a_processor_does_not_have_lack_a_number(name):
    missing = [call for call in REFUSED if call not in PROCESSORS[name].numbers]
    assert missing == {"x86_64": [], "aarch64": ["fork", "vfork", "chown", "lchown"]}[name]


def test_no_two_calls_have_one_number(known):
    assert len(set(known.numbers.values())) == len(known.numbers)


def test_what_programs_need_is_allowed(name, known):
    assert judged(known, READ[name]) == ALLOW


def test_threads_are_allowed_and_processes_are_not(known):
    clone = known.numbers["clone"]
    assert judged(known, clone, CLONE_THREAD | 0x100) == ALLOW
    assert judged(known, clone, 17) == REFUSED_WITH_EPERM
    assert judged(known, clone, 0x4100) == REFUSED_WITH_EPERM  # As posix_spawn asks.


def test_libc_is_told_that_there_is_no_clone3(known):
    assert judged(known, known.numbers["clone3"]) == REFUSE | errno.ENOSYS


@pytest.mark.parametrize("call", OWN_ONLY)
def test_one_may_signal_and_limit_oneself_and_nobody_else(known, call):
    number = known.numbers[call]
    assert judged(known, number, PROCESS, SIGTERM) == ALLOW
    assert judged(known, number, 0, SIGTERM) == ALLOW
    assert judged(known, number, PROCESS + 1, SIGTERM) == REFUSED_WITH_EPERM
    assert judged(known, number, 0xFFFFFFFF, SIGTERM) == REFUSED_WITH_EPERM  # -1: everybody.


def test_calls_by_another_processors_numbers_end_the_process(known):
    assert judged(known, 0, audit=0x40000003) == KILL


def test_the_numbers_of_x32_are_refused():
    assert judged(PROCESSORS["x86_64"], 0x40000000) == REFUSED_WITH_EPERM


def test_rights_and_times_of_files_are_not_changed_and_no_error_says_so(known):
    calls = [known.numbers[call] for call in PRETENDED if call in known.numbers]
    assert len(calls) >= 4
    assert {judged(known, call) for call in calls} == {REFUSE}


STREAM, DATAGRAM, RAW, NOT_BLOCKING = 1, 2, 3, 0o4000


def test_two_sockets_may_know_one_another_but_send_to_nobody_else(known):
    pair = known.numbers["socketpair"]
    assert judged(known, pair, 1, STREAM) == ALLOW
    assert judged(known, pair, 1, STREAM | NOT_BLOCKING) == ALLOW
    assert judged(known, pair, 1, DATAGRAM | NOT_BLOCKING) == REFUSED_WITH_EPERM
    assert judged(known, pair, 1, RAW) == REFUSED_WITH_EPERM


F_GETFL, F_SETOWN, F_SETSIG = 3, 8, 10
TCGETS, TIOCSTI, FIOSETOWN = 0x5401, 0x5412, 0x8901


def test_the_kernel_is_not_made_to_signal_another_process(known):
    for call, allowed, refused in (
        ("fcntl", F_GETFL, (F_SETOWN, F_SETSIG)),
        ("ioctl", TCGETS, (TIOCSTI, FIOSETOWN)),
    ):
        number = known.numbers[call]
        assert judged(known, number, 0, allowed) == ALLOW
        assert {judged(known, number, 0, each) for each in refused} == {REFUSED_WITH_EPERM}
