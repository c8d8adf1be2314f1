"""Batch normalisation over (N, C, *), on one process or over many."""

import math
from typing import Any

import torch
from torch import Tensor

from wolfsbane.errors import ArgumentError, ArgumentTypeError, DtypeError, ShapeError
from wolfsbane.functional.override import overridable
from wolfsbane.kernels.batch_norm import batch_norm_train, update_running
from wolfsbane.kernels.block import Norm, Running, Tail
from wolfsbane.kernels.collective import AllReduceSum
from wolfsbane.kernels.fused import batch_norm_act_dropout
from wolfsbane.kernels.reference import HALF_PRECISION
from wolfsbane.kernels.transforms import is_jit_traced, is_recorded


@overridable
def batch_norm(
    input: Tensor,
    running_mean: Tensor | None,
    running_var: Tensor | None,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    training: bool = False,
    momentum: float | Tensor = 0.1,
    eps: float = 1e-5,
) -> Tensor:
    r"""Normalise each channel over the batch.

    $$y = \frac{x - \mu}{\sqrt{\sigma^2 + \epsilon}} \gamma + \beta$$

    In training, mu and sigma^2 are the mean and the biased variance of the batch; the running
    statistics given are updated in place, `running = (1 - momentum) * running + momentum * batch`,
    with the unbiased variance. In evaluation they are `running_mean` and `running_var`.

    Statistics accumulate in float64 and the output keeps the input's dtype and layout.

    Args:
        input: floating-point tensor.
        running_mean: C values, or None in training.
        running_var: C values, or None in training.
        weight: gamma, C values; ones where None.
        bias: beta, C values; zeros where None.
        training: normalise with the batch's statistics. Default: False.
        momentum: weight of this batch in the running statistics. Default: 0.1.
        eps: added to the variance. Default: 1e-5.

    Shape:
        (N, C, *) to (N, C, *).

    Raises:
        ShapeError: one value per channel in training, or vectors that have not C values.
        DtypeError: dtypes that do not go together.
        ArgumentError: eps is not positive.

    Examples:
        >>> x = torch.tensor([[1.0, 10.0], [3.0, 30.0]])
        >>> batch_norm(x, None, None, training=True)
        tensor([[-1.0000, -1.0000],
                [ 1.0000,  1.0000]])

    References:
        Ioffe, Szegedy 2015, arXiv:1502.03167.
    """
    check_batch(input, training, eps)
    check_vectors(input, running_mean, running_var, weight, bias)
    if not training or input.numel() == 0:
        if torch.is_grad_enabled() and not (training or is_recorded() or is_jit_traced()):
            # Backward reads them, and a batch in training may change them before.
            running_mean = None if running_mean is None else running_mean.clone()
            running_var = None if running_var is None else running_var.clone()
        output = torch.batch_norm(
            input,
            weight,
            bias,
            running_mean,
            running_var,
            training,
            float(momentum),
            eps,
            torch.backends.cudnn.enabled,
        )
        # ATen knows contiguous and channels-last; any other dense layout it makes contiguous.
        same_layout = torch.empty_like(input)
        return output if output.stride() == same_layout.stride() else same_layout.copy_(output)
    running = as_running(running_mean, running_var, momentum)
    return batch_norm_act_dropout(input, Norm(weight, bias, eps), Tail(), running)


@overridable
def sync_batch_norm(
    input: Tensor,
    running_mean: Tensor | None,
    running_var: Tensor | None,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    momentum: float | Tensor = 0.1,
    eps: float = 1e-5,
    *,
    process_group: Any = None,
) -> Tensor:
    """Normalise each channel over the batches of all processes, in training.

    As `batch_norm(training=True)` on the concatenation of the ranks' batches, which may differ in
    size and may be empty. Works with every backend of torch.distributed, gloo on CPUs included.
    The gradients of weight and bias are this rank's part, as DDP expects.

    Args:
        input: floating-point tensor.
        running_mean: C values, or None.
        running_var: C values, or None.
        weight: gamma, C values; ones where None.
        bias: beta, C values; zeros where None.
        momentum: weight of this batch in the running statistics. Default: 0.1.
        eps: added to the variance. Default: 1e-5.
        process_group: the ranks that share statistics; all where None.

    Shape:
        (N, C, *) to (N, C, *).

    Raises:
        ShapeError: vectors that have not C values, or one value per channel over all ranks.
        DtypeError: dtypes that do not go together.
        ArgumentError: eps is not positive.

    Examples:
        Under `torchrun --nproc-per-node 2`, on two ranks::

            y = sync_batch_norm(x, None, None)

    References:
        Peng et al. 2018, arXiv:1711.07240, section 3.2 (cross-GPU batch normalisation).
    """
    check_batch(input, training=False, eps=eps)
    if eps <= 0.0:
        raise _eps_error(eps)
    check_vectors(input, running_mean, running_var, weight, bias)
    output, statistics = batch_norm_train(input, weight, bias, eps, AllReduceSum(process_group))
    if statistics.num_values.max() == 1:
        raise _one_value_error(input, "on all ranks together")
    running = as_running(running_mean, running_var, momentum)
    if running is not None and statistics.num_values.max() > 0:
        update_running(running, statistics)
    return output


def as_running(mean: Tensor | None, var: Tensor | None, momentum: float | Tensor) -> Running | None:
    """Return running statistics that have been checked as one thing; None where there are none."""
    is_number = isinstance(momentum, int | float)
    if not (is_number or (isinstance(momentum, Tensor) and momentum.dim() == 0)):
        raise ArgumentTypeError(
            f"momentum has to be a number, but got {momentum!r} (of type "
            f"{type(momentum).__name__}). For a plain average of n batches pass 1 / n, or use a "
            "layer with momentum=None, which counts them"
        )
    return None if mean is None or var is None else Running(mean, var, momentum)


def check_batch(input: Tensor, training: bool, eps: float) -> None:
    """Raise for a batch that cannot be normalised, before anything is changed."""
    if input.dim() < 2 and input.numel():  # noqa: PLR2004
        raise ShapeError(
            f"expected at least 2D input (got {input.dim()}D input). The shape is (N, C, *), "
            "features second; a single sample needs input.unsqueeze(0)"
        )
    if not input.is_floating_point():
        raise DtypeError(
            f'"batch_norm" not implemented for {input.dtype}: it needs a floating-point input. '
            "Convert it: input.float()"
        )
    values_per_channel = math.prod(input.shape[:1] + input.shape[2:])
    if training and values_per_channel == 1:
        raise _one_value_error(input, "in this batch")
    if eps < 0.0 or (training and eps == 0.0):
        raise _eps_error(eps)


def check_vectors(
    input: Tensor,
    running_mean: Tensor | None,
    running_var: Tensor | None,
    weight: Tensor | None,
    bias: Tensor | None,
) -> None:
    """Raise for vectors that do not go with the input, or that cannot be written to."""
    running = {"running_mean": running_mean, "running_var": running_var}
    if (running_mean is None) != (running_var is None):
        raise ArgumentError(
            "running_mean and running_var must either both be None or neither be None. "
            "They are kept, and used in evaluation, together"
        )
    for name, vector in (running | {"weight": weight, "bias": bias}).items():
        if vector is not None:
            _check_vector(name, vector, input)
    for name, vector in running.items():
        if vector is not None:
            _check_buffer(name, vector)


def _check_buffer(name: str, vector: Tensor) -> None:
    if vector.requires_grad:
        raise ArgumentError(f"{name} is written to, so it cannot require a gradient: detach() it")
    if vector.numel() > 1 and 0 in vector.stride():
        raise ArgumentError(f"{name} is written to, so it cannot be expanded: clone() it")


def check_num_channels(name: str, expected: int, input: Tensor) -> None:
    """Raise unless dimension 1 of the input is as long as the vector `name`, of C values."""
    channels = input.size(1) if input.dim() > 1 else 0
    if expected != channels:
        raise ShapeError(
            f"{name} should contain {channels} elements not {expected}: the input of shape "
            f"{tuple(input.shape)} has {channels} channels (dimension 1)."
            + _channels_last_advice(input, expected)
        )


def _check_vector(name: str, vector: Tensor, input: Tensor) -> None:
    check_num_channels(name, vector.numel(), input)
    check_dtypes(name, vector.dtype, input)
    if vector.device != input.device:
        raise ArgumentError(
            f"Expected all tensors to be on the same device, but the input is on {input.device} "
            f"and {name} on {vector.device}. Move the layer: layer.to({str(input.device)!r})"
        )


def check_dtypes(name: str, dtype: torch.dtype, input: Tensor) -> None:
    """Raise unless a vector of `dtype` goes with the input."""
    mixed = input.dtype in HALF_PRECISION and dtype is torch.float32
    if dtype is not input.dtype and not mixed:
        raise DtypeError(
            f"mixed dtype: the input is {input.dtype} and {name} is {dtype}. Batch norm "
            "takes one dtype for all, or float32 parameters with a float16 or bfloat16 input. "
            "Convert the input (input.float()) or the layer (layer.double())"
        )


def _channels_last_advice(input: Tensor, channels: int) -> str:
    if input.dim() > 2 and input.size(-1) == channels:  # noqa: PLR2004
        permuted = (
            "transpose(1, 2)"
            if input.dim() == 3  # noqa: PLR2004
            else f"movedim(-1, 1) and back with movedim(1, -1), dimension {input.dim() - 1} being C"
        )
        return f" Features come second, (N, C, *), and here they seem to come last: {permuted}"
    return f" Build the layer with num_features={input.size(1) if input.dim() > 1 else 'C'}"


def _one_value_error(input: Tensor, where: str) -> ShapeError:
    return ShapeError(
        f"Expected more than 1 value per channel when training, got input size {input.shape}: "
        f"one value {where} has no variance. A last batch of one is avoided with "
        "DataLoader(drop_last=True); for prediction call model.eval() first"
    )


def _eps_error(eps: float) -> ArgumentError:
    return ArgumentError(
        f"batch_norm eps must be positive during training, but got {eps}. The default is eps=1e-5"
    )
