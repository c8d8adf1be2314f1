"""Training and evaluation, module by module: remembered, and put back whatever happens."""

import contextlib
from collections.abc import Iterator

from torch.nn import Module


@contextlib.contextmanager
def preserved_modes(model: Module) -> Iterator[None]:
    """Put every module's `training` flag back at the end of the block, also after an error.

    Examples:
        >>> import torch
        >>> model = torch.nn.Sequential(torch.nn.Dropout(), torch.nn.Dropout().eval())
        >>> with preserved_modes(model):
        ...     _ = model.eval()
        >>> [layer.training for layer in model]
        [True, False]
    """
    flags = [(module, module.training) for module in model.modules()]
    try:
        yield
    finally:
        for module, training in flags:
            # Not train(): it would set the children too, and a frozen layer may refuse it.
            module.__dict__["training"] = training
