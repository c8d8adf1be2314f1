"""The switch: `accelerate()`, and what of it is on in this process."""

import threading
from types import TracebackType

from wolfsbane.acceleration.batch_norm import batch_norm_overrides
from wolfsbane.acceleration.dispatcher import Overrides
from wolfsbane.acceleration.dropout import dropout_overrides
from wolfsbane.errors import ArgumentTypeError
from wolfsbane.kernels.transforms import hidden_from_compiler


class _Process:
    """What is on in this process: a switch, and the number of blocks that are open."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._overrides: Overrides | None = None
        self._switch = False
        self._num_blocks = 0

    def turn(self, enabled: bool) -> bool:
        """Set the switch, and return how it stood."""
        with self._lock:
            before = self._switch
            self._become(enabled, self._num_blocks)
        return before

    def count_block(self, change: int) -> None:
        """Note that a block was opened (+1) or left (-1)."""
        with self._lock:
            self._become(self._switch, self._num_blocks + change)

    def _become(self, switch: bool, num_blocks: int) -> None:
        wanted = switch or num_blocks > 0
        if wanted and self._overrides is None:
            self._overrides = Overrides([*dropout_overrides(), *batch_norm_overrides()])
        elif not wanted and self._overrides is not None:
            self._overrides.remove()
            self._overrides = None
        self._switch, self._num_blocks = switch, num_blocks


_PROCESS = _Process()


class Acceleration:
    """What `accelerate` returns, to be used in a `with` statement; see there."""

    def __init__(self, enabled: bool | None) -> None:
        self._enabled = enabled
        self._before = False if enabled is None else _PROCESS.turn(enabled)

    @hidden_from_compiler
    def __enter__(self) -> None:
        if self._enabled is None:
            _PROCESS.count_block(+1)
        else:
            _PROCESS.turn(self._enabled)

    @hidden_from_compiler
    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._enabled is None:
            _PROCESS.count_block(-1)
        else:
            _PROCESS.turn(self._before)


@hidden_from_compiler
def accelerate(enabled: bool | None = None) -> Acceleration:
    """Route torch's own dropout and batch norm on the CPU through wolfsbane's kernels.

    ::

        with wolfsbane.accelerate():  # for a block
            train(model)

        wolfsbane.accelerate(True)  # for the process, at once
        wolfsbane.accelerate(False)  # and back

    Every call that reaches torch's dispatcher is routed, from Python or from C++: `F.dropout`,
    `nn.Dropout`, the dropout inside `scaled_dot_product_attention`, `nn.LSTM` and
    `nn.MultiheadAttention`, and `nn.BatchNorm1d/2d/3d`. No model is changed. In training, a mask
    then follows `wolfsbane.mask`, so the random numbers are not torch's; `torch.manual_seed`
    decides them as before. In evaluation nothing is routed. A call that wolfsbane's kernels cannot
    take, or for which they are not faster, takes the stock path: see docs/accelerate.md.

    The dispatcher belongs to the process: while any block is open in any thread, calls of all
    threads are routed. Blocks may nest. After the last is left, torch is as it was, bit for bit.

    Args:
        enabled: None routes inside the `with` block. True routes from this call on, False takes
            that back; as a `with` statement, either is undone at the end of the block.
            `accelerate(False)` does not close a block opened by `accelerate()`: inside one, calls
            are routed until it is left. Default: None.

    Returns:
        A context manager.

    Raises:
        ArgumentTypeError: `enabled` is not True, False or None.

    Examples:
        >>> import torch
        >>> x = torch.ones(64, 1024)
        >>> _ = torch.manual_seed(0)
        >>> with accelerate():
        ...     routed = torch.nn.functional.dropout(x, 0.5)
        >>> _ = torch.manual_seed(0)
        >>> from wolfsbane.mask import draw_key, keep_mask
        >>> torch.equal(routed != 0, keep_mask((64, 1024), 0.5, draw_key()))
        True
    """
    if enabled is not None and not isinstance(enabled, bool):
        raise ArgumentTypeError(
            f"accelerate() takes True, False or nothing, but got {enabled!r} (of type "
            f"{type(enabled).__name__}). It acts on the whole process, on no particular model: "
            "`with wolfsbane.accelerate():` for a block, `wolfsbane.accelerate(True)` from here on"
        )
    return Acceleration(enabled)
