"""The random numbers of a process, put back after a model has run."""

import contextlib
import random
from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor
from torch.nn import Module
from torch.utils._pytree import tree_leaves

from wolfsbane.anatomy.example import Inputs


def cuda_devices(model: Module, inputs: Inputs | None = None) -> list[int]:
    """Return the numbers of the CUDA devices that a model's tensors are on, and its inputs."""
    given = [] if inputs is None else tree_leaves((inputs.args, dict(inputs.kwargs)))
    found = [value for value in given if isinstance(value, Tensor)]
    tensors = [*model.parameters(), *model.buffers(), *found]
    return sorted({tensor.get_device() for tensor in tensors if tensor.is_cuda})


@contextlib.contextmanager
def preserved_randomness(model: Module, inputs: Inputs | None = None) -> Iterator[None]:
    """Put back what a model may draw from: Python's, NumPy's, torch's, and its own generators."""
    generators = [
        (value, value.get_state())
        for module in model.modules()
        for value in vars(module).values()
        if isinstance(value, torch.Generator)
    ]
    python, numbers = random.getstate(), np.random.get_state()  # noqa: NPY002
    try:
        with torch.random.fork_rng(cuda_devices(model, inputs)):
            yield
    finally:
        random.setstate(python)
        np.random.set_state(numbers)  # noqa: NPY002
        for generator, state in generators:
            generator.set_state(state)


def seed(model: Module, value: int) -> None:
    """Seed what a model draws from; torch.manual_seed would seed every other device too."""
    random.seed(value)
    np.random.seed(value)  # noqa: NPY002
    torch.default_generator.manual_seed(value)
    for device in cuda_devices(model):
        torch.cuda.default_generators[device].manual_seed(value)
