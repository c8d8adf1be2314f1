"""Replication: the batch once for each sample, in one forward pass.

For a batch so small that a pass over many is hardly longer. It holds for models that compute each
row by itself: a batch norm without running statistics, or a dropped weight, ties rows together.
"""

from torch import Tensor

from wolfsbane.errors import UnsupportedError
from wolfsbane.uncertainty.batches import mapped
from wolfsbane.uncertainty.masks import Window
from wolfsbane.uncertainty.passes import Passes


def run(passes: Passes, samples: range) -> Tensor:
    """Return the outputs of samples, (k, N, *).

    Raises:
        UnsupportedError: something dropped, or the output, has no batch as first dimension.
    """
    count, rows = len(samples), passes.rows

    def repeated(tensor: Tensor) -> Tensor:
        return tensor.repeat(count, *(1,) * (tensor.dim() - 1))

    output = passes.run(Window(samples.start, count), mapped(repeated, passes.batch))
    if output.dim() == 0 or output.size(0) != count * rows:
        raise UnsupportedError(
            "strategy='replicate' needs the batch as first dimension of the output, here "
            f"{count * rows}, but its shape is {tuple(output.shape)}. strategy='prefix' and "
            "strategy='loop' have no such need"
        )
    return output.reshape(count, rows, *output.shape[1:])
