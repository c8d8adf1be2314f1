"""Attention taken apart, so that the dropout of its weights has a mask of ours."""

import functools
import inspect
import math
from types import FunctionType
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as torch_functional
from torch.overrides import TorchFunctionMode

from wolfsbane.uncertainty.masks import Masks


def scaled_dot_product(
    masks: Masks,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attn_mask: Tensor | None = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    scale: float | None = None,
    enable_gqa: bool = False,
) -> Tensor:
    """Return what `scaled_dot_product_attention` does; with dropout, by its definition."""
    if dropout_p == 0.0:
        return torch_functional.scaled_dot_product_attention(
            query,
            key,
            value,
            attn_mask=attn_mask,
            is_causal=is_causal,
            scale=scale,
            enable_gqa=enable_gqa,
        )
    if enable_gqa:
        key = key.repeat_interleave(query.size(-3) // key.size(-3), -3)
        value = value.repeat_interleave(query.size(-3) // value.size(-3), -3)
    factor = 1 / math.sqrt(query.size(-1)) if scale is None else scale
    scores = _masked(query * factor @ key.mT, attn_mask, is_causal)
    weights = scores.softmax(-1)
    if attn_mask is not None:  # A query that may look at nothing gets nothing, and not nan.
        weights = weights.masked_fill(scores.isneginf().all(-1, keepdim=True), 0.0)
    return masks.zero(weights, dropout_p) @ value


def _masked(scores: Tensor, attn_mask: Tensor | None, is_causal: bool) -> Tensor:
    if is_causal:
        seen = torch.ones(scores.shape[-2:], dtype=torch.bool, device=scores.device).tril()
        scores = scores.masked_fill(~seen, -math.inf)
    if attn_mask is None:
        return scores
    if attn_mask.dtype is torch.bool:
        return scores.masked_fill(~attn_mask, -math.inf)
    return scores + attn_mask


def multi_head(masks: Masks, *args: Any, **kwargs: Any) -> Any:
    """Return what `multi_head_attention_forward` does in training, with masks of ours."""
    given = inspect.signature(torch_functional.multi_head_attention_forward).bind(*args, **kwargs)
    given.arguments["training"] = True
    with _InsideHeads(masks, given.arguments["num_heads"]):
        return _body_of_multi_head()(*given.args, **given.kwargs)


class _InsideHeads(TorchFunctionMode):
    """What is dropped inside: weights whose first dimension is the batch times the heads."""

    def __init__(self, masks: Masks, num_heads: int) -> None:
        super().__init__()
        self._masks, self._num_heads = masks, num_heads

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = {} if kwargs is None else kwargs
        if func is torch_functional.dropout:
            return self._dropout(*args, **kwargs)
        if func is torch_functional.scaled_dot_product_attention:
            return scaled_dot_product(self._masks, *args, **kwargs)
        return func(*args, **kwargs)

    def _dropout(self, input: Tensor, p: float = 0.5, **_: Any) -> Tensor:
        rows = input.size(0) // self._num_heads
        by_head = input.unflatten(0, (rows, self._num_heads))
        return self._masks.zero(by_head, p).flatten(0, 1)


@functools.cache
def _body_of_multi_head() -> FunctionType:
    """Return torch's function as it runs when nothing overrides it.

    With a mode on, the function would hand itself to the mode and, called from there, run out of
    the mode's sight. This copy of it asks nobody.
    """
    function = torch_functional.multi_head_attention_forward
    assert isinstance(function, FunctionType)
    names = {**function.__globals__, "has_torch_function": lambda _: False}
    copy = FunctionType(
        function.__code__, names, function.__name__, function.__defaults__, function.__closure__
    )
    copy.__kwdefaults__ = function.__kwdefaults__
    return copy
