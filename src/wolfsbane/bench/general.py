"""Cases without targets: where our layers pay and where not, and what is not speed."""

from collections.abc import Callable
from functools import partial

import torch

from wolfsbane.bench import subjects
from wolfsbane.bench.accuracy import measure_variance_error
from wolfsbane.bench.case import COMPILED, COPY, Case, Goal, Measure, Section, Unit
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
    reused,
    timed,
)
from wolfsbane.bench.peak import LAYERS
from wolfsbane.bench.processes import measure_help, measure_import, measure_peak
from wolfsbane.bench.subject import Subject
from wolfsbane.bench.subjects import CHANNELS_LAST

VS_EAGER = (faster(),)
VS_BOTH = (faster(), faster(than=COMPILED))

DROPOUT = partial(subjects.dropout, grad=True)
HALF_DROPPED = partial(subjects.block, p=0.5)

PASSES: tuple[tuple[str, Callable[..., Subject], tuple[int, ...], float, tuple[Goal, ...]], ...] = (
    ("Dropout p=0.5", DROPOUT, (64, 256), BOTH_WAYS, VS_EAGER),
    ("Dropout p=0.5", DROPOUT, (256, 1024), BOTH_WAYS, VS_BOTH),
    ("Dropout p=0.5", DROPOUT, PICTURES, BOTH_WAYS, VS_EAGER),
    ("Dropout2d p=0.5", subjects.dropout2d, (8, 16, 8, 8), BOTH_WAYS, VS_EAGER),
    ("Dropout2d p=0.5", subjects.dropout2d, PICTURES, BOTH_WAYS, VS_EAGER),
    ("GaussianDropout p=0.5", subjects.gaussian_dropout, (64, 256), BOTH_WAYS, VS_EAGER),
    ("GaussianDropout p=0.5", subjects.gaussian_dropout, (1024, 1024), BOTH_WAYS, VS_EAGER),
    ("BatchNorm1d", subjects.batch_norm, (64, 256), NORM, VS_EAGER),
    ("BatchNorm1d", subjects.batch_norm, (1024, 1024), NORM, VS_EAGER),
    ("BatchNorm2d", subjects.batch_norm, (8, 16, 8, 8), NORM, VS_EAGER),
    ("BatchNorm2d", subjects.batch_norm, (32, 64, 28, 28), NORM, VS_BOTH),
    ("BatchNormAct1d relu p=0.5", HALF_DROPPED, (128, 1024), NORM, VS_EAGER),
    ("BatchNormAct2d relu p=0.1", subjects.block, (8, 16, 8, 8), NORM, VS_EAGER),
    ("BatchNormAct2d relu p=0.1", subjects.block, (64, 128, 28, 28), NORM, VS_EAGER),
    ("BiasActDropout gelu p=0.1", subjects.bias_act_dropout, (8, 64), BIAS, VS_EAGER),
    ("BiasActDropout gelu p=0.1", subjects.bias_act_dropout, (128, 1024), BIAS, VS_BOTH),
    ("BiasActDropout gelu p=0.1", subjects.bias_act_dropout, (4096, 1024), BIAS, VS_EAGER),
    ("DropoutAdd p=0.1", subjects.dropout_add, (8, 64), ADD, VS_EAGER),
    ("DropoutAdd p=0.1", subjects.dropout_add, (8, 128, 512), ADD, VS_BOTH),
    ("DropoutAdd p=0.1", subjects.dropout_add, (32, 512, 512), ADD, VS_EAGER),
)
"""Layers by name, what makes them, their inputs' shape, copies, and what they are compared with."""

QUICK_SHAPES = {(64, 256), (8, 16, 8, 8), (128, 1024), (8, 128, 512)}


def where_it_pays() -> tuple[Case, ...]:
    """Return layers over several sizes, which show where ours pays, and where not."""
    passes = (
        timed(
            f"{name} forward + backward, {shape}",
            partial(make, *shape),
            *goals,
            copies=copies,
            section=Section.GENERAL,
            is_quick=shape in QUICK_SHAPES,
        )
        for name, make, shape, copies, goals in PASSES
    )
    return (*passes, *_layouts(), *_large_dropouts())


def _layouts() -> tuple[Case, ...]:
    return (
        timed(
            f"BatchNormAct2d relu p=0.1 forward + backward, {PICTURES} channels-last",
            partial(subjects.block, *PICTURES, layout=CHANNELS_LAST),
            faster(),
            copies=NORM,
            section=Section.GENERAL,
        ),
    )


def _large_dropouts() -> tuple[Case, ...]:
    fresh = timed(
        "Dropout p=0.5 forward, 16M elements, fresh output",
        partial(subjects.dropout, 16 * M),
        faster(),
        at_most(None, of=COPY),
        copies=ONE_WAY,
        way=FORWARD,
        section=Section.GENERAL,
    )
    written_over = (
        reused(
            f"Dropout p=0.5 forward, {name} elements, reused output",
            size,
            at_most(None, of=COPY),
            Section.GENERAL,
        )
        for name, size in (("131k", M // 8), ("1M", M))
    )
    return (fresh, *written_over)


def beyond_speed() -> tuple[Case, ...]:
    """Return the costs of a start, peaks of memory, and errors of the variance."""
    start = (
        Case(
            "Import torch and wolfsbane",
            Section.START,
            (at_most(None, of="import torch"),),
            measure_import,
        ),
        Case(
            "wolfsbane --help",
            Section.START,
            (Goal(None, Measure.ALONE),),
            measure_help,
        ),
    )
    peaks = tuple(
        Case(
            f"Peak of forward + backward over 64 MiB, {layer}",
            Section.MEMORY,
            (at_most(None),),
            partial(measure_peak, layer=layer),
            Unit.MEBIBYTES,
        )
        for layer in LAYERS
    )
    errors = tuple(
        Case(
            f"Error of BatchNorm2d's variance at mean 1e5, {name}",
            Section.ACCURACY,
            (at_most(None),),
            partial(measure_variance_error, layout=layout),
            Unit.RELATIVE_ERROR,
            is_quick=True,
        )
        for name, layout in (("NCHW", torch.contiguous_format), ("channels-last", CHANNELS_LAST))
    )
    return (*start, *peaks, *errors)
