"""Every function that drops, of torch and of ours, sent to the masks of a prediction.

A TorchFunctionMode sees each call of a function of torch in this thread. Inside it, a dropout with
p > 0 is live whatever its `training` says: in evaluation, where Monte-Carlo dropout runs, models
hand in False. In C++ nothing is seen, so what drops there (attention, recurrent nets) is taken
apart into what is seen.
"""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as torch_functional
from torch.overrides import TorchFunctionMode

from wolfsbane import functional as F
from wolfsbane.functional.broadcast_dims import positive_dims, shared_mask
from wolfsbane.functional.drop_weights import drop_weights
from wolfsbane.functional.masking import channel_mask
from wolfsbane.mask.rate import Rate
from wolfsbane.uncertainty import attention, noise, recurrent
from wolfsbane.uncertainty.masks import Masks

Drop = Callable[[Masks, Tensor, Rate], Tensor]
"""Takes the masks, an input and a rate."""

Handler = Callable[..., Any]
"""Takes the masks, then what the function takes."""

PLACE_OF_INPLACE = 2
"""In the arguments after a dropout's input."""

SEQUENCE, VOLUMES = 3, 5
"""Dimensions of a batch of sequences, and of one of volumes."""


def _element_wise(masks: Masks, input: Tensor, p: Rate) -> Tensor:
    return masks.zero(input, p)


def _alpha(masks: Masks, input: Tensor, p: Rate) -> Tensor:
    return masks.saturate(input, p)


def _channels(masks: Masks, input: Tensor, p: Rate) -> Tensor:
    return masks.zero(input, p, channel_mask(input, True))


def _feature_alpha(masks: Masks, input: Tensor, p: Rate) -> Tensor:
    return masks.saturate(input, p, channel_mask(input, True))


def _drop_path(masks: Masks, input: Tensor, p: Rate) -> Tensor:
    return masks.zero(input, p, (input.size(0),) + (1,) * (input.dim() - 1))


def _batched(dims: int) -> Drop:
    """Return how channels are dropped where only an input of so many dimensions has a batch."""

    def drop(masks: Masks, input: Tensor, p: Rate) -> Tensor:
        if input.dim() == dims:
            return _channels(masks, input, p)
        return _channels(masks, input.unsqueeze(0), p).squeeze(0)

    return drop


def _dropout(
    masks: Masks,
    input: Tensor,
    p: Rate = 0.5,
    training: bool = True,  # noqa: ARG001
    inplace: bool = False,
    *,
    broadcast_dims: Sequence[int] = (),
    **_: Any,
) -> Tensor:
    """Handle our own dropout, whose mask may be shared over dimensions."""
    shape = None
    if broadcast_dims:
        shape = shared_mask(input, positive_dims(broadcast_dims, input.dim()))
    output = masks.zero(input, p, shape)
    return _written(input, output) if inplace else output


def _locked_dropout(masks: Masks, input: Tensor, *args: Any, **kwargs: Any) -> Tensor:
    output = noise.locked_dropout(masks, input, *args, **kwargs)
    inplace = kwargs.get("inplace", len(args) > PLACE_OF_INPLACE and args[PLACE_OF_INPLACE])
    return _written(input, output) if inplace else output


def _drop_weights(masks: Masks, weight: Tensor, p: Rate, *_: Any, **__: Any) -> Tensor:
    return masks.zero_weights(weight, p)


def _of_function(drop: Drop) -> Handler:
    """Return the handler of a function such as `torch.nn.functional.dropout`."""

    def handle(masks: Masks, *args: Any, **kwargs: Any) -> Tensor:
        given = dict(zip(("input", "p", "training", "inplace"), args, strict=False)) | kwargs
        output = drop(masks, given["input"], given.get("p", 0.5))
        return _written(given["input"], output) if given.get("inplace", False) else output

    return handle


def _of_operator(drop: Drop, inplace: bool) -> Handler:
    """Return the handler of an operator such as `torch.dropout` or `torch.dropout_`."""

    def handle(masks: Masks, input: Tensor, p: Rate, train: bool) -> Tensor:  # noqa: ARG001
        output = drop(masks, input, p)
        return _written(input, output) if inplace else output

    return handle


def _written(input: Tensor, output: Tensor) -> Tensor:
    """Write into the input, unless it has no room: under vmap one for all samples."""
    is_batched = torch._C._functorch.is_batchedtensor  # noqa: SLF001
    if is_batched(output) and not is_batched(input):
        return output
    return input.copy_(output)


def _dropout_add(
    masks: Masks, input: Tensor, residual: Tensor, p: Rate = 0.5, *_: Any, **__: Any
) -> Tensor:
    return F.dropout_add(masks.zero(input, p), residual, 0.0, training=False)


def _bias_act_dropout(
    masks: Masks,
    input: Tensor,
    bias: Tensor | None = None,
    activation: Any = "relu",
    p: Rate = 0.5,
    *_: Any,
    **__: Any,
) -> Tensor:
    return masks.zero(F.bias_act_dropout(input, bias, activation, 0.0, training=False), p)


def _batch_norm_act_dropout(masks: Masks, *args: Any, p: Rate = 0.0, **kwargs: Any) -> Tensor:
    return masks.zero(F.batch_norm_act_dropout(*args, p=0.0, **kwargs), p)


def _unseen(handler: Handler) -> Handler:
    """Return a handler that other modes do not look into: one prediction may run inside another."""

    def handle(*args: Any, **kwargs: Any) -> Any:
        with torch._C.DisableTorchFunction():  # noqa: SLF001
            return handler(*args, **kwargs)

    return handle


def _overloads(name: str) -> tuple[Any, Any]:
    """Return the operator of a name as torch.ops has it, and its default overload."""
    packet = getattr(torch.ops.aten, name)
    return packet, packet.default


_FUNCTIONS: dict[str, Drop] = {
    "dropout": _element_wise,
    "dropout1d": _batched(SEQUENCE),
    "dropout2d": _channels,
    "dropout3d": _batched(VOLUMES),
    "alpha_dropout": _alpha,
    "feature_alpha_dropout": _feature_alpha,
}

_OPERATORS: dict[str, Drop] = {
    "dropout": _element_wise,
    "feature_dropout": _channels,
    "alpha_dropout": _alpha,
    "feature_alpha_dropout": _feature_alpha,
}

_READ = frozenset(
    {
        Tensor.item,
        Tensor.tolist,
        Tensor.__bool__,
        Tensor.__int__,
        Tensor.__float__,
        Tensor.__index__,
        Tensor.nonzero,
        torch.nonzero,
    }
)
"""Functions that hand numbers to Python: what follows may depend on all rows of a batch."""

_RECURRENT = (torch.lstm, torch.gru, torch.rnn_tanh, torch.rnn_relu)

HANDLERS: dict[Any, Handler] = {
    **{getattr(torch_functional, name): _of_function(drop) for name, drop in _FUNCTIONS.items()},
    **{getattr(F, name): _of_function(drop) for name, drop in _FUNCTIONS.items()},
    **{
        getattr(torch, name + "_" * inplace): _of_operator(drop, inplace)
        for name, drop in _OPERATORS.items()
        for inplace in (False, True)
    },
    # What torch.export writes into its graphs.
    **{
        operator: _of_operator(drop, inplace)
        for name, drop in _OPERATORS.items()
        for inplace in (False, True)
        for operator in _overloads(name + "_" * inplace)
    },
    **dict.fromkeys(_overloads("scaled_dot_product_attention"), attention.scaled_dot_product),
    F.dropout: _dropout,
    F.locked_dropout: _unseen(_locked_dropout),
    F.gaussian_dropout: _unseen(noise.gaussian_dropout),
    F.gaussian_noise: _unseen(noise.gaussian_noise),
    F.concrete_dropout: _unseen(noise.concrete_dropout),
    F.drop_block1d: _unseen(noise.drop_block(F.drop_block1d, 1)),
    F.drop_block2d: _unseen(noise.drop_block(F.drop_block2d, 2)),
    F.drop_block3d: _unseen(noise.drop_block(F.drop_block3d, 3)),
    F.token_dropout: _unseen(noise.token_dropout),
    drop_weights: _drop_weights,
    F.drop_path: _of_function(_drop_path),
    F.dropout_add: _dropout_add,
    F.bias_act_dropout: _bias_act_dropout,
    F.batch_norm_act_dropout: _batch_norm_act_dropout,
    torch_functional.scaled_dot_product_attention: attention.scaled_dot_product,
    torch_functional.multi_head_attention_forward: attention.multi_head,
    **{function: recurrent.between_layers(function) for function in _RECURRENT},
}


class Routing(TorchFunctionMode):
    """Send each dropout in this thread to masks.

    Args:
        masks: of the prediction.
    """

    def __init__(self, masks: Masks) -> None:
        super().__init__()
        self._masks = masks

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        handler = HANDLERS.get(func)
        if handler is not None:
            return handler(self._masks, *args, **(kwargs or {}))
        output = func(*args, **kwargs) if kwargs else func(*args)
        if self._masks.meter is not None:
            self._masks.meter.note(output, func in _READ)
        return output
