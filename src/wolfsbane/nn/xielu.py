"""xIELU as a layer, with the parameters of transformers' XIELUActivation."""

import math
from typing import Any

import torch
from torch import Tensor

from wolfsbane import functional as F
from wolfsbane.arguments import explain_unknown_arguments
from wolfsbane.functional.constants import check_above
from wolfsbane.functional.xielu import check_beta, check_eps
from wolfsbane.nn.layer import Layer, is_leaf


class XIELU(Layer):
    r"""Bend the input upwards above zero and, by another learnt amount, below.

    $$y = \begin{cases} \alpha_p x^2 + \beta x & x > 0 \\
    \alpha_n (e^{\min(x, \epsilon)} - 1 - x) + \beta x & x \le 0 \end{cases} \quad
    \alpha_p = \mathrm{softplus}(a_p), \ \alpha_n = \beta + \mathrm{softplus}(a_n)$$

    Learnt are $a_p$ and $a_n$, the parameters `alpha_p` and `alpha_n` of shape (1,); beta and eps
    are buffers. Names and shapes are those of transformers' XIELUActivation, so its weights
    (Apertus') load. Training and evaluation are the same.

    float16 and bfloat16 are computed in float32 and rounded once; the output has the input's dtype.

    Args:
        alpha_p_init: what alpha_p (after softplus) starts from, larger than 0. Default: 0.8.
        alpha_n_init: what alpha_n starts from, larger than beta. Default: 0.8.
        beta: the slope at zero. Default: 0.5.
        eps: where the exponential ends, 0 or less. The default is the paper's code's; with it an
            input of exactly 0 has the slope beta - alpha_n. 0 gives the slope beta, without jump
            or kink. Default: -1e-6.
        device: of parameters and buffers.
        dtype: of parameters and buffers.

    Shape:
        (*) to (*): any shape, the same shape.

    Raises:
        ArgumentError, ArgumentTypeError: an argument is out of range.
        DtypeError: the input holds integers.

    Examples:
        >>> layer = XIELU()
        >>> layer(torch.tensor([-1.0, 1.0]))
        tensor([-0.2057,  1.3000], grad_fn=...)
        >>> list(layer.state_dict())
        ['alpha_p', 'alpha_n', 'beta', 'eps']

    References:
        Huang, Schlag 2024, arXiv:2411.13010.
    """

    beta: Tensor
    eps: Tensor

    @explain_unknown_arguments
    def __init__(
        self,
        alpha_p_init: float = 0.8,
        alpha_n_init: float = 0.8,
        beta: float = 0.5,
        eps: float = -1e-6,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        slope, end = check_beta(beta), check_eps(eps)
        above = check_above("alpha_p_init", alpha_p_init, 0.0, "The default is 0.8")
        below = check_above(
            "alpha_n_init", alpha_n_init, slope, "alpha_n is beta and more; the default is 0.8"
        )
        super().__init__()
        self.alpha_p_init, self.alpha_n_init = above, below
        self._initial = {
            "alpha_p": _softplus_inverse(above),
            "alpha_n": _softplus_inverse(below - slope),
            "beta": slope,
            "eps": end,
        }
        self.alpha_p = torch.nn.Parameter(torch.empty(1, device=device, dtype=dtype))
        self.alpha_n = torch.nn.Parameter(torch.empty(1, device=device, dtype=dtype))
        self.register_buffer("beta", torch.empty((), device=device, dtype=dtype))
        self.register_buffer("eps", torch.empty((), device=device, dtype=dtype))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Set parameters and buffers to what they start from."""
        for name, value in self._initial.items():
            torch.nn.init.constant_(getattr(self, name), value)

    @is_leaf
    def forward(self, input: Tensor) -> Tensor:
        """Return the input, bent."""
        return F.xielu(input, self.alpha_p, self.alpha_n, self.beta, self.eps)

    def extra_repr(self) -> str:
        start = f"alpha_p_init={self.alpha_p_init:g}, alpha_n_init={self.alpha_n_init:g}"
        return f"{start}, beta={self._initial['beta']:g}, eps={self._initial['eps']:g}"


def _softplus_inverse(value: float) -> float:
    """Return a with softplus(a) = value, without the overflow of log(exp(value) - 1)."""
    return value + math.log(-math.expm1(-value))
