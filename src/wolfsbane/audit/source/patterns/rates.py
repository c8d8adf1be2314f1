"""The drop rates that a program writes down: in which call, and where each number stands."""

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from wolfsbane.audit.source.calls import Call, Step
from wolfsbane.audit.source.file import Source
from wolfsbane.audit.vocabulary import DROPOUTS

LAYERS: Mapping[str, tuple[str, int]] = {
    "DropPath": ("drop_prob", 0),  # timm's; wolfsbane's own has torch's p in that place
    "RNN": ("dropout", 6),
    "LSTM": ("dropout", 5),
    "GRU": ("dropout", 5),
    "MultiheadAttention": ("dropout", 2),
    "TransformerEncoderLayer": ("dropout", 3),
    "TransformerDecoderLayer": ("dropout", 3),
    "Transformer": ("dropout", 5),
}
"""Layers whose rate is not called p, or is not their first argument."""

FUNCTIONS: Mapping[str, tuple[str, int]] = {
    "scaled_dot_product_attention": ("dropout_p", 4),
    "drop_path": ("drop_prob", 1),
}
"""The same for functions, of which the first argument is the input."""

DROPPING = DROPOUTS | {"attention"}
"""Kinds of functions that have a rate."""


@dataclass(frozen=True, eq=False)
class Rate:
    """A drop rate that is given to a layer or a function.

    Args:
        call: what it is given to.
        kind: the vocabulary's word for that; its name, where there is none.
        keyword: how the argument is called: p, dropout.
        expression: what stands there as the rate.
    """

    call: Call
    kind: str
    keyword: str
    expression: ast.expr

    @property
    def name(self) -> str:
        """The last name of what it is given to: Dropout, LSTM."""
        return (self.call.name or "").rpartition(".")[2]


def rates_of(source: Source) -> Iterator[Rate]:
    """Yield the rates that a program gives to layers and functions."""
    found = [rate_of_layer(creation.call, creation.kind) for creation in source.creations]
    found += [rate_of(step) for step in source.functions_of(DROPPING)]
    found += [
        rate_of_layer(call, "transformer")
        for call in source.calls
        if (call.name or "").startswith("torch.nn.Transformer")
    ]
    yield from (rate for rate in found if rate is not None)


def rate_of_layer(call: Call, kind: str) -> Rate | None:
    """Return the rate with which a layer is made, where one is given."""
    return _rate(call, kind, LAYERS, 0)


def rate_of(step: Step) -> Rate | None:
    """Return the rate of a layer's or a function's step, where one is given."""
    if step.creation is not None:
        return rate_of_layer(step.creation.call, step.kind)
    return None if step.call is None else _rate(step.call, step.kind, FUNCTIONS, 1)


def _rate(call: Call, kind: str, places: Mapping[str, tuple[str, int]], first: int) -> Rate | None:
    name = (call.name or "").rpartition(".")[2]
    if kind not in DROPOUTS and name not in places:
        return None
    keyword, position = places.get(name, ("p", first))
    given = call.argument(keyword, position)
    if given is None and kind in DROPOUTS:
        keyword, given = "p", call.argument("p")
    return None if given is None else Rate(call, kind, keyword, given)


def numbers_of(source: Source, rate: Rate) -> Iterator[tuple[ast.expr, float | bool]]:
    """Yield the numbers that a rate may be, each with where it is written.

    A name, an attribute or a parameter is followed to what this file gives it.
    """
    for origin in source.origins(rate.expression):
        value = source.constant(origin)
        if isinstance(value, bool | int | float):
            yield origin, value


def drops_nothing(source: Source, step: Step) -> bool:
    """Return whether a dropout's step is known to have the rate 0."""
    rate = rate_of(step)
    return rate is not None and source.constant(rate.expression) == 0
