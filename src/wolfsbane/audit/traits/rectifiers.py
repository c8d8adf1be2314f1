"""Which operations cut off what is negative."""

from wolfsbane.audit.operation import Operation
from wolfsbane.audit.vocabulary import RECTIFIERS


def is_rectifier(operation: Operation | None) -> bool:
    """Whether an operation is ReLU or ReLU6, however it is spelt.

    `x.clamp_min(1e-8)` is a guard against zero, not a rectifier; `nn.ReLU6` calls hardtanh.

    Examples:
        >>> is_rectifier(Operation("relu", "torch.Tensor.clamp_min", arguments={"min": 1e-8}))
        False
        >>> is_rectifier(Operation("hardtanh", "torch.hardtanh", arguments={"min_val": 0}))
        True
    """
    if operation is None:
        return False
    if operation.kind == "hardtanh":
        return bool(operation.arguments.get("min_val", -1) == 0)
    return operation.kind in RECTIFIERS and bool(operation.arguments.get("min", 0) == 0)
