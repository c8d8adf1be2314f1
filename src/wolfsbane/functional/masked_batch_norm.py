"""Batch norm over the valid positions of padded sequences."""

import torch
from torch import Tensor

from wolfsbane.errors import ArgumentTypeError, DtypeError, ShapeError
from wolfsbane.functional.batch_norm import as_running, batch_norm, check_batch, check_vectors
from wolfsbane.functional.override import overridable
from wolfsbane.kernels.batch_norm import update_running
from wolfsbane.kernels.block import Norm, Running
from wolfsbane.kernels.reference import Statistics, accumulator, per_channel
from wolfsbane.kernels.transforms import is_transformed

FEWEST = 2
"""Valid positions whose values have a variance."""


@overridable
def masked_batch_norm(
    input: Tensor,
    running_mean: Tensor | None,
    running_var: Tensor | None,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    training: bool = False,
    momentum: float | Tensor = 0.1,
    eps: float = 1e-5,
    *,
    mask: Tensor | None = None,
) -> Tensor:
    r"""Normalise each channel over the positions that a mask calls valid; the others become zero.

    $$y_i = m_i \Bigl(\frac{x_i - \mu}{\sqrt{\sigma^2 + \epsilon}} \gamma + \beta\Bigr), \quad
    \mu = \frac{\sum_i m_i x_i}{\sum_i m_i}, \quad
    \sigma^2 = \frac{\sum_i m_i (x_i - \mu)^2}{\sum_i m_i}$$

    In training it is `batch_norm` of the valid positions alone; the running statistics given are
    updated with their mean and unbiased variance. In evaluation the running statistics normalise.
    What stands at the other positions, nan included, has no effect on the output, the statistics or
    a gradient.

    Statistics accumulate in float64 and the output keeps the input's dtype. In eager training the
    valid positions are selected, for which a GPU waits; a compiled graph and torch.func compute
    over all positions instead. There the number of valid positions is not to be had: with fewer
    than two the running statistics stay as they are, and nothing is raised.

    Args:
        input: floating-point tensor.
        running_mean: C values, or None in training.
        running_var: C values, or None in training.
        weight: gamma, C values; ones where None.
        bias: beta, C values; zeros where None.
        training: normalise with the batch's statistics. Default: False.
        momentum: weight of this batch in the running statistics. Default: 0.1.
        eps: added to the variance. Default: 1e-5.
        mask: True where a position is valid (the opposite of torch's key_padding_mask); all are
            where None. Default: None.

    Shape:
        input (N, C, *) and mask (N, *), to (N, C, *).

    Raises:
        ShapeError: the mask's shape is not the input's without channels, it calls fewer than two
            positions valid in training, or vectors have not C values.
        DtypeError: the mask is not of bools, or dtypes do not go together.
        ArgumentError: eps is not positive.

    Examples:
        >>> x = torch.tensor([[[1.0, 3.0, 99.0]]])
        >>> mask = torch.tensor([[True, True, False]])
        >>> masked_batch_norm(x, None, None, training=True, mask=mask)
        tensor([[[-1.0000,  1.0000,  0.0000]]])

    References:
        Ioffe, Szegedy 2015, arXiv:1502.03167. Keras' BatchNormalization takes such a mask; it
        normalises the other positions too.
    """
    if mask is None:
        return batch_norm(input, running_mean, running_var, weight, bias, training, momentum, eps)
    check_batch(input, training, eps)
    check_mask(mask, input)
    check_vectors(input, running_mean, running_var, weight, bias)
    running = as_running(running_mean, running_var, momentum)
    if not training:
        return _evaluated(input, mask, Norm(weight, bias, eps), running)
    if input.numel() == 0:
        return batch_norm(input, running_mean, running_var, weight, bias, training, momentum, eps)
    if is_transformed():
        return _traced(input, mask, Norm(weight, bias, eps), running)
    valid = input.movedim(1, -1)[mask]
    if len(valid) < FEWEST:
        raise _too_few_error(len(valid), mask)
    output = torch.zeros_like(input)
    output.movedim(1, -1)[mask] = batch_norm(
        valid, running_mean, running_var, weight, bias, training, momentum, eps
    )
    return output


def check_mask(mask: object, input: Tensor) -> None:
    """Raise unless the mask is of bools, one for each position of the input."""
    if not isinstance(mask, Tensor):
        raise ArgumentTypeError(
            f"mask has to be a tensor of bools, True where valid, but got {type(mask).__name__}. "
            "From lengths it is torch.arange(L) < lengths[:, None]"
        )
    if mask.dtype is not torch.bool:
        raise DtypeError(
            f"mask has to be of torch.bool, True where valid, but got {mask.dtype}. Convert it: "
            "mask.bool()"
        )
    expected = input.shape[:1] + input.shape[2:]
    if mask.shape != expected:
        raise ShapeError(
            f"mask should be of shape {tuple(expected)}, the input's {tuple(input.shape)} without "
            f"its channels, but got {tuple(mask.shape)}. Expand it to one value a position"
        )


def _too_few_error(count: int, mask: Tensor) -> ShapeError:
    found = "no position" if count == 0 else "one position"
    return ShapeError(
        f"Expected more than 1 value per channel when training, but the mask of shape "
        f"{tuple(mask.shape)} calls {found} valid. True means valid: a padding mask is inverted, "
        "~mask; for prediction call model.eval() first"
    )


def _evaluated(input: Tensor, mask: Tensor, norm: Norm, running: Running | None) -> Tensor:
    valid = mask.unsqueeze(1)
    filled = torch.where(valid, input, 0.0)
    mean, var = (None, None) if running is None else (running.mean, running.var)
    output = batch_norm(filled, mean, var, norm.weight, norm.bias, eps=norm.eps)
    return torch.where(valid, output, 0.0)


def _traced(input: Tensor, mask: Tensor, norm: Norm, running: Running | None) -> Tensor:
    """Return the same without a shape that depends on the mask."""
    valid = mask.unsqueeze(1)
    dims = [dim for dim in range(input.dim()) if dim != 1]
    wide = torch.where(valid, input, 0.0).to(accumulator(input.device))
    count = valid.sum(dims, keepdim=True).to(wide.dtype)
    divisor = count.clamp(min=1.0)
    mean = wide.sum(dims, keepdim=True) / divisor
    centred = torch.where(valid, wide - mean, 0.0)
    variance = centred.square().sum(dims, keepdim=True) / divisor
    if running is not None:
        enough = count.reshape(()) >= FEWEST
        momentum = torch.where(enough, torch.as_tensor(running.momentum).to(count), 0.0)
        found = Statistics(mean.detach(), variance.detach(), count.clamp(min=FEWEST))
        update_running(Running(running.mean, running.var, momentum), found)
    output = centred * torch.rsqrt(variance + norm.eps)
    if norm.weight is not None:
        output = output * per_channel(norm.weight, input)
    if norm.bias is not None:
        output = output + per_channel(norm.bias, input)
    return torch.where(valid, output, 0.0).to(input.dtype)
