"""Kernels compile for GPUs, and move memory sixteen bytes at a time: no GPU is needed for that."""

import importlib.util
import os
import re

import pytest
import torch

from skips import require

SHARED = {
    "apply": {"INDEX": "uint32", "ACTIVATION": "gelu"},
    "rows": {"ROWS": 32, "CHANNELS": 64, "INDEX": "int32"},
    "planes": {"SAMPLES": 8, "POSITIONS": 256, "GROUP": 16, "INDEX": "int32"},
    "affine": {"HAS_WEIGHT": True, "HAS_BIAS": True},
    "tail": {"ACTIVATION": "gelu", "MASK": 2},
}

KERNELS = {
    "dropout._dropout": ([], {"HAS_RESIDUAL": True, "HAS_START": False}),
    "broadcast_dropout._broadcast_dropout": (
        [],
        {"BLOCK": 4096, "GROUP": 16, "MASK": 2, "INDEX": "uint32"},
    ),
    "channels_last_dropout._channels_last_dropout": (
        ["rows"],
        {"MASK": 2, "IS_PER_CHANNEL": False},
    ),
    "bias_act_dropout._tiles": (
        [],
        {
            "GROUP": 16,
            "ACTIVATION": "gelu",
            "HAS_BIAS": True,
            "HAS_DROPOUT": True,
            "IS_BACKWARD": True,
            "HAS_START": False,
        },
    ),
    "bias_act_dropout._rows_backward": (
        ["tail"],
        {"ROWS": 32, "COLUMNS": 64, "INDEX": "int32"},
    ),
    "batch_norm_statistics.plane_statistics": (
        ["planes", "affine"],
        {"IS_ALONE": True, "HAS_RUNNING": True},
    ),
    "batch_norm_statistics.row_statistics": (
        ["affine"],
        {"ROWS": 32, "CHANNELS": 64, "IS_ALONE": False, "HAS_RUNNING": True},
    ),
    "batch_norm_gradients.plane_gradients": (
        ["planes", "affine", "tail"],
        {"IS_ALONE": False, "USES_BATCH": True},
    ),
    "batch_norm_gradients.row_gradients": (
        ["rows", "affine", "tail"],
        {"IS_ALONE": True, "USES_BATCH": True, "IS_VECTORS": False},
    ),
    "batch_norm_apply.apply_planes": (
        ["apply"],
        {"GROUP": 16, "HAS_DROPOUT": True, "IS_BACKWARD": True, "HAS_START": False},
    ),
    "batch_norm_apply.apply_rows": (["rows", "tail"], {"IS_BACKWARD": True}),
    "batch_norm_merge.merge_statistics": (
        ["affine"],
        {"SPLITS": 32, "CHANNELS": 64, "HAS_RUNNING": True},
    ),
    "batch_norm_merge.merge_gradients": (
        ["affine"],
        {"SPLITS": 32, "CHANNELS": 64, "USES_BATCH": True},
    ),
    "batch_norm_merge.given_statistics": (["affine"], {"CHANNELS": 128}),
    "mask_bits._mask_bits": ([], {"TILES": 8}),
}

HALVES = {torch.float32: "*fp32", torch.bfloat16: "*bf16"}
INPUTS = ("x", "y", "grad", "residual")
VECTORS = ("weight", "bias", "running_mean", "running_var", "numbers")
DOUBLES = ("partials", "statistics", "gradients", "sums")
FRACTIONS = ("scale", "shift", "fill", "parameter", "eps", "momentum")
PER_CALL = ("key_low", "key_high", "cut", "first")


def type_of(name, element):
    types = dict.fromkeys(INPUTS, element) | dict.fromkeys(VECTORS, "*fp32")
    types |= dict.fromkeys(DOUBLES, "*fp64") | dict.fromkeys(FRACTIONS, "fp32") | {"bits": "*u8"}
    return types.get(name, "i32")


def compiled(kernel, element, constants):
    """Return the PTX of a kernel for a Hopper GPU, its sizes being divisible by 16."""
    import triton  # noqa: PLC0415 (may be missing)
    import triton.language as tl  # noqa: PLC0415
    from triton.backends.compiler import GPUTarget  # noqa: PLC0415
    from triton.compiler import ASTSource  # noqa: PLC0415

    if "INDEX" in constants:
        constants = constants | {"INDEX": getattr(tl, constants["INDEX"])}
    names = kernel.arg_names
    types = {name: "constexpr" if name in constants else type_of(name, element) for name in names}
    places = {(names.index(name),): value for name, value in constants.items()}
    aligned = [name for name in names if name not in constants and name not in PER_CALL]
    aligned = [name for name in aligned if types[name] != "fp32"]
    attributes = {(names.index(name),): [["tt.divisibility", 16]] for name in aligned}
    source = ASTSource(kernel, types, places, attributes)
    options = {"num_warps": 4, "enable_fp_fusion": True}
    return triton.compile(source, target=GPUTarget("cuda", 90, 32), options=options).asm["ptx"]


@pytest.mark.parametrize("dtype", HALVES, ids=["float32", "bfloat16"])
@pytest.mark.parametrize("name", KERNELS)
def test_kernel_compiles_and_moves_sixteen_bytes_at_a_time(name, dtype, tmp_path, monkeypatch):
    require(importlib.util.find_spec("triton"), "Triton")
    require(os.environ.get("TRITON_INTERPRET", "0") in {"", "0"}, "Triton's compiler")
    monkeypatch.setenv("TRITON_CACHE_DIR", str(tmp_path))
    module, function = name.split(".")
    kernel = getattr(importlib.import_module(f"wolfsbane.kernels.gpu.{module}"), function)
    groups, own = KERNELS[name]
    constants = dict(own)
    for group in groups:
        constants |= SHARED[group]
    if "TILES" in kernel.arg_names:
        constants.setdefault("TILES", 16 // dtype.itemsize)
    ptx = compiled(kernel, HALVES[dtype], constants)
    if "x" in kernel.arg_names:
        assert re.search(r"ld\.global\.v4\.b32", ptx)
        assert not re.search(r"ld\.global\.b16", ptx) or HALVES[dtype] == "*fp32"
    if "y" in kernel.arg_names:
        assert re.search(r"st\.global\.v4\.b32", ptx)
