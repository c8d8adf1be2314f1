r"""Dropout in all its kinds, on the mask contract of `wolfsbane.mask`.

They differ in what shares one decision (an element, a channel, a sample) and in what a dropped
element becomes (zero, or SELU's saturation value).
"""

import math
import warnings

import torch
from torch import Tensor

from wolfsbane.arguments import check_probability, explain_unknown_arguments
from wolfsbane.errors import DtypeError, ShapeError, WolfsbaneWarning
from wolfsbane.kernels.dropout import masked_affine
from wolfsbane.mask import LEVELS, draw_key, scale, threshold

SELU_SATURATION = -1.7580993408473766
"""-lambda * alpha of SELU: the value that a dropped unit takes (arXiv:1706.02515, section 2)."""

CHANNEL_DIMS = 2
"""A channel mask covers (N, C): the first two dimensions."""


@explain_unknown_arguments
def dropout(
    input: Tensor,
    p: float = 0.5,
    training: bool = True,
    inplace: bool = False,
    *,
    generator: torch.Generator | None = None,
) -> Tensor:
    r"""Zero each element independently with probability p, and scale up the rest.

    $$y_i = m_i x_i / (1 - p), \quad m_i \sim \mathrm{Bernoulli}(1 - p)$$

    p is rounded to a multiple of 1/65536 and the scale is the inverse of the rounded keep rate,
    so the expectation is exact. A dropped inf or nan becomes zero. float16 and bfloat16 are
    multiplied in float32 and rounded once.

    In training one 64-bit key is drawn; the mask follows from it and is never stored. In
    evaluation, and for p = 0, the input itself is returned and nothing is drawn.

    Args:
        input: floating-point or complex tensor.
        p: probability of an element to be zeroed, in [0, 1]. Default: 0.5.
        training: False returns the input. Default: True.
        inplace: write the result into the input. Default: False.
        generator: where the key is drawn; torch's default CPU generator where None.

    Shape:
        (*) to (*): any shape, the same shape.

    Raises:
        ArgumentError, ArgumentTypeError: p is not a probability.
        DtypeError: the input holds integers.

    Examples:
        >>> _ = torch.manual_seed(0)
        >>> sorted(set(dropout(torch.ones(1000), p=0.2).tolist()))
        [0.0, 1.2499...]
        >>> dropout(torch.ones(3), p=0.2, training=False)
        tensor([1., 1., 1.])

    References:
        Hinton et al. 2012, arXiv:1207.0580. Srivastava et al. 2014, JMLR 15:1929.
    """
    probability = check_probability(p)
    if not training or probability == 0.0:
        return input
    return _zero(input, probability, tuple(input.shape), inplace, generator)


@explain_unknown_arguments
def dropout1d(
    input: Tensor,
    p: float = 0.5,
    training: bool = True,
    inplace: bool = False,
    *,
    generator: torch.Generator | None = None,
) -> Tensor:
    """Zero whole channels of a sequence with probability p, and scale up the rest.

    One decision is made per (sample, channel). Otherwise as `dropout`.

    Args:
        input: floating-point or complex tensor.
        p: probability of a channel to be zeroed, in [0, 1]. Default: 0.5.
        training: False returns the input. Default: True.
        inplace: write the result into the input. Default: False.
        generator: where the key is drawn; torch's default CPU generator where None.

    Shape:
        (N, C, L) or (C, L), to the same shape.

    Raises:
        ArgumentError, ArgumentTypeError: p is not a probability.
        ShapeError: the input is not 2-D or 3-D.
        DtypeError: the input holds integers.

    Examples:
        >>> _ = torch.manual_seed(0)
        >>> y = dropout1d(torch.ones(2, 8, 5))
        >>> bool((y == y[..., :1]).all())  # a channel is kept or dropped as a whole
        True

    References:
        Tompson et al. 2015, arXiv:1411.4280.
    """
    probability = check_probability(p)
    if input.dim() not in {2, 3}:
        raise ShapeError(
            f"dropout1d: Expected 2D or 3D input, but received a {input.dim()}D input. It drops "
            "channels of (N, C, L) or (C, L): use dropout for single elements, dropout2d for "
            "(N, C, H, W)"
        )
    if not training or probability == 0.0:
        return input
    return _zero_channels(input, probability, input.dim() == 3, inplace, generator)  # noqa: PLR2004


@explain_unknown_arguments
def dropout2d(
    input: Tensor,
    p: float = 0.5,
    training: bool = True,
    inplace: bool = False,
    *,
    generator: torch.Generator | None = None,
) -> Tensor:
    """Zero whole channels of images with probability p, and scale up the rest.

    One decision is made per (sample, channel). Otherwise as `dropout`. As in torch, a 3-D input
    is read as (N, C, L), with a warning: it may have been meant as one image (C, H, W).

    Args:
        input: floating-point or complex tensor.
        p: probability of a channel to be zeroed, in [0, 1]. Default: 0.5.
        training: False returns the input. Default: True.
        inplace: write the result into the input. Default: False.
        generator: where the key is drawn; torch's default CPU generator where None.

    Shape:
        (N, C, H, W) or (N, C, L), to the same shape.

    Raises:
        ArgumentError, ArgumentTypeError: p is not a probability.
        ShapeError: the input has fewer than two dimensions.
        DtypeError: the input holds integers.

    Examples:
        >>> _ = torch.manual_seed(0)
        >>> y = dropout2d(torch.ones(2, 8, 5, 5))
        >>> bool((y == y[..., :1, :1]).all())
        True

    References:
        Tompson et al. 2015, arXiv:1411.4280.
    """
    probability = check_probability(p)
    if input.dim() == 3:  # noqa: PLR2004
        warnings.warn(
            "dropout2d: Received a 3D input to dropout2d and assuming that channel-wise 1D dropout "
            f"behavior is desired: {tuple(input.shape)} is read as (N, C, L). For (N, C, L) use "
            "dropout1d; one image (C, H, W) needs a batch dimension: input.unsqueeze(0)",
            WolfsbaneWarning,
            stacklevel=3,
        )
    elif input.dim() != 4:  # noqa: PLR2004
        _warn_about_dims("dropout2d", input, "(N, C, H, W)")
    if not training or probability == 0.0:
        return input
    return _zero_channels(input, probability, True, inplace, generator)


@explain_unknown_arguments
def dropout3d(
    input: Tensor,
    p: float = 0.5,
    training: bool = True,
    inplace: bool = False,
    *,
    generator: torch.Generator | None = None,
) -> Tensor:
    """Zero whole channels of volumes with probability p, and scale up the rest.

    One decision is made per (sample, channel). Otherwise as `dropout`.

    Args:
        input: floating-point or complex tensor.
        p: probability of a channel to be zeroed, in [0, 1]. Default: 0.5.
        training: False returns the input. Default: True.
        inplace: write the result into the input. Default: False.
        generator: where the key is drawn; torch's default CPU generator where None.

    Shape:
        (N, C, D, H, W) or (C, D, H, W), to the same shape.

    Raises:
        ArgumentError, ArgumentTypeError: p is not a probability.
        ShapeError: the input has no dimensions.
        DtypeError: the input holds integers.

    Examples:
        >>> _ = torch.manual_seed(0)
        >>> y = dropout3d(torch.ones(2, 8, 5, 5, 5))
        >>> bool((y == y[..., :1, :1, :1]).all())
        True

    References:
        Tompson et al. 2015, arXiv:1411.4280.
    """
    probability = check_probability(p)
    if input.dim() not in {4, 5}:
        _warn_about_dims("dropout3d", input, "(N, C, D, H, W) or (C, D, H, W)")
    if not training or probability == 0.0:
        return input
    return _zero_channels(input, probability, input.dim() == 5, inplace, generator)  # noqa: PLR2004


@explain_unknown_arguments
def drop_path(
    input: Tensor,
    p: float = 0.5,
    training: bool = True,
    inplace: bool = False,
    *,
    generator: torch.Generator | None = None,
) -> Tensor:
    """Zero whole samples with probability p, and scale up the rest (stochastic depth).

    Put at the end of a residual branch, it drops the branch for a sample. One decision is made
    per sample. Otherwise as `dropout`.

    Args:
        input: floating-point or complex tensor.
        p: probability of a sample to be zeroed, in [0, 1]. Default: 0.5.
        training: False returns the input. Default: True.
        inplace: write the result into the input. Default: False.
        generator: where the key is drawn; torch's default CPU generator where None.

    Shape:
        (N, *) to (N, *).

    Raises:
        ArgumentError, ArgumentTypeError: p is not a probability.
        ShapeError: the input has no dimensions.
        DtypeError: the input holds integers.

    Examples:
        >>> _ = torch.manual_seed(0)
        >>> y = drop_path(torch.ones(6, 4, 3), p=0.5)
        >>> bool((y == y[:, :1, :1]).all())
        True

    References:
        Huang et al. 2016, arXiv:1603.09382.
    """
    probability = check_probability(p)
    if input.dim() == 0:
        raise ShapeError("drop_path expects (N, *), but got a tensor without dimensions")
    if not training or probability == 0.0:
        return input
    mask_shape = (input.size(0),) + (1,) * (input.dim() - 1)
    return _zero(input, probability, mask_shape, inplace, generator)


@explain_unknown_arguments
def alpha_dropout(
    input: Tensor,
    p: float = 0.5,
    training: bool = False,
    inplace: bool = False,
    *,
    generator: torch.Generator | None = None,
) -> Tensor:
    r"""Set elements to SELU's saturation value with probability p, keeping mean and variance.

    $$y_i = a x_i + b \text{ if kept}, \quad a \alpha' + b \text{ if dropped}, \quad
    a = ((1 - p)(1 + p \alpha'^2))^{-1/2}, \quad b = -a p \alpha'$$

    with $\alpha' = -1.758$. An input of mean 0 and variance 1 keeps both. As in torch, p = 1 gives
    zeros, and the default is training=False.

    In training one 64-bit key is drawn. In evaluation, and for p = 0, the input is returned.

    Args:
        input: floating-point tensor.
        p: probability of an element to be dropped, in [0, 1]. Default: 0.5.
        training: False returns the input. Default: False.
        inplace: write the result into the input. Default: False.
        generator: where the key is drawn; torch's default CPU generator where None.

    Shape:
        (*) to (*): any shape, the same shape.

    Raises:
        ArgumentError, ArgumentTypeError: p is not a probability.
        DtypeError: the input is not floating-point.

    Examples:
        >>> _ = torch.manual_seed(0)
        >>> y = alpha_dropout(torch.randn(100_000), p=0.3, training=True)
        >>> abs(y.mean().item()) < 0.02, abs(y.var().item() - 1) < 0.02
        (True, True)

    References:
        Klambauer et al. 2017, arXiv:1706.02515, section 2.
    """
    probability = check_probability(p)
    if not training or probability == 0.0:
        return input
    return _saturate(input, probability, tuple(input.shape), inplace, generator)


@explain_unknown_arguments
def feature_alpha_dropout(
    input: Tensor,
    p: float = 0.5,
    training: bool = False,
    inplace: bool = False,
    *,
    generator: torch.Generator | None = None,
) -> Tensor:
    """Set whole channels to SELU's saturation value with probability p.

    One decision is made per (sample, channel). Otherwise as `alpha_dropout`.

    Args:
        input: floating-point tensor.
        p: probability of a channel to be dropped, in [0, 1]. Default: 0.5.
        training: False returns the input. Default: False.
        inplace: write the result into the input. Default: False.
        generator: where the key is drawn; torch's default CPU generator where None.

    Shape:
        (N, C, *) to (N, C, *).

    Raises:
        ArgumentError, ArgumentTypeError: p is not a probability.
        ShapeError: the input has fewer than two dimensions.
        DtypeError: the input is not floating-point.

    Examples:
        >>> _ = torch.manual_seed(0)
        >>> y = feature_alpha_dropout(torch.ones(2, 8, 5), training=True)
        >>> bool((y == y[..., :1]).all())
        True

    References:
        Klambauer et al. 2017, arXiv:1706.02515, section 2.
    """
    probability = check_probability(p)
    if not training or probability == 0.0:
        return input
    return _saturate(input, probability, _channel_mask(input, True), inplace, generator)


def _zero_channels(
    input: Tensor, p: float, batched: bool, inplace: bool, generator: torch.Generator | None
) -> Tensor:
    return _zero(input, p, _channel_mask(input, batched), inplace, generator)


def _channel_mask(input: Tensor, batched: bool) -> tuple[int, ...]:
    """Return (N, C, 1, ...), or (C, 1, ...) for an input without a batch dimension."""
    masked_dims = CHANNEL_DIMS if batched else CHANNEL_DIMS - 1
    if input.dim() < masked_dims:
        raise ShapeError(
            "Feature dropout requires at least 2 dimensions in the input, but got "
            f"{tuple(input.shape)}. It drops channels of (N, C, *): use dropout for single elements"
        )
    return tuple(input.shape[:masked_dims]) + (1,) * (input.dim() - masked_dims)


def _zero(
    input: Tensor,
    p: float,
    mask_shape: tuple[int, ...],
    inplace: bool,
    generator: torch.Generator | None,
) -> Tensor:
    drops_all = threshold(p) == LEVELS
    # Torch, too, gives zeros of any dtype for p = 1.
    if not (drops_all or input.is_floating_point() or input.is_complex()):
        raise _dtype_error(input)
    coefficients = (0.0 if drops_all else scale(p), 0.0, 0.0)
    return _apply(input, p, mask_shape, coefficients, inplace, generator)


def _saturate(
    input: Tensor,
    p: float,
    mask_shape: tuple[int, ...],
    inplace: bool,
    generator: torch.Generator | None,
) -> Tensor:
    cut = threshold(p)
    if cut == LEVELS:
        return _zero(input, p, mask_shape, inplace, generator)
    if not input.is_floating_point():
        raise _dtype_error(input)
    # The rate that the mask really has, so that mean and variance are kept exactly.
    true_p = cut / LEVELS
    a = 1 / math.sqrt((1 - true_p) * (1 + true_p * SELU_SATURATION**2))
    b = -a * true_p * SELU_SATURATION
    coefficients = (a, b, a * SELU_SATURATION + b)
    return _apply(input, p, mask_shape, coefficients, inplace, generator)


def _apply(
    input: Tensor,
    p: float,
    mask_shape: tuple[int, ...],
    coefficients: tuple[float, float, float],
    inplace: bool,
    generator: torch.Generator | None,
) -> Tensor:
    if not inplace:
        return masked_affine(input, p, draw_key(generator), mask_shape, coefficients)
    source = torch.default_generator if generator is None else generator
    state = source.get_state()
    output = masked_affine(input, p, draw_key(generator), mask_shape, coefficients)
    try:
        # copy_ refuses leaves, their views and overlapping memory before it writes.
        return input.copy_(output)
    except RuntimeError:
        source.set_state(state)
        raise


def _dtype_error(input: Tensor) -> DtypeError:
    return DtypeError(
        f"result type Float can't be cast to the desired output type {input.dtype}: dropout scales "
        "what it keeps, so it needs a floating-point input. Convert it: input.float()"
    )


def _warn_about_dims(name: str, input: Tensor, expected: str) -> None:
    warnings.warn(
        f"{name}: Received a {input.dim()}-D input to {name}, which is deprecated and will result "
        f"in an error in a future release. It drops channels of {expected}; for single elements "
        "use dropout",
        WolfsbaneWarning,
        stacklevel=4,
    )
