"""A `BatchNormAct` as torch's batch norm, activation and dropout."""

from collections.abc import Mapping

import torch
from torch import Tensor
from torch.nn import Module

from wolfsbane.anatomy.places import Member
from wolfsbane.functional.activation import as_module
from wolfsbane.surgery.fused_patterns import BLOCKS
from wolfsbane.surgery.planning.changes import Replace
from wolfsbane.surgery.planning.decision import replacement
from wolfsbane.surgery.planning.succession import hooks_of, is_sequential, own_behaviour, succeed

NORMS = {block: norm for norm, block in BLOCKS.items()}
"""Our blocks, and the batch norms of torch in them."""


def unfuse(member: Member, places: Mapping[int, Member]) -> tuple[Replace, ...]:
    """Return the changes that put three layers in the place of a block.

    They go into the slots of the `Identity` modules that follow in a Sequential, where there are
    such, so that the names in the state_dict stay; else into a Sequential in the block's slot.
    """
    block = member.module
    tail = _tail(block)
    followers = _placeholders(member, len(tail), places)
    if followers is None:
        return (_nested(member, tail),)
    changes = [replacement(member, _norm(block))]
    for follower, layer in zip(followers, tail, strict=True):
        layer.__dict__.update(hooks_of(follower.module))
        changes.append(replacement(follower, layer, mode_of=block))
    return tuple(changes)


def without_rate(module: Module) -> dict[str, Tensor | None]:
    """Return a module's buffers other than a rate."""
    return {name: value for name, value in module._buffers.items() if name != "p"}  # noqa: SLF001


def _norm(block: Module, **own: object) -> Module:
    if "p" in block._buffers:  # noqa: SLF001
        own["_buffers"] = without_rate(block)
    return succeed(block, NORMS[type(block)], without=("activation", "p", "generator"), **own)


def _tail(block: Module) -> list[Module]:
    activation, rate = block.activation, float(block.p)  # type: ignore[arg-type]
    tail = []
    if activation.name != "identity":  # type: ignore[union-attr]
        tail.append(as_module(activation))  # type: ignore[arg-type]
    if rate > 0.0:
        tail.append(torch.nn.Dropout(rate))
    return tail


def _placeholders(
    member: Member, count: int, places: Mapping[int, Member]
) -> tuple[Member, ...] | None:
    """Return the Identities behind a block that wait for its activation and dropout."""
    if count == 0:
        return ()
    slot, *others = member.slots
    parent = slot.parent
    if others or parent is None or not is_sequential(parent):
        return None
    layers = list(parent._modules.values())  # noqa: SLF001
    behind = layers[layers.index(member.module) + 1 :][:count]
    found = [places[id(layer)] for layer in behind if layer is not None]
    if len(found) < count or not all(_is_placeholder(one) for one in found):
        return None
    return tuple(found)


def _is_placeholder(member: Member) -> bool:
    plain = own_behaviour(member.module, torch.nn.Identity) is None
    return plain and len(member.slots) == 1


def _nested(member: Member, tail: list[Module]) -> Replace:
    block = member.module
    norm = _norm(block, **hooks_of(torch.nn.Identity()))
    layers = torch.nn.Sequential(norm, *tail)
    layers.__dict__.update(hooks_of(block))
    keys = {name: f"0.{name}" for name in norm.state_dict()}
    return replacement(member, layers, keys=keys)
