"""The one place where a test is skipped. A skip names what is missing."""

import importlib.util

import pytest
import torch


def require(available, missing):
    """Skip the calling test unless `available`, saying what is missing."""
    if not available:
        pytest.skip(f"missing: {missing}")


def require_gloo():
    """Skip unless this torch can run processes that talk over gloo."""
    distributed = torch.distributed.is_available() and torch.distributed.is_gloo_available()
    require(distributed, "torch.distributed with gloo")


def require_fully_shard():
    """Skip unless this torch can share out parameters over processes: FSDP2, over gloo."""
    require_gloo()
    has_fully_shard = importlib.util.find_spec("torch.distributed.fsdp._fully_shard") is not None
    require(has_fully_shard, "torch.distributed.fsdp.fully_shard")


def require_onnx():
    """Skip unless torch can export to ONNX, and onnxruntime can run what it exports."""
    packages = ("onnx", "onnxscript", "onnxruntime")
    missing = [name for name in packages if importlib.util.find_spec(name) is None]
    require(not missing, ", ".join(missing))


def require_cuda():
    """Skip unless this torch sees a CUDA GPU."""
    require(torch.cuda.is_available(), "a CUDA GPU")


def require_packages(*names):
    """Skip unless these packages are installed."""
    missing = [name for name in names if importlib.util.find_spec(name) is None]
    require(not missing, ", ".join(missing))
