"""The layers of a model: its modules, each with the vocabulary's word for it."""

from torch.nn import Module

from wolfsbane.anatomy.places import members
from wolfsbane.audit.layer import Layer
from wolfsbane.audit.spellings import kind_of_class


def layers_of(model: Module) -> list[Layer]:
    """Return all modules of a model, each once, in the order of `named_modules()`.

    Raises:
        ArgumentTypeError: not a module.

    Examples:
        >>> from torch import nn
        >>> for layer in layers_of(nn.Sequential(nn.Linear(4, 4), nn.Dropout())):
        ...     print(layer.path or "(root)", layer.kind)
        (root) sequential
        0 linear
        1 dropout
    """
    return [
        Layer(
            path=member.path,
            paths=member.paths,
            module=member.module,
            kind=kind_of_module(member.module),
            parent=member.path.rpartition(".")[0] if member.path else None,
        )
        for member in members(model)
    ]


def kind_of_module(module: Module) -> str | None:
    """Return the vocabulary's word for a module; a subclass of a known layer has that layer's.

    Examples:
        >>> from torch import nn
        >>> class Mine(nn.Dropout2d): pass
        >>> kind_of_module(Mine())
        'dropout2d'
    """
    return next(filter(None, map(_kind_of, type(module).__mro__)), None)


def _kind_of(cls: type) -> str | None:
    return kind_of_class(f"{cls.__module__}.{cls.__qualname__}")
