"""Batch norms that stay in evaluation mode however often `model.train()` is called."""

from collections.abc import Iterator

from torch.nn import Module, Parameter

from wolfsbane.anatomy.places import Member, path_of
from wolfsbane.anatomy.selection import Selector, select
from wolfsbane.arguments import explain_unknown_arguments
from wolfsbane.errors import ArgumentError, ArgumentTypeError, ModelError
from wolfsbane.stats.hold import Hold, hold_of
from wolfsbane.stats.layers import batch_norms, check_model, has_statistics, uninitialised


@explain_unknown_arguments
def freeze(model: Module, affine: bool = True, *, which: Selector | None = None) -> list[str]:
    """Keep batch norms in evaluation mode, whatever `model.train()` says, until `unfreeze`.

    In training as in evaluation they normalise with their running statistics, which no longer
    change. What else such a layer does in training ends too: the dropout in a `BatchNormAct`. The
    rest of the model goes on following `train()` and `eval()`. The layers' classes, tensors, hooks
    and names in the state_dict stay; the model can be copied, pickled and compiled; `print(model)`
    says "frozen".

    Freezing again changes nothing, except gamma and beta where `affine` differs.

    Args:
        model: any model; changed in place.
        affine: also keep gamma and beta from being trained: `requires_grad` becomes False, and
            gradients already there are dropped, which momentum or weight decay would go on to use.
            `model.requires_grad_()` would undo this. Default: True.
        which: what to freeze, as a class, a pattern of paths such as "backbone.*", a function of
            (path, module), or a list of these. A module chosen by class or pattern stands for all
            batch norms in it. Default: every batch norm.

    Returns:
        The paths of the frozen layers.

    Raises:
        ArgumentError: `which` chooses no batch norm.
        ArgumentTypeError: the model is not a module, `affine` not a bool, or `which` none of what
            it may be.
        ModelError: a batch norm keeps no running statistics, or has not seen its first batch.

    Examples:
        >>> import torch
        >>> model = torch.nn.Sequential(torch.nn.Linear(2, 2), torch.nn.BatchNorm1d(2))
        >>> freeze(model)
        ['1']
        >>> model.train()[1].training
        False
        >>> unfreeze(model)
        ['1']
        >>> model[1].training
        True

    References:
        He et al. 2016, arXiv:1512.03385, and detectron2 freeze batch norms while fine-tuning.
    """
    model = check_model(model)
    _check_affine(affine)
    chosen = _chosen(model, which)
    for member in chosen:
        _check_statistics(member)
    for member in chosen:
        layer = member.module
        hold = hold_of(layer)
        if hold is None:
            hold = Hold(layer)
            layer.__dict__["train"] = hold.train
            layer.__dict__["extra_repr"] = hold.extra_repr
        layer.training = False
        if affine:
            _stop(layer, hold)
        else:
            _release(layer, hold)
    return [path_of(member.path) for member in chosen]


@explain_unknown_arguments
def unfreeze(model: Module, *, which: Selector | None = None) -> list[str]:
    """Let batch norms go that `freeze` has frozen.

    Each gets the mode of the last `train()` or `eval()` call that reached it, or that of before
    where there was none; gamma and beta are trained again where they were. Layers that are not
    frozen are left alone.

    Args:
        model: any model; changed in place.
        which: as for `freeze`. Default: every batch norm.

    Returns:
        The paths of the layers that were frozen; an empty list says that none was.

    Raises:
        ArgumentError: `which` chooses no batch norm.
        ArgumentTypeError: the model is not a module, or `which` none of what it may be.

    Examples:
        >>> import torch
        >>> unfreeze(torch.nn.BatchNorm1d(2))
        []
    """
    released = []
    for member in _chosen(check_model(model), which):
        layer = member.module
        hold = hold_of(layer)
        if hold is not None:
            del layer.__dict__["train"], layer.__dict__["extra_repr"]
            layer.training = hold.mode
            _release(layer, hold)
            released.append(path_of(member.path))
    return released


def _check_affine(affine: object) -> None:
    if not isinstance(affine, bool):
        raise ArgumentTypeError(
            f"affine has to be True or False, but got {affine!r}. Which layers are frozen is said "
            f"by name: freeze(model, which={affine!r})"
        )


def _chosen(model: Module, which: Selector | None) -> list[Member]:
    found = batch_norms(model)
    if which is None:
        return found
    wanted: set[int] = set()
    for part in which if isinstance(which, (tuple, list)) else [which]:
        is_function = not isinstance(part, (str, type))
        for member in select(model, part):
            meant = [member.module] if is_function else member.module.modules()
            wanted.update(id(module) for module in meant)
    chosen = [member for member in found if id(member.module) in wanted]
    if not chosen:
        paths = ", ".join(path_of(member.path) for member in found[:12]) or "none"
        raise ArgumentError(f"which={which!r} chooses no batch norm. The batch norms are: {paths}")
    return chosen


def _check_statistics(member: Member) -> None:
    name = f"{path_of(member.path)} ({type(member.module).__name__})"
    if any(uninitialised(member.module)):
        raise ModelError(
            f"{name} has not seen its first batch: run one batch through the model, then freeze it"
        )
    if not has_statistics(member.module):
        raise ModelError(
            f"{name} keeps no running statistics (track_running_stats=False), so it would go on "
            "normalising with each batch's own. Leave it out: which=lambda path, module: "
            "isinstance(module, torch.nn.BatchNorm2d) and module.running_mean is not None"
        )


def _own_parameters(layer: Module) -> Iterator[tuple[str, Parameter]]:
    """Yield gamma and beta, not what a child, such as a PReLU, learns."""
    for name, parameter in layer.named_parameters():
        if "." not in name or name.startswith("parametrizations."):
            yield name, parameter


def _stop(layer: Module, hold: Hold) -> None:
    stopped = []
    for name, parameter in _own_parameters(layer):
        if parameter.requires_grad:
            parameter.requires_grad_(False)
            parameter.grad = None
            stopped.append(name)
    hold.parameters += tuple(stopped)


def _release(layer: Module, hold: Hold) -> None:
    for name, parameter in _own_parameters(layer):
        if name in hold.parameters:
            parameter.requires_grad_(True)
    hold.parameters = ()
