"""xIELU: a parabola above zero, an exponential's integral below, with learnt bends."""

import torch
from torch import Tensor
from torch.nn.functional import softplus

from wolfsbane.errors import ArgumentError, ShapeError
from wolfsbane.functional.constants import check_number
from wolfsbane.functional.override import overridable
from wolfsbane.functional.widening import check_floating, widened


@overridable
def xielu(
    input: Tensor,
    alpha_p: Tensor,
    alpha_n: Tensor,
    beta: float | Tensor = 0.5,
    eps: float | Tensor = -1e-6,
) -> Tensor:
    r"""Bend the input upwards above zero and, by other learnt amounts, below.

    $$y = \begin{cases} \alpha_p x^2 + \beta x & x > 0 \\
    \alpha_n (e^{\min(x, \epsilon)} - 1 - x) + \beta x & x \le 0 \end{cases} \quad
    \alpha_p = \mathrm{softplus}(a_p), \ \alpha_n = \beta + \mathrm{softplus}(a_n)$$

    Between eps and 0 the exponential stands still, as in the paper's code, so that y jumps at 0 by
    $\alpha_n |\epsilon|$ and its slope there is $\beta - \alpha_n$; with eps = 0 it has neither
    jump nor kink. The same in training and evaluation. float16 and bfloat16 are computed in float32
    and rounded once; the output has the input's dtype.

    Args:
        input: floating-point tensor.
        alpha_p: $a_p$, one value: what bends above zero, before softplus.
        alpha_n: $a_n$, one value: what bends below zero, before softplus.
        beta: the slope at zero. Default: 0.5.
        eps: where the exponential ends, 0 or less. Default: -1e-6.

    Shape:
        (*), (1), (1) to (*).

    Raises:
        ArgumentError, ArgumentTypeError: beta or eps is not a finite number, or eps above 0.
        ShapeError: alpha_p or alpha_n has not one value.
        DtypeError: the input holds integers.

    Examples:
        >>> xielu(torch.tensor([-1.0, 1.0]), torch.zeros(1), torch.zeros(1))
        tensor([-0.0611,  1.1931])

    References:
        Huang, Schlag 2024, arXiv:2411.13010.
    """
    check_floating("xielu", input)
    for name, value in (("alpha_p", alpha_p), ("alpha_n", alpha_n)):
        if value.numel() != 1:
            raise ShapeError(f"{name} should contain 1 element not {value.numel()}")
    x = widened(input)
    positive_bend = softplus(_as(x, alpha_p))
    fall = softplus(_as(x, alpha_n))
    slope = _as(x, beta) if isinstance(beta, Tensor) else check_beta(beta)
    end = _as(x, eps) if isinstance(eps, Tensor) else check_eps(eps)
    # Each branch sees its own side of zero: on the other it could overflow, and 0 times inf is nan.
    above, below = x.clamp(min=0.0), x.clamp(max=0.0)
    rising = (positive_bend * above + slope) * above
    falling = (slope + fall) * torch.expm1(_up_to(x, end)) - fall * below
    return torch.where(x > 0, rising, falling).to(input.dtype)


def _as(x: Tensor, value: Tensor) -> Tensor:
    return value.to(x.dtype).reshape(())


def _up_to(x: Tensor, end: float | Tensor) -> Tensor:
    # Not minimum: at x = end it would share the gradient with the constant.
    return torch.where(x <= end, x, end)


def check_beta(beta: object) -> float:
    """Return the slope at zero as a float, or raise."""
    return check_number("beta", beta, "It is the slope at zero; the default is 0.5")


def check_eps(eps: object) -> float:
    """Return the end of the exponential as a float, or raise."""
    advice = "It is where the exponential ends; the default is -1e-6, 0 leaves nothing out"
    end = check_number("eps", eps, advice)
    if end > 0.0:
        raise ArgumentError(f"eps has to be 0 or less, but got {eps!r}. {advice}")
    return end
