"""Keys, drawn where they may be numbers, and where operations are only recorded.

In eager code a key is an integer, from one `torch.randint` call. torch.compile and dispatch modes
record the operator `wolfsbane::draw_key` instead, which makes that call when it runs: a compiled
step has the masks of the eager one. Under torch.func a key is the tensor that `torch.randint` gives
there, one for all samples or one each, as its `randomness` says.
"""

import itertools

import torch
from torch import Tensor
from torch.utils._python_dispatch import _disable_current_modes

from wolfsbane.errors import UnsupportedError
from wolfsbane.kernels.transforms import (
    hidden_from_compiler,
    is_jit_traced,
    is_recorded,
    is_transformed,
    is_under_functorch,
    refuse_capture,
)
from wolfsbane.mask import draw_key
from wolfsbane.mask.key import Key, check_generator, key_as_tensor, randint

_CPU = torch.device("cpu")

# A plain tensor, also where the first use of this library is inside a mode.
with torch.inference_mode(mode=False), _disable_current_modes():
    _last = torch.zeros((), dtype=torch.int64, device=_CPU)
"""The key that a compiled graph drew last. Each draw reads it and writes it: so the compiler can
neither merge two draws, which have no other arguments, nor change their order."""

_numbers = itertools.count()
"""Tells draws apart where a dispatch mode records them, one by one, outside torch.compile."""


def draw(generator: torch.Generator | None, input: Tensor) -> Key:
    """Draw the key of a mask.

    Args:
        generator: to draw from; torch's default CPU generator where None.
        input: what is dropped.

    Raises:
        UnsupportedError: torch.jit traces it, or a CUDA graph is captured: the key would be
            a constant of the graph, and each run would drop the same elements.
    """
    if is_transformed():
        return _draw_transformed(generator)
    if input.is_cuda:
        refuse_capture(input.device)
    return draw_key(generator)


def _draw_transformed(generator: torch.Generator | None) -> Key:
    check_generator(generator)
    if is_under_functorch():
        return randint(generator)
    if is_recorded():
        return _draw_recorded(generator)
    if is_jit_traced():
        raise UnsupportedError(
            "torch.jit.trace would make a dropout's key a constant: the same mask for ever. Trace "
            "in evaluation mode (model.eval()), or use torch.compile or torch.export"
        )
    return draw_key(generator)


def _draw_recorded(generator: torch.Generator | None) -> Tensor:
    if generator is not None and generator is not torch.default_generator:
        return _draw_from(generator)
    if not torch.compiler.is_compiling():
        recorded: Tensor = torch.ops.wolfsbane.draw_key(None, next(_numbers), device=_CPU)
        return recorded
    with torch.no_grad():
        key: Tensor = torch.ops.wolfsbane.draw_key(_last, 0, device=_CPU)
        _last.copy_(key)
    return key


def _draw_from(generator: torch.Generator) -> Tensor:
    return key_as_tensor(draw_key(generator))


hidden_from_compiler(
    _draw_from,
    "torch.compile cannot draw from a generator of a layer's own inside a graph. Leave out "
    "generator=, or let the graph break here: fullgraph=False",
)
