"""Batch norm, activation and dropout, one behind the other, as one layer."""

import contextlib
from collections.abc import Iterator, Sequence
from typing import Any

import torch
from torch.nn import Module
from torch.nn.modules.batchnorm import _BatchNorm
from torch.optim import Optimizer

from wolfsbane import nn
from wolfsbane.anatomy.example import Inputs, as_inputs
from wolfsbane.anatomy.places import Member
from wolfsbane.arguments import explain_unknown_arguments
from wolfsbane.surgery.checking.retracing import Retracing
from wolfsbane.surgery.checking.verification import Part, Verification
from wolfsbane.surgery.fusible_chains import FUSED, FUSED_ALREADY, Chain, ChainFinder
from wolfsbane.surgery.graphs.surroundings import Surroundings
from wolfsbane.surgery.graphs.tracing import read_graph
from wolfsbane.surgery.planning.changes import Change, Replace
from wolfsbane.surgery.planning.optimizers import check_optimizers
from wolfsbane.surgery.planning.plan import Plan
from wolfsbane.surgery.planning.succession import succeed

OTHER_MASKS = (
    "the masks of torch.nn.Dropout become those of wolfsbane.nn.Dropout: of the same rate, and "
    "other bits for the same seed"
)


@explain_unknown_arguments
def fuse(
    model: Module, example_inputs: Any = None, *, optimizers: Sequence[Optimizer] = ()
) -> Plan:
    """Plan each batch norm with the activation (and the dropout) behind it to become one layer.

    The batch norm's place is taken by `wolfsbane.nn.BatchNormAct1d`, `2d` or `3d`, which shares
    its parameters and statistics; the others' by `torch.nn.Identity`. Names in the state_dict stay.

    Chains are found in the model's graph: by torch.fx, or where that fails and an example is given
    by torch.export; where both fail only between neighbours in torch.nn.Sequential, and the plan's
    notes say why. A chain is fused where each of its modules is called once, takes nothing but the
    output of the one before, and nothing else takes that output; where all are in the same mode,
    and no hook sees what is between. The others are listed with the reason.

    In training and in evaluation the fused layer computes what the chain computed. `plan.apply()`
    checks that: each chain on random input, and with `example_inputs` the whole model, in both
    modes with the same seed: outputs, masks and running statistics. The model's state is put back.
    torch.nn.Dropout is compared as wolfsbane.nn.Dropout, whose masks the fused layer has.

    Args:
        model: any model.
        example_inputs: what the model is called with: a tensor, a tuple of positional arguments or
            a dict of keyword arguments. Default: none.
        optimizers: those that train the model. They go on as they are: parameters stay the same.

    Returns:
        A plan; `plan.apply()` fuses.

    Raises:
        ArgumentTypeError, ArgumentError: the example or the optimizers are not what is expected.
        ModelError: the model does not run on the example.

    Examples:
        >>> model = torch.nn.Sequential(
        ...     torch.nn.Conv2d(3, 8, 3), torch.nn.BatchNorm2d(8), torch.nn.ReLU()
        ... )
        >>> plan = fuse(model, torch.randn(2, 3, 9, 9))
        >>> print(plan)
        fuse (Sequential): 2 changes
          1  torch.nn.BatchNorm2d  ->  wolfsbane.nn.BatchNormAct2d(relu)
          2  torch.nn.ReLU         ->  torch.nn.Identity, as it is in 1
        note: the graph was found by torch.fx
        >>> undo = plan.apply()

    References:
        Rota Bulo, Porzi, Kontschieder 2018, arXiv:1712.02616: one layer of batch norm and
        activation.
    """
    trained = check_optimizers(model, optimizers)
    inputs = as_inputs(example_inputs)
    graph = read_graph(model, inputs, modes=(True, False))
    finder = ChainFinder(graph, Surroundings(model))
    for member in finder.around.members.values():
        if isinstance(member.module, _BatchNorm) and type(member.module) not in FUSED_ALREADY:
            finder.look_behind(member.module)
    return Plan(
        verb="fuse",
        model=model,
        changes=tuple(_changes(finder)),
        kept=tuple(finder.kept),
        notes=tuple(_notes(finder)),
        optimizers=trained,
        verify=Verification(
            modes=(True, False),
            parts=lambda: [_part(chain, finder.around.path(chain.norm)) for chain in finder.chains],
            places=tuple(chain.modules for chain in finder.chains),
            inputs=inputs,
            retracing=Retracing(graph, finder.became()),
            stale=lambda: _stale(finder, model),
            reference=lambda: _our_dropouts(finder.chains, finder.around),
        ),
    )


def _replace(member: Member, new: Module, after: str) -> Replace:
    old = member.module
    before = f"{type(old).__module__.partition('.')[0]}.nn.{type(old).__name__}"
    return Replace(
        path=member.path, before=before, after=after, slots=member.slots, old=old, new=new
    )


def _changes(finder: ChainFinder) -> Iterator[Change]:
    for chain in finder.chains:
        norm, *others = (finder.around.members[id(module)] for module in chain.modules)
        yield _replace(norm, chain.fused, _words(chain.fused))
        for member in others:
            after = f"torch.nn.Identity, as it is in {norm.path}"
            yield _replace(member, torch.nn.Identity(), after)


def _notes(finder: ChainFinder) -> Iterator[str]:
    yield from finder.graph.notes
    if any(type(chain.drop) is torch.nn.Dropout for chain in finder.chains):
        yield OTHER_MASKS


def _stale(finder: ChainFinder, model: Module) -> str | None:
    """Return why a chain of a plan can no longer be fused."""
    now = ChainFinder(finder.graph, Surroundings(model))
    return next(filter(None, (now.obstacle(chain.modules) for chain in finder.chains)), None)


def _words(fused: Module) -> str:
    activation, p = vars(fused)["activation"], vars(fused)["p"]
    rate = f", p={p:g}" if p else ""
    return f"wolfsbane.nn.{type(fused).__name__}({activation}{rate})"


def _part(chain: Chain, path: str) -> Part:
    ours = tuple(_ours(module) for module in chain.modules)
    return Part(
        name=f"the chain at {path}",
        before=torch.nn.Sequential(*ours),
        after=torch.nn.Sequential(chain.fused),
        places=ours,
        inputs=_random_input(chain.norm),
    )


def _ours(module: Module) -> Module:
    return succeed(module, nn.Dropout) if type(module) is torch.nn.Dropout else module


@contextlib.contextmanager
def _our_dropouts(chains: Sequence[Chain], around: Surroundings) -> Iterator[None]:
    """Let the dropouts of all chains draw our masks, which are those of the fused layers."""
    swaps = [
        _replace(around.members[id(chain.drop)], _ours(chain.drop), "")
        for chain in chains
        if type(chain.drop) is torch.nn.Dropout
    ]
    try:
        for swap in swaps:
            swap.do()
        yield
    finally:
        for swap in reversed(swaps):
            swap.undo()


def _random_input(norm: Module) -> Inputs:
    """Return a small input for a batch norm: four samples, five values along each dimension."""
    tensors = [t for t in (*norm.parameters(), *norm.buffers()) if t.is_floating_point()]
    like = tensors[0] if tensors else torch.zeros(())
    dims = FUSED[type(norm)][1]
    shape = (4, int(vars(norm)["num_features"]), *[5] * dims)
    generator = torch.Generator().manual_seed(0)
    values = torch.randn(shape, generator=generator) * 2 + 1
    return Inputs((values.to(like.device, like.dtype),))
