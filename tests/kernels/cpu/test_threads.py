"""Threads, forks and pools: whoever calls, the bits are the same, and nothing hangs."""

import concurrent.futures
import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time

import pytest
import torch
from torch.utils.data import DataLoader, Dataset

from skips import require
from wolfsbane import functional as F
from wolfsbane.kernels.cpu import threads
from wolfsbane.mask import keep_mask, scale

P = 0.3
SHAPE = (32, 8, 33, 41)
"""Above 65,536 elements, from where on more than one thread runs a kernel."""

LONGEST_RUN = 120
"""Seconds until a process counts as hanging; it takes two to start, and a few to compile."""


def block(seed, x):
    """Return batch norm + gelu + dropout of x, and the gradients, for a seed."""
    x = x.detach().clone().requires_grad_()
    y = F.batch_norm_act_dropout(
        x,
        None,
        None,
        training=True,
        activation="gelu",
        p=P,
        generator=torch.Generator().manual_seed(seed),
    )
    return y.detach(), torch.autograd.grad(y.square().sum(), x)[0]


def dropout(seed, x):
    return F.dropout(x, P, generator=torch.Generator().manual_seed(seed))


def assert_same_bits(found, expected):
    assert all(torch.equal(one, other) for one, other in zip(found, expected, strict=True))


@pytest.fixture
def torch_threads():
    """Give torch.set_num_threads, and set back what it changed."""
    before = torch.get_num_threads()
    yield torch.set_num_threads
    torch.set_num_threads(before)


@pytest.fixture
def without_openmp(monkeypatch):
    """Take Python's own threads, as where GNU's OpenMP is missing."""
    monkeypatch.setattr(threads, "_openmp_fork_join", lambda: None)
    threads._pool.cache_clear()
    yield
    threads._pool.cache_clear()


def test_calls_from_many_python_threads_give_what_one_gives(torch_threads):
    torch_threads(2)
    x = torch.randn(SHAPE)
    expected = {seed: block(seed, x) for seed in range(4)}

    def repeated(seed):
        for _ in range(5):
            assert_same_bits(block(seed % 4, x), expected[seed % 4])
            assert torch.equal(dropout(seed, x) != 0, dropout(seed, torch.ones(SHAPE)) != 0)

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        for future in [pool.submit(repeated, seed) for seed in range(8)]:
            future.result(timeout=LONGEST_RUN)


def test_python_threads_without_openmp_give_what_one_gives(torch_threads, without_openmp):
    test_calls_from_many_python_threads_give_what_one_gives(torch_threads)


@pytest.mark.parametrize("num_threads", [1, 2, 3, 8])
def test_pool_of_python_threads_gives_the_bits_of_openmp(torch_threads, monkeypatch, num_threads):
    torch_threads(num_threads)
    x = torch.randn(SHAPE)
    expected = block(1, x)
    monkeypatch.setattr(threads, "_openmp_fork_join", lambda: None)
    assert_same_bits(block(1, x), expected)


def test_number_of_threads_may_change_between_calls_and_passes(torch_threads):
    x = torch.randn(SHAPE, requires_grad=True)
    torch_threads(1)
    expected = block(1, x)
    for forward, backward in [(1, 3), (3, 1), (2, 8), (8, 2)]:
        torch_threads(forward)
        generator = torch.Generator().manual_seed(1)
        y = F.batch_norm_act_dropout(
            x, None, None, training=True, activation="gelu", p=P, generator=generator
        )
        torch_threads(backward)
        assert_same_bits([y, *torch.autograd.grad(y.square().sum(), x)], expected)


def test_pools_of_many_sizes_leave_no_threads(torch_threads, without_openmp):
    x = torch.randn(SHAPE)
    for num_threads in [2, 5, 3, 8, 2, 7, 4, 6] * 2:
        torch_threads(num_threads)
        dropout(1, x)
    threads._pool.cache_clear()
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline and _num_workers():
        time.sleep(0.01)
    assert _num_workers() == 0


def _num_workers():
    return sum(thread.name.startswith("wolfsbane") for thread in threading.enumerate())


def test_small_tensors_take_one_thread(torch_threads, monkeypatch):
    torch_threads(8)

    def refused(*_):
        raise AssertionError("a team was called")

    monkeypatch.setattr("wolfsbane.kernels.cpu.kernel.run_on_team", refused)
    assert dropout(1, torch.ones(2 * threads.ELEMENTS_PER_THREAD - 1)).count_nonzero()
    with pytest.raises(AssertionError, match="a team was called"):
        dropout(1, torch.ones(2 * threads.ELEMENTS_PER_THREAD))


def _passes(x, upstream):
    """Return output and gradient as bytes: no operation of torch's goes over the elements.

    In a forked process torch's own wait for threads that stayed in the parent.
    """
    torch.utils.deterministic.fill_uninitialized_memory = False
    generator = torch.Generator().manual_seed(1)
    y = F.batch_norm_act_dropout(
        x, None, None, training=True, activation="gelu", p=P, generator=generator
    )
    (grad,) = torch.autograd.grad(y, x, upstream)
    return y.detach().numpy().tobytes(), grad.numpy().tobytes()


def _answer(connection, x, upstream):
    connection.send(_passes(x, upstream))


@pytest.mark.parametrize("num_threads", [1, 2])
@pytest.mark.parametrize("has_openmp", [True, False], ids=["openmp", "python"])
def test_forked_process_goes_on_where_its_parent_used_all_threads(
    torch_threads, monkeypatch, num_threads, has_openmp
):
    require("fork" in multiprocessing.get_all_start_methods(), "fork")
    torch_threads(num_threads)
    if not has_openmp:
        monkeypatch.setattr(threads, "_openmp_fork_join", lambda: None)
    x, upstream = torch.randn(2, *SHAPE).unbind()
    x.requires_grad_()
    expected = _passes(x, upstream)
    context = multiprocessing.get_context("fork")
    here, there = context.Pipe()
    child = context.Process(target=_answer, args=(there, x, upstream))
    child.start()
    try:
        assert here.poll(LONGEST_RUN), "the forked process hangs"
        assert here.recv() == expected
    finally:
        child.kill()
        child.join()
    assert _passes(x, upstream) == expected  # and the parent, too


def test_fork_while_another_thread_loads_a_kernel_does_not_hang():
    require(hasattr(os, "fork"), "fork")
    program = """
import os, threading, time, torch
from wolfsbane import functional as F
from wolfsbane.kernels.cpu import cache
compiled, is_compiling = cache.object_code, threading.Event()
def slow(*arguments):
    is_compiling.set(); time.sleep(0.5)
    return compiled(*arguments)
cache.object_code = slow
thread = threading.Thread(target=lambda: F.dropout(torch.ones(9, dtype=torch.float64)))
thread.start()
is_compiling.wait()
child = os.fork()
if child == 0:
    F.dropout(torch.ones(9, dtype=torch.float64))
    os._exit(7)
thread.join()
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""
    process = subprocess.Popen(
        [sys.executable, "-W", "ignore", "-c", program],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        output, errors = process.communicate(timeout=30)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        pytest.fail("the forked process hangs")
    assert output.strip() == "7", errors


class Noisy(Dataset):
    """Augments by dropout and batch norm, in the process of a DataLoader's worker."""

    def __len__(self):
        return 6

    def __getitem__(self, i):
        x = torch.full(SHAPE, 1.0) * torch.linspace(0, 1, SHAPE[-1])
        return torch.stack([dropout(i, x), *block(i, x)])


@pytest.mark.parametrize("num_workers", [1, 2])
def test_workers_of_a_data_loader_compute_what_the_parent_computes(torch_threads, num_workers):
    torch_threads(2)
    data = Noisy()
    expected = [data[i] for i in range(len(data))]
    loader = DataLoader(data, batch_size=None, num_workers=num_workers, timeout=LONGEST_RUN)
    assert_same_bits(list(loader), expected)


def test_first_calls_from_many_threads_at_once_are_right(tmp_path):
    """In a process of its own: nothing is compiled yet, and nothing is in its cache."""
    program = """
import threading, torch
from wolfsbane import functional as F
start, wrong, x = threading.Barrier(4), [], torch.ones(100_000)
def call(i):
    start.wait()
    y = F.dropout(x, generator=torch.Generator().manual_seed(i % 2))
    kept.setdefault(i % 2, []).append(y)
kept = {}
team = [threading.Thread(target=call, args=(i,)) for i in range(4)]
[thread.start() for thread in team]
[thread.join() for thread in team]
print(all(torch.equal(*pair) for pair in kept.values()), torch.equal(kept[0][0], kept[1][0]))
"""
    found = subprocess.run(
        [sys.executable, "-W", "error", "-c", program],
        env={**os.environ, "WOLFSBANE_CACHE_DIR": str(tmp_path), "OMP_NUM_THREADS": "2"},
        capture_output=True,
        text=True,
        timeout=LONGEST_RUN,
        check=False,
    )
    assert found.stdout.split() == ["True", "False"], found.stderr


def test_result_is_the_contract_s_whatever_runs_it(torch_threads, without_openmp):
    torch_threads(3)
    x, generator = torch.randn(SHAPE), torch.Generator().manual_seed(5)
    key = torch.randint(-(2**63), 2**63 - 1, (), generator=generator).item() & (2**64 - 1)
    assert torch.equal(dropout(5, x), torch.where(keep_mask(SHAPE, P, key), x * scale(P), 0.0))


def test_interrupted_wait_goes_on_until_all_threads_are_done(monkeypatch):
    waits = []

    def interrupted_once(futures):
        waits.append(list(futures))
        if len(waits) == 1:
            raise KeyboardInterrupt

    monkeypatch.setattr(threads, "wait", interrupted_once)
    with pytest.raises(KeyboardInterrupt):
        threads._wait_for(["one", "other"])
    assert waits == [["one", "other"], ["one", "other"]]
