"""The figures that wolfsbane set out to reach, each as a case with its targets."""

from functools import partial

import torch

from wolfsbane.bench import subjects
from wolfsbane.bench.case import (
    COMPILED,
    COPY,
    OURS,
    OURS_COMPILED,
    Case,
    Goal,
    Measure,
    Section,
    Unit,
)
from wolfsbane.bench.first_call import OPERATIONS
from wolfsbane.bench.kinds import (
    BOTH_WAYS,
    FORWARD,
    FORWARD_BACKWARD,
    NORM,
    ONE_WAY,
    PICTURES,
    M,
    at_most,
    faster,
    reused,
    timed,
)
from wolfsbane.bench.measure import measure_compiled, measure_saved
from wolfsbane.bench.processes import (
    COLD,
    COLD_BACKWARD,
    WARM,
    WARM_BACKWARD,
    measure_first_call,
)
from wolfsbane.bench.subjects import CHANNELS_LAST
from wolfsbane.bench.training_step import PLAIN, STOCK, measure_training_step

WARM_SECONDS, COLD_SECONDS = 0.3, 6.0
"""Allowed to a first call in a fresh process."""


def figures_to_reach() -> tuple[Case, ...]:
    """Return the cases that have targets."""
    return (
        *_dropouts(),
        *_batch_norms(),
        *_blocks(),
        *_accelerated(),
        _training_step(),
        *_compiled(),
        *_first_calls(),
    )


def _small_dropouts() -> tuple[Case, ...]:
    return tuple(
        timed(
            f"Dropout p=0.5 forward, 64 elements, {'with' if grad else 'no'} grad",
            partial(subjects.dropout, 64, grad=grad),
            at_most(2.5),
            copies=None,
            way=FORWARD,
            is_quick=True,
        )
        for grad in (False, True)
    )


def _dropouts() -> tuple[Case, ...]:
    return (
        timed(
            "Dropout p=0.5 forward, 1M elements",
            partial(subjects.dropout, M),
            faster(40),
            faster(20, than=COMPILED),
            copies=ONE_WAY,
            way=FORWARD,
            is_quick=True,
        ),
        timed(
            "Dropout p=0.5 forward + backward, 131k elements",
            partial(subjects.dropout, M // 8, grad=True),
            faster(20),
            copies=BOTH_WAYS,
            is_quick=True,
        ),
        reused(
            "Dropout p=0.5 forward, 16M elements, reused output",
            16 * M,
            at_most(2.5, of=COPY),
            Section.TARGETS,
            is_quick=True,
        ),
        *_small_dropouts(),
    )


def _batch_norms() -> tuple[Case, ...]:
    return tuple(
        timed(
            f"BatchNorm2d forward + backward, {PICTURES} {name}",
            partial(subjects.batch_norm, *PICTURES, layout=layout),
            faster(target),
            copies=NORM,
        )
        for name, layout, target in (
            ("NCHW", torch.contiguous_format, 1.8),
            ("channels-last", CHANNELS_LAST, 1.0),
        )
    )


def _block_name(activation: str, p: float) -> str:
    return f"BatchNorm2d + {subjects.STOCK_ACTIVATIONS[activation].__name__} + Dropout p={p}"


def _blocks() -> tuple[Case, ...]:
    wanted: tuple[tuple[str, float, tuple[Goal, ...]], ...] = (
        ("relu", 0.1, (faster(7), faster(10, than=COMPILED))),
        ("relu", 0.5, (faster(12),)),
        ("gelu", 0.1, (faster(5),)),
        ("silu", 0.1, (faster(6),)),
    )
    blocks = tuple(
        timed(
            f"{_block_name(activation, p)} forward + backward, {PICTURES}",
            partial(subjects.block, *PICTURES, activation=activation, p=p),
            *goals,
            copies=NORM,
            is_quick=(activation, p) == ("relu", 0.1),
        )
        for activation, p, goals in wanted
    )
    saved = Case(
        f"Saved for backward by {_block_name('relu', 0.1)}, {PICTURES}",
        Section.TARGETS,
        (at_most(0.36),),
        partial(measure_saved, make=partial(subjects.block, *PICTURES)),
        Unit.BYTES,
        is_quick=True,
    )
    return (*blocks, saved)


def _accelerated() -> tuple[Case, ...]:
    return (
        timed(
            "accelerate(): F.dropout p=0.5 forward, (256, 1024)",
            partial(subjects.accelerated_dropout, 256, 1024),
            faster(25),
            copies=ONE_WAY,
            way=FORWARD,
            is_quick=True,
        ),
        timed(
            "accelerate(): attention (SDPA) p=0.1 forward, (8, 8, 128, 64)",
            partial(subjects.accelerated_attention, 8, 8, 128, 64),
            faster(2.5),
            copies=None,
            way=FORWARD,
            is_quick=True,
        ),
    )


def _training_step() -> Case:
    return Case(
        "Training step, MLP 784-1024-1024-10, BN + ReLU + Dropout; plain: ReLU alone",
        Section.TARGETS,
        (
            Goal(PLAIN, Measure.SHARE, 1.12),
            Goal(PLAIN, Measure.SHARE, side=STOCK),
            Goal(OURS, Measure.SPEEDUP, 1.0, OURS_COMPILED),
        ),
        measure_training_step,
        output="fresh",
        is_quick=True,
    )


def _compiled() -> tuple[Case, ...]:
    """Return ours inside a graph of torch.compile against ours outside."""
    subject = {
        f"{name} p=0.5": partial(subjects.dropout, size, grad=True)
        for name, size in (("Dropout, 1M elements,", M), ("Dropout, 16M elements,", 16 * M))
    }
    subject[f"{_block_name('relu', 0.1)}, {PICTURES}"] = partial(subjects.block, *PICTURES)
    return tuple(
        Case(
            f"In torch.compile: {name} {FORWARD_BACKWARD}",
            Section.TARGETS,
            (Goal(OURS, Measure.SPEEDUP, 1.0, OURS_COMPILED),),
            partial(measure_compiled, make=make),
            output="fresh",
        )
        for name, make in subject.items()
    )


def _first_calls() -> tuple[Case, ...]:
    goals = (
        Goal(None, Measure.ALONE, WARM_SECONDS, WARM),
        Goal(None, Measure.ALONE, COLD_SECONDS, COLD),
        Goal(None, Measure.ALONE, None, WARM_BACKWARD),
        Goal(None, Measure.ALONE, None, COLD_BACKWARD),
    )
    return tuple(
        Case(
            f"First call in a fresh process, {operation}",
            Section.TARGETS,
            goals,
            partial(measure_first_call, operation=operation),
        )
        for operation in OPERATIONS
    )
