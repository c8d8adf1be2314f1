"""What is switched on for a prediction: whatever drops, and nothing else."""

import contextlib
import functools
import sys
import threading
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor
from torch.nn import Module
from torch.nn.modules.batchnorm import _NormBase

from wolfsbane.anatomy.modes import preserved_modes
from wolfsbane.anatomy.rates import DropRate, drop_rates
from wolfsbane.nn import BatchNormAct1d, BatchNormAct2d, BatchNormAct3d
from wolfsbane.uncertainty.masks import Masks
from wolfsbane.uncertainty.routing import Routing

_ONE_AT_A_TIME = threading.RLock()
"""A model's modes and torch's generators belong to the process. Held again by one prediction inside
another."""

_WITH_STATISTICS = (BatchNormAct1d, BatchNormAct2d, BatchNormAct3d)


@contextlib.contextmanager
def live(model: Module, masks: Masks) -> Iterator[list[DropRate]]:
    """Let a model drop in evaluation mode, with the masks given; put everything back at the end.

    All modules are in evaluation mode, except those that hold or read a drop rate: their source may
    ask for `self.training` before it drops. Batch norms, too, stay in evaluation mode whatever they
    hold; `train` and `eval`, called in a forward, change nothing. What the forward passes assign to
    attributes of modules is taken back: under torch.func.vmap it would outlive what it belongs to.
    Threads wait for one another.

    Yields:
        The drop rates found, those of 0 left out.
    """
    with contextlib.ExitStack() as stack:
        stack.enter_context(_ONE_AT_A_TIME)
        stack.enter_context(_preserved_attributes(model))
        stack.enter_context(preserved_modes(model))
        stack.enter_context(_preserved_generators(model))
        stack.enter_context(_eager())
        rates = [rate for rate in drop_rates(model) if rate.value > 0 and rate.is_effective]
        for module in model.modules():
            module.training = False
            module.__dict__["train"] = functools.partial(_unchanged, module)
        for module in _droppers(model, rates):
            module.training = True
        for module in model.modules():
            if isinstance(module, _WITH_STATISTICS):
                stack.enter_context(_dropping_output(module, masks))
        stack.enter_context(torch.no_grad())
        stack.enter_context(Routing(masks))
        yield rates


def _unchanged(module: Module, mode: bool = True) -> Module:  # noqa: ARG001
    """Stand in for `train`, which `eval` calls too."""
    return module


def _droppers(model: Module, rates: list[DropRate]) -> list[Module]:
    """Return the modules whose source may ask for their mode before they drop."""
    paths = {path for rate in rates for path in (*rate.paths, *rate.readers)}
    found = [model.get_submodule(path) for path in paths]
    return [module for module in found if not isinstance(module, _NormBase)]


@contextlib.contextmanager
def _dropping_output(layer: Any, masks: Masks) -> Iterator[None]:
    """Drop elements of what a batch norm with dropout returns in evaluation mode."""

    def drop(module: Any, _: Any, output: Tensor) -> Tensor:
        return masks.zero(output, module.p)

    # Before the hooks that the user has put there, which see what the layer gives in training.
    handle = layer.register_forward_hook(drop, prepend=True)
    try:
        yield
    finally:
        handle.remove()


@contextlib.contextmanager
def _preserved_attributes(model: Module) -> Iterator[None]:
    """Put back the objects that modules' attributes, buffers and parameters were."""
    kept = [
        (store, dict(store))
        for module in model.modules()
        for store in (module.__dict__, module._buffers, module._parameters)  # noqa: SLF001
    ]
    try:
        yield
    finally:
        for store, before in kept:
            for name in [name for name in store if name not in before]:
                del store[name]
            for name, value in before.items():
                if store.get(name, kept) is not value:
                    store[name] = value


@contextlib.contextmanager
def _preserved_generators(model: Module) -> Iterator[None]:
    """Put back the states of the generators that are seeded for what draws without masks."""
    devices = {tensor.device for tensor in (*model.parameters(), *model.buffers())}
    cuda = sorted({device.index for device in devices if device.type == "cuda"})
    with torch.random.fork_rng(devices=cuda):
        yield


@contextlib.contextmanager
def _eager() -> Iterator[None]:
    """Run compiled parts of a model as they were written: a graph has its mode built in."""
    if "torch._dynamo" not in sys.modules:  # nothing can be compiled, and the import takes seconds
        yield
        return
    with torch.compiler.set_stance("force_eager"):
        yield
