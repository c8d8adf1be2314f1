"""From a subject to samples: check it, then time its contenders in turns."""

import dataclasses
from collections import deque
from collections.abc import Callable, Sequence
from functools import partial

import torch
from torch import Tensor

import wolfsbane
from wolfsbane.bench.case import (
    COMPILED,
    COPY,
    EAGER,
    ONE_INPUT,
    OURS,
    OURS_COMPILED,
    Measurement,
    Place,
    RedCheckError,
    Settings,
)
from wolfsbane.bench.check import check, check_values, check_zeros
from wolfsbane.bench.compiled import compiled, why_not
from wolfsbane.bench.saved import saved_bytes
from wolfsbane.bench.subject import SEED, Function, Subject
from wolfsbane.bench.timing import Contender
from wolfsbane.kernels.cpu import dropout as cpu_dropout
from wolfsbane.mask import draw_key, keep_mask, scale

Run = Callable[[], object]

SMALLEST_COPY = 1 << 15
"""Elements. Below, a copy's time is that of the call, and no measure of memory."""


def measure_subject(
    settings: Settings,
    make: Callable[[], Subject],
    against: Sequence[str | None],
    backward: bool,
    copies: float | None,
) -> Measurement:
    """Time a subject's computation, with its gradients where `backward`.

    Args:
        settings: rounds, clock, whether torch.compile takes part.
        make: allocates the subject.
        against: names of baselines that goals ask for.
        backward: time forward and backward together.
        copies: the least memory traffic, in copies of the first input.
    """
    subject = _placed(settings.place, make)
    check(subject, backward)
    data = subject.data[0].detach()
    contenders, absent = _contenders(subject, backward)
    if COMPILED in against and settings.compiles:
        try:
            run = _pass(subject, compiled(subject.stock), backward)
            run()
            contenders[COMPILED] = Contender(run)
        except Exception as error:  # noqa: BLE001  # whatever the compiler does, the rest goes on
            absent[COMPILED] = why_not(error)
    large = copies is not None and data.numel() >= SMALLEST_COPY
    if large:
        contenders[COPY] = Contender(copy_of(data))
    return Measurement(
        samples=settings.interleave(contenders),
        absent=absent,
        executor=_executor(subject, data),
        copies=copies if large else None,
        saved_bytes=saved_by(subject) if backward else {},
    )


def _contenders(subject: Subject, backward: bool) -> tuple[dict[str, Contender], dict[str, str]]:
    ours = Contender(_pass(subject, subject.ours, backward), subject.around)
    return {OURS: ours, EAGER: Contender(_pass(subject, subject.stock, backward))}, {}


def _pass(subject: Subject, function: Function, backward: bool) -> Run:
    """Return a call that computes the output, and the gradients where `backward`.

    `torch.autograd.grad` gives fresh gradients, as the first backward after zero_grad does; adding
    to old ones would cost both sides one more pass over memory.
    """
    data, leaves = subject.data, subject.leaves
    if not backward:
        return lambda: function(*data)
    grad = torch.randn_like(function(*data))
    return lambda: torch.autograd.grad(function(*data), leaves, grad)


def copy_of(data: Tensor) -> Run:
    """Return a call that reads every element once and writes it once, to a reused tensor."""
    target = torch.empty_like(data)
    return lambda: torch.mul(data, 2, out=target)


def saved_by(subject: Subject) -> dict[str, int]:
    """Return what each side keeps for backward, in bytes."""
    data = subject.data
    with subject.around():
        ours = saved_bytes(lambda: subject.ours(*data))
    return {OURS: ours, EAGER: saved_bytes(lambda: subject.stock(*data))}


def measure_saved(settings: Settings, make: Callable[[], Subject]) -> Measurement:
    """Count the bytes that both sides keep for backward, and those of the input."""
    subject = _placed(settings.place, make)
    check(subject, backward=True)
    data = subject.data[0].detach()
    samples = {name: [float(size)] for name, size in saved_by(subject).items()}
    samples[ONE_INPUT] = [float(data.nbytes)]
    return Measurement(samples, executor=_executor(subject, data))


def measure_compiled(settings: Settings, make: Callable[[], Subject]) -> Measurement:
    """Time ours in a graph of torch.compile, and ours in eager code, forward and backward."""
    subject = _placed(settings.place, make)
    executor = _executor(subject, subject.data[0].detach())
    if not settings.compiles:
        return Measurement({}, absent={OURS_COMPILED: "without torch.compile"}, executor=executor)
    graph = dataclasses.replace(subject, ours=compiled(subject.ours))
    check(graph, backward=True)
    contenders = {
        OURS_COMPILED: Contender(_kept(_pass(graph, graph.ours, backward=True))),
        OURS: Contender(_kept(_pass(subject, subject.ours, backward=True))),
    }
    return Measurement(settings.interleave(contenders), executor=executor)


def _kept(run: Run) -> Run:
    """Return a call that keeps its last results, as a network does for a while.

    A compiled function holds its result until the next call. Eager code, whose result nobody
    keeps, would write over the same memory each time, still in the cache, and seem faster.
    """
    results: deque[object] = deque(maxlen=3)
    return lambda: results.append(run())


def _placed(place: Place, make: Callable[[], Subject]) -> Subject:
    """Return a subject whose tensors lie where they are to be measured."""
    torch.manual_seed(SEED)
    with torch.device(place.device):
        subject = make()
    if place is Place.INTERPRETER:
        return dataclasses.replace(subject, around=partial(wolfsbane.use_executor, "gpu"))
    return subject


def _executor(subject: Subject, data: Tensor) -> str:
    with subject.around():
        return wolfsbane.explain(subject.operation, data).executor


def measure_reused(settings: Settings, size: int, p: float) -> Measurement:
    """Time the dropout kernel, which writes over an earlier output, against a copy that does."""
    torch.manual_seed(SEED)
    x = torch.randn(size)
    executor = wolfsbane.explain("dropout", x)
    if executor.executor != "cpu":
        return Measurement({}, absent={OURS: str(executor)}, executor=executor.executor)
    y, key = torch.full_like(x, torch.nan), draw_key()

    def run() -> Tensor:
        return cpu_dropout._element_wise(x, None, p, key, (scale(p), 0.0, 0.0), out=y)  # noqa: SLF001

    if run() is not y:
        raise RedCheckError("the output is another tensor than the one that was given for it")
    mask = keep_mask(x.shape, p, key) * scale(p)
    truth = x.double() * mask
    check_zeros(y, mask, truth)
    check_values("the output", y, x * mask, truth)
    contenders = {OURS: Contender(run), COPY: Contender(copy_of(x))}
    samples = settings.interleave(contenders)
    return Measurement(samples, executor="cpu", copies=1.0 if size >= SMALLEST_COPY else None)
