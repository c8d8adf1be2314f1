"""What autograd keeps for backward."""

from collections.abc import Callable

import torch
from torch import Tensor


def saved_bytes(run: Callable[[], object]) -> int:
    """Return the bytes that `run` saves for backward; a storage saved twice counts once.

    Inputs and parameters count where they are saved, as they cannot be freed before backward.
    """
    sizes: dict[int, int] = {}
    kept: list[object] = []

    def pack(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        sizes[storage.data_ptr()] = storage.nbytes()
        # Detached: an output that saves itself would never be freed.
        return tensor.detach()

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        kept.append(run())  # alive until all are counted, so that no address is used again
    return sum(sizes.values())
