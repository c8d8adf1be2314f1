"""Which tensors the last operations made, and which they overwrote: numbers only."""

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

from wolfsbane.audit.operation import Operation
from wolfsbane.audit.run.observer import OperationCall

if TYPE_CHECKING:
    from torch import Tensor

REMEMBERED = 2000
"""Operations that are kept: the forward pass of a large model."""


@dataclass(frozen=True, eq=False)
class Written:
    """A tensor that an operation made or overwrote.

    Args:
        operation: which.
        storage: address of the memory; 0 where it has none.
        shape: the tensor's.
        maker: name of its grad_fn afterwards, without "Backward0"; "" for a view or a leaf.
        version: how often the memory had been overwritten afterwards.
        is_in_place: whether the operation overwrote what was there.
    """

    operation: Operation
    storage: int
    shape: tuple[int, ...]
    maker: str
    version: int
    is_in_place: bool


class WriteLog:
    """The last operations, and the memory they wrote to."""

    def __init__(self) -> None:
        self.entries: deque[Written] = deque(maxlen=REMEMBERED)

    def note(self, call: OperationCall) -> None:
        """Add an operation."""
        is_in_place = overwrites(call.operation)
        written = call.tensors[:1] if is_in_place else call.output
        for tensor in written if isinstance(written, tuple | list) else [written]:
            if hasattr(tensor, "untyped_storage") and not tensor.is_inference():
                self.entries.append(_written(call.operation, tensor, is_in_place))

    def overwritten(
        self, shape: tuple[int, ...], maker: str, version: int, expected: int
    ) -> tuple[Written | None, list[Written]]:
        """Return who made a tensor that was overwritten, and who overwrote it, as far as is known.

        Args:
            shape: the tensor's, as torch's error names it.
            maker: its grad_fn, without "Backward0".
            version: the tensor's now.
            expected: its version when it was saved for the backward pass.
        """
        writes = [
            entry
            for entry in self.entries
            if entry.is_in_place and expected < entry.version <= version
        ]
        for saved in reversed(self.entries):
            if saved.maker == maker and saved.shape == shape and saved.storage:
                own = [entry for entry in writes if entry.storage == saved.storage]
                if own:
                    return self._before(own[0]), own
        alike = [entry for entry in writes if entry.shape == shape]
        if len({entry.storage for entry in alike}) != 1:
            return None, []
        return self._before(alike[0]), alike

    def _before(self, write: Written) -> Written | None:
        """Return who wrote last to the memory before it was overwritten."""
        entries = list(self.entries)
        earlier = entries[: entries.index(write)]
        return next((e for e in reversed(earlier) if e.storage == write.storage), None)


def _written(operation: Operation, tensor: "Tensor", is_in_place: bool) -> Written:
    version = tensor._version  # noqa: SLF001  # torch has no public name for it
    shape = tuple(tensor.shape)
    return Written(operation, _storage_of(tensor), shape, _maker_of(tensor), version, is_in_place)


def overwrites(operation: Operation) -> bool:
    """Whether an operation writes its result over its first tensor.

    Examples:
        >>> [overwrites(Operation("relu", name)) for name in ("torch.relu_", "torch.relu")]
        [True, False]
        >>> overwrites(Operation("__iadd__", "torch.Tensor.__iadd__"))
        True
    """
    last = operation.name.rpartition(".")[2]
    is_dunder = last.startswith("__")
    if is_dunder:
        return last == "__setitem__" or last[2:-2] in IN_PLACE_OPERATORS
    return last.endswith("_") or operation.arguments.get("inplace") is True


IN_PLACE_OPERATORS = frozenset(
    {"iadd", "isub", "imul", "idiv", "itruediv", "ifloordiv", "ipow", "imod", "iand", "ior", "ixor"}
)


def _storage_of(tensor: "Tensor") -> int:
    try:
        return tensor.untyped_storage().data_ptr()
    except (RuntimeError, NotImplementedError):  # sparse and fake tensors have none
        return 0


def _maker_of(tensor: "Tensor") -> str:
    """Return the name of its grad_fn; asking a view may raise, and makes a new one."""
    if tensor._is_view() or tensor.grad_fn is None:  # noqa: SLF001  # torch has no public name
        return ""
    return without_backward(tensor.grad_fn.name())


def without_backward(name: str) -> str:
    """Return a grad_fn's name without what torch appends.

    Examples:
        >>> without_backward("SigmoidBackward0"), without_backward("Sigmoid")
        ('Sigmoid', 'Sigmoid')
    """
    return name.partition("Backward")[0]
