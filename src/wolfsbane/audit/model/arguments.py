"""What check_model is given beside the model: checked, and understood."""

import difflib
import functools
from collections.abc import Callable, Hashable, Iterable
from typing import Any, cast

from torch.nn import Module
from torch.optim import Optimizer

from wolfsbane.audit.model.layers import kind_of_module
from wolfsbane.audit.spellings import CLASSES, FUNCTIONS
from wolfsbane.audit.torch_functions import kind_of, name_of
from wolfsbane.audit.vocabulary import LOSSES
from wolfsbane.errors import ArgumentError, ArgumentTypeError

Loss = Module | Callable[..., Any] | str


def loss_kind_of(loss: Loss | None) -> str | None:
    """Return the vocabulary's word for a loss; None for one that it does not know.

    Args:
        loss: a module, a function, or the name of either.

    Raises:
        ArgumentTypeError: none of these, or a class that was not called.
        ArgumentError: a name that no loss has.

    Examples:
        >>> import torch.nn.functional as F
        >>> loss_kind_of(F.cross_entropy), loss_kind_of("CrossEntropyLoss")
        ('cross_entropy', 'cross_entropy')
    """
    if loss is None:
        return None
    if isinstance(loss, str):
        return _named(loss)
    if isinstance(loss, Module):
        return _if_loss(kind_of_module(loss))
    if isinstance(loss, type):
        raise ArgumentTypeError(
            f"loss has to be a module, a function or a name, but got the class {loss.__name__}. "
            f"Call it first: {loss.__name__}()"
        )
    if isinstance(loss, functools.partial):
        return loss_kind_of(loss.func)
    if callable(loss):
        is_known = isinstance(loss, Hashable)  # a dataclass with __call__ may be none
        return _if_loss(kind_of(name_of(loss), {})) if is_known else None
    raise ArgumentTypeError(
        f"loss has to be a module, a function or a name, but got {loss!r}. Pass what the training "
        "loop calls, such as torch.nn.CrossEntropyLoss()"
    )


def _named(name: str) -> str:
    last = name.strip().rpartition(".")[2]
    kind = _if_loss(CLASSES.get(last) or FUNCTIONS.get(last) or last)
    if kind is not None:
        return kind
    known = [word for words in (CLASSES, FUNCTIONS) for word in words if words[word] in LOSSES]
    near = difflib.get_close_matches(last, known, n=1)
    meant = f"; perhaps {near[0]} is meant" if near else ""
    raise ArgumentError(
        f"no loss is called {name!r}{meant}. Pass a name of torch's, such as 'cross_entropy' or "
        "'BCEWithLogitsLoss', or the loss itself"
    )


def _if_loss(kind: str | None) -> str | None:
    return kind if kind in LOSSES else None


def check_optimizer(optimizer: Any) -> Optimizer | None:
    """Return the optimizer, or raise.

    Raises:
        ArgumentTypeError: it is none.
    """
    if optimizer is None or isinstance(optimizer, Optimizer):
        return optimizer
    raise ArgumentTypeError(
        f"optimizer has to be a torch.optim.Optimizer, but got {_described(optimizer)}. Pass one "
        "that was made, such as torch.optim.AdamW(model.parameters())"
    )


def check_loader(loader: Any) -> Iterable[Any] | None:
    """Return the data loader, or raise.

    Raises:
        ArgumentTypeError: nothing that can be iterated over.
    """
    if loader is None or (hasattr(loader, "__iter__") and not isinstance(loader, type)):
        return cast("Iterable[Any] | None", loader)
    raise ArgumentTypeError(
        f"loader has to be a DataLoader or another iterable of batches, but got "
        f"{_described(loader)}. Pass the loader that the model is trained with"
    )


def _described(value: Any) -> str:
    return f"the class {value.__name__}" if isinstance(value, type) else repr(value)
