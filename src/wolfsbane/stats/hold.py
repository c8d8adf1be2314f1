"""What freezes one batch norm."""

from torch.nn import Module


class Hold:
    """What keeps a batch norm in evaluation mode: its `train` stands in for the layer's.

    It hangs on the layer as two bound methods, not as a class or a closure of its own, so that the
    layer's class stays what it was, and it can be copied, pickled and compiled. The layer's
    `training` is False at all times: nothing is set straight only when the layer is called.

    Attributes:
        layer: the batch norm.
        mode: the mode that the layer would be in without the hold.
        parameters: names of those that the hold keeps from being trained.
    """

    def __init__(self, layer: Module) -> None:
        self.layer = layer
        self.mode = layer.training
        self.parameters: tuple[str, ...] = ()

    def train(self, mode: bool = True) -> Module:
        """Set the mode of the layer's children; remember it for the layer, which stays."""
        self.mode = mode
        self.layer.training = False
        for child in self.layer.children():
            child.train(mode)
        return self.layer

    def extra_repr(self) -> str:
        """Return what the layer says of itself, and that it is frozen."""
        said = type(self.layer).extra_repr(self.layer)
        return f"{said}, frozen" if said else "frozen"


def hold_of(layer: Module) -> Hold | None:
    """Return what freezes a layer, or None."""
    holder = getattr(layer.__dict__.get("train"), "__self__", None)
    return holder if isinstance(holder, Hold) else None
