"""The figures that the GPU's kernels set out to reach, on a GPU of the H200's class.

In Triton's interpreter the same cases have tiny tensors, and no targets: there they are checked.
"""

from functools import partial

import torch

from wolfsbane.bench import subjects
from wolfsbane.bench.case import (
    COMPILED,
    COPY,
    ONE_INPUT,
    Case,
    Goal,
    Measure,
    Place,
    Section,
    Unit,
)
from wolfsbane.bench.kinds import (
    ADD,
    BIAS,
    BOTH_WAYS,
    FORWARD,
    NORM,
    ONE_WAY,
    PICTURES,
    M,
    at_most,
    faster,
    timed,
)
from wolfsbane.bench.measure import measure_saved
from wolfsbane.bench.subjects import CHANNELS_LAST

SLOWEST_DROPOUT = 1 / 0.85
"""Times of a copy: at 85% of a copy's speed."""

LEAST_SPEEDUP, LEAST_OVER_COMPILE = 2.0, 1.1
"""Of batch norm, ReLU and dropout, forward and backward."""

MOST_SAVED = 1.01
"""Inputs. A hundredth for the numbers of each channel."""

TINY_SHAPES = {1: (3000,), 2: (6, 40), 3: (2, 6, 40), 4: (2, 3, 4, 5)}
"""For the interpreter, by the number of dimensions."""


def gpu_cases(place: Place) -> tuple[Case, ...]:
    """Return the cases for a GPU, or for the interpreter."""
    tiny = place is Place.INTERPRETER
    return (*_dropouts(tiny), *_blocks(tiny), *_others(tiny))


def _size(shape: tuple[int, ...], tiny: bool) -> tuple[int, ...]:
    return TINY_SHAPES[len(shape)] if tiny else shape


def _goals(tiny: bool, *goals: Goal) -> tuple[Goal, ...]:
    """Return the goals, or that ours is only checked: the interpreter says nothing of speed."""
    return (Goal(None, Measure.ALONE),) if tiny else goals


def _dropouts(tiny: bool) -> tuple[Case, ...]:
    forward = tuple(
        timed(
            f"GPU: Dropout p=0.5 forward, {name}",
            partial(subjects.dropout, *_size((size,), tiny), dtype=dtype),
            *_goals(tiny, at_most(SLOWEST_DROPOUT, of=COPY), faster(), faster(than=COMPILED)),
            copies=ONE_WAY,
            way=FORWARD,
            is_quick=name == "16M float32",
        )
        for name, size, dtype in (
            ("1M float32", M, torch.float32),
            ("16M float32", 16 * M, torch.float32),
            ("64M float32", 64 * M, torch.float32),
            ("256M float32 (1 GiB)", 256 * M, torch.float32),
            ("64M bfloat16", 64 * M, torch.bfloat16),
            ("64M float16", 64 * M, torch.float16),
        )
    )
    both = timed(
        "GPU: Dropout p=0.5 forward + backward, 64M float32",
        partial(subjects.dropout, *_size((64 * M,), tiny), grad=True),
        *_goals(tiny, faster(), faster(than=COMPILED)),
        copies=BOTH_WAYS,
    )
    return (*forward, both)


def _blocks(tiny: bool) -> tuple[Case, ...]:
    targets = (faster(LEAST_SPEEDUP), faster(LEAST_OVER_COMPILE, than=COMPILED))
    blocks = tuple(
        timed(
            f"GPU: BatchNorm2d + ReLU + Dropout p=0.1 forward + backward, {shape} {name}",
            partial(subjects.block, *_size(shape, tiny), layout=layout, dtype=dtype),
            *_goals(tiny, *targets),
            copies=NORM,
            is_quick=shape == PICTURES,
        )
        for shape in (PICTURES, (64, 256, 56, 56), (256, 64, 112, 112))
        for name, layout, dtype in (
            ("NCHW float32", torch.contiguous_format, torch.float32),
            ("channels-last float32", CHANNELS_LAST, torch.float32),
            ("channels-last bfloat16", CHANNELS_LAST, torch.bfloat16),
        )
    )
    saved = Case(
        f"GPU: Saved for backward by BatchNorm2d + ReLU + Dropout p=0.1, {PICTURES}",
        Section.TARGETS,
        _goals(tiny, at_most(MOST_SAVED, of=ONE_INPUT), at_most(None)),
        partial(measure_saved, make=partial(subjects.block, *_size(PICTURES, tiny))),
        Unit.BYTES,
        is_quick=True,
    )
    return (*blocks, saved)


def _others(tiny: bool) -> tuple[Case, ...]:
    wanted = (
        ("BatchNorm2d", subjects.batch_norm, (64, 256, 56, 56), NORM),
        ("Dropout2d p=0.5", subjects.dropout2d, (64, 256, 56, 56), BOTH_WAYS),
        ("BiasActDropout gelu p=0.1", subjects.bias_act_dropout, (16384, 4096), BIAS),
        ("DropoutAdd p=0.1", subjects.dropout_add, (32, 2048, 1024), ADD),
    )
    return tuple(
        timed(
            f"GPU: {name} forward + backward, {shape}",
            partial(make, *_size(shape, tiny)),
            *_goals(tiny, faster(), faster(than=COMPILED)),
            copies=copies,
            section=Section.GENERAL,
        )
        for name, make, shape, copies in wanted
    )
