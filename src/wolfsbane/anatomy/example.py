"""What a model is called with, when a verb needs to see it run."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor
from torch.utils._pytree import tree_map_only

from wolfsbane.errors import ArgumentTypeError


@dataclass(frozen=True, eq=False)
class Inputs:
    """The arguments of a call of a model."""

    args: tuple[Any, ...] = ()
    kwargs: Mapping[str, Any] = field(default_factory=dict)

    def fresh(self) -> "Inputs":
        """Return the same arguments in memory of their own: a model may write into its input."""
        args, kwargs = tree_map_only(
            Tensor, lambda tensor: tensor.detach().clone(), (self.args, dict(self.kwargs))
        )
        return Inputs(args, kwargs)


def as_inputs(example_inputs: Any) -> Inputs | None:
    """Return example inputs as arguments: of a tensor, a tuple of arguments, a dict of keywords.

    Raises:
        ArgumentTypeError: none of these.
    """
    if example_inputs is None:
        return None
    if isinstance(example_inputs, Tensor):
        return Inputs((example_inputs,))
    if isinstance(example_inputs, (tuple, list)):
        return Inputs(tuple(example_inputs))
    if isinstance(example_inputs, Mapping):
        return Inputs(kwargs=dict(example_inputs))
    raise ArgumentTypeError(
        "example_inputs has to be a tensor, a tuple of positional arguments or a dict of keyword "
        f"arguments for the model, but got {type(example_inputs).__name__}. For one argument that "
        "is a list, pass ([...],)"
    )
