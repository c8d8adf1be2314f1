"""The batch norms of a model: which have statistics to work on, and which are left and why."""

from collections.abc import Iterator
from dataclasses import dataclass

from torch.nn import Module
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.modules.lazy import LazyModuleMixin
from torch.nn.parallel import DistributedDataParallel

from wolfsbane.anatomy.places import Member, members
from wolfsbane.errors import ArgumentTypeError
from wolfsbane.stats.hold import hold_of


@dataclass(frozen=True)
class Left:
    """A batch norm that is left as it is, and why."""

    path: str
    kind: str
    why: str


def batch_norms(model: Module) -> list[Member]:
    """Return every batch norm once, torch's and others that derive from its base class."""
    return [member for member in members(model) if isinstance(member.module, _BatchNorm)]


def divided(model: Module) -> tuple[list[Member], list[Left]]:
    """Return the batch norms in training mode that keep statistics, and the others."""
    chosen, left = [], []
    for member in batch_norms(model):
        why = _why_left(member.module)
        if why is None:
            chosen.append(member)
        else:
            left.append(left_because(member, why))
    return chosen, left


def left_because(member: Member, why: str) -> Left:
    """Return a batch norm as one that is left."""
    return Left(member.path, type(member.module).__name__, why)


def _why_left(layer: Module) -> str | None:
    if hold_of(layer) is not None:
        return "frozen: stats.unfreeze(model) lets it go"
    if not has_statistics(layer) or not layer.track_running_stats:
        return "keeps no running statistics"
    return None if layer.training else "in evaluation mode"


def has_statistics(layer: Module) -> bool:
    """Whether a batch norm keeps running statistics, mean and variance both."""
    return layer.running_mean is not None and layer.running_var is not None


def uninitialised(model: Module) -> Iterator[str]:
    """Yield the paths of the lazy modules that have not seen their first batch."""
    for path, module in model.named_modules():
        if isinstance(module, LazyModuleMixin) and module.has_uninitialized_params():  # type: ignore[misc]
            yield path or type(module).__name__


def check_model(model: object) -> Module:
    """Return a model without the wrappers that compile it or share its gradients.

    Raises:
        ArgumentTypeError: it is not a torch.nn.Module.
    """
    if not isinstance(model, Module):
        raise ArgumentTypeError(
            f"model has to be a torch.nn.Module, but got {type(model).__name__}. The model comes "
            "first"
        )
    while True:
        inner = model.module if isinstance(model, DistributedDataParallel) else _compiled(model)
        if not isinstance(inner, Module):
            return model
        model = inner


def _compiled(model: Module) -> object:
    # Not by its class, which only the compiler (a second of imports) could tell.
    return model._modules.get("_orig_mod")  # noqa: SLF001
