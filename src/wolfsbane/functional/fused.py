"""Blocks of layers in one pass over memory: what a network puts one after another anyway."""

import torch
from torch import Tensor

from wolfsbane.errors import ArgumentError, DtypeError, ShapeError
from wolfsbane.functional.activation import as_activation
from wolfsbane.functional.batch_norm import as_running, check_batch, check_vectors
from wolfsbane.functional.override import overridable
from wolfsbane.kernels import dropout as kernel
from wolfsbane.kernels import fused
from wolfsbane.kernels.block import Activation, Norm, Tail
from wolfsbane.kernels.keys import draw
from wolfsbane.mask.key import check_generator
from wolfsbane.mask.rate import Rate, check_rate, never_drops
from wolfsbane.mask.shard import first_index


def _tail(
    activation: str | torch.nn.Module | Activation,
    p: Rate,
    training: bool,
    generator: torch.Generator | None,
    input: Tensor,
) -> Tail:
    """Check what follows the normalisation or the bias; draw the key last."""
    function = as_activation(activation)
    probability = check_rate(p)
    check_generator(generator)
    if not training or never_drops(p):
        return Tail(function)
    key = draw(generator, input)
    return Tail(function, probability, key, first_index(input.shape))


@overridable
def batch_norm_act_dropout(
    input: Tensor,
    running_mean: Tensor | None,
    running_var: Tensor | None,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    training: bool = False,
    momentum: float | Tensor = 0.1,
    eps: float = 1e-5,
    *,
    activation: str | torch.nn.Module | Activation = "relu",
    p: Rate = 0.0,
    generator: torch.Generator | None = None,
) -> Tensor:
    r"""Normalise each channel over the batch, apply an activation, and drop elements.

    $$y_i = \frac{m_i}{1 - p}\, \mathrm{act}\Bigl(\frac{x_i - \mu}{\sqrt{\sigma^2 + \epsilon}}
    \gamma + \beta\Bigr), \quad m_i \sim \mathrm{Bernoulli}(1 - p)$$

    The same as `dropout(act(batch_norm(input)))`, with the same mask for the same key, in one pass
    over memory. For backward the input is kept, with a few numbers per channel; the normalised
    values, the activation's derivative and the mask are computed again.

    In training the batch's statistics are used, the running ones are updated in place, and one key
    is drawn where p > 0. In evaluation the running statistics are used and nothing is dropped.

    Statistics accumulate in float64, the rest is computed in float32 (float64 for float64), and the
    output keeps the input's dtype and layout.

    Args:
        input: floating-point tensor.
        running_mean: C values, or None in training.
        running_var: C values, or None in training.
        weight: gamma, C values; ones where None.
        bias: beta, C values; zeros where None.
        training: normalise with the batch's statistics, and drop. Default: False.
        momentum: weight of this batch in the running statistics. Default: 0.1.
        eps: added to the variance. Default: 1e-5.
        activation: "identity", "relu", "leaky_relu", "sigmoid", "tanh", "gelu", "gelu_tanh",
            "silu", "elu", "hardswish" or "mish", or one of these as a module of torch.nn (whose
            negative_slope, alpha or approximate holds). Default: "relu".
        p: probability of an element to be zeroed, in [0, 1]. Default: 0.
        generator: where the key is drawn; torch's default CPU generator where None.

    Shape:
        (N, C, *) to (N, C, *).

    Raises:
        ArgumentError, ArgumentTypeError: p, eps, activation or generator is not what it has to be.
        ShapeError: one value per channel in training, or vectors that have not C values.
        DtypeError: dtypes that do not go together.

    Examples:
        >>> x = torch.tensor([[1.0, 10.0], [3.0, 30.0]])
        >>> batch_norm_act_dropout(x, None, None, training=True)
        tensor([[0.0000, 0.0000],
                [1.0000, 1.0000]])

    References:
        Ioffe, Szegedy 2015, arXiv:1502.03167. Srivastava et al. 2014, JMLR 15:1929.
    """
    check_batch(input, training, eps)
    check_vectors(input, running_mean, running_var, weight, bias)
    running = as_running(running_mean, running_var, momentum)
    if not training and running is None:
        raise ArgumentError(
            "Expected running_mean and running_var to be defined when training=False: pass "
            "both, or training=True to use the batch's statistics"
        )
    tail = _tail(activation, p, training, generator, input)
    norm = Norm(weight, bias, eps, uses_batch=training)
    if input.numel() == 0:
        return _of_nothing(input, weight, bias)
    return fused.batch_norm_act_dropout(input, norm, tail, running)


@overridable
def bias_act_dropout(
    input: Tensor,
    bias: Tensor | None = None,
    activation: str | torch.nn.Module | Activation = "relu",
    p: Rate = 0.5,
    training: bool = True,
    *,
    generator: torch.Generator | None = None,
) -> Tensor:
    r"""Add a bias to the last dimension, apply an activation, and drop elements.

    $$y_i = \frac{m_i}{1 - p}\, \mathrm{act}(x_i + b_{c(i)}), \quad
    m_i \sim \mathrm{Bernoulli}(1 - p)$$

    The same as `dropout(act(input + bias))`, with the same mask for the same key, in one pass over
    memory. For backward the input is kept; the derivative and the mask are computed again. In
    training one key is drawn where p > 0; in evaluation nothing is dropped.

    Args:
        input: floating-point tensor, such as the output of a Linear(bias=False).
        bias: C values, for the last dimension; none where None.
        activation: as in `batch_norm_act_dropout`. Default: "relu".
        p: probability of an element to be zeroed, in [0, 1]. Default: 0.5.
        training: drop. Default: True.
        generator: where the key is drawn; torch's default CPU generator where None.

    Shape:
        (*, C) to (*, C).

    Raises:
        ArgumentError, ArgumentTypeError: p, activation or generator is not what it has to be.
        ShapeError: the bias has not C values.
        DtypeError: the input holds integers.

    Examples:
        >>> x = torch.tensor([[1.0, -1.0]])
        >>> bias_act_dropout(x, torch.tensor([0.5, 0.5]), p=0.0)
        tensor([[1.5000, 0.0000]])

    References:
        Srivastava et al. 2014, JMLR 15:1929.
    """
    _check_floating("bias_act_dropout", input)
    if bias is not None:
        _check_bias(input, bias)
    tail = _tail(activation, p, training, generator, input)
    if input.numel() == 0:
        return _of_nothing(input, bias)
    return fused.bias_act_dropout(input, bias, tail)


@overridable
def dropout_add(
    input: Tensor,
    residual: Tensor,
    p: Rate = 0.5,
    training: bool = True,
    *,
    generator: torch.Generator | None = None,
) -> Tensor:
    r"""Drop elements of a branch, and add the residual: the end of a transformer's sublayer.

    $$y_i = \frac{m_i}{1 - p} x_i + r_i, \quad m_i \sim \mathrm{Bernoulli}(1 - p)$$

    The same as `residual + dropout(input)`, with the same mask for the same key, in one pass over
    memory. In training one key is drawn where p > 0; in evaluation nothing is dropped.

    Args:
        input: floating-point tensor, the output of the branch.
        residual: what the branch is added to, of the same shape. Of another dtype, as under
            autocast, the result has the wider one, as a sum in torch has.
        p: probability of an element of the branch to be zeroed, in [0, 1]. Default: 0.5.
        training: drop. Default: True.
        generator: where the key is drawn; torch's default CPU generator where None.

    Shape:
        (*), (*) to (*).

    Raises:
        ArgumentError, ArgumentTypeError: p is not a probability, generator not a generator.
        ShapeError: the shapes differ.
        DtypeError: the input holds integers.

    Examples:
        >>> dropout_add(torch.ones(2), torch.full((2,), 10.0), p=1.0)
        tensor([10., 10.])

    References:
        Vaswani et al. 2017, arXiv:1706.03762, section 5.4.
    """
    probability = check_rate(p)
    check_generator(generator)
    _check_floating("dropout_add", input)
    if input.shape != residual.shape:
        raise ShapeError(
            f"input and residual have to have one shape, but got {tuple(input.shape)} and "
            f"{tuple(residual.shape)}: expand the smaller one (residual.expand_as(input))"
        )
    if not training or never_drops(p):
        return input + residual
    key = draw(generator, input)
    if input.numel() == 0:
        return input + residual
    return kernel.dropout_add(input, residual, probability, key, first_index(input.shape))


def _of_nothing(input: Tensor, *vectors: Tensor | None) -> Tensor:
    """Return the output for an empty input: empty, with gradients (zeros) for every operand."""
    output = input.clone()
    for vector in vectors:
        if vector is not None:
            output = output + vector.sum().to(output.dtype)
    return output


def _check_floating(name: str, input: Tensor) -> None:
    if not input.is_floating_point():
        raise DtypeError(
            f'"{name}" not implemented for {input.dtype}: it needs a floating-point input. '
            "Convert it: input.float()"
        )


def _check_bias(input: Tensor, bias: Tensor) -> None:
    features = input.size(-1) if input.dim() else 0
    if bias.shape != (features,):
        raise ShapeError(
            f"bias should contain {features} elements, one for each index of the input's last "
            f"dimension (its shape is {tuple(input.shape)}), but its shape is {tuple(bias.shape)}"
        )
    if not bias.is_floating_point() or bias.device != input.device:
        raise DtypeError(
            f"bias has to be floating-point and on {input.device} as the input, but got "
            f"{bias.dtype} on {bias.device}"
        )
