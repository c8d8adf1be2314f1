"""Gated linear units with other gates than the sigmoid: one half of the features gates the other.

Halves are called first and second. Which one is the gate is a convention of whoever packed the
weights; a wrong choice raises no error, it only computes something else.
"""

from torch import Tensor
from torch.nn.functional import gelu, silu

from wolfsbane.errors import ArgumentError, ShapeError
from wolfsbane.functional.constants import check_dim
from wolfsbane.functional.override import overridable
from wolfsbane.functional.widening import check_floating

APPROXIMATIONS = ("none", "tanh")


@overridable
def swiglu(input: Tensor, dim: int = -1, *, gate_first: bool = False) -> Tensor:
    r"""Multiply one half of the input by the SiLU of the other.

    $$y = u \otimes \mathrm{silu}(g), \quad \mathrm{silu}(g) = g / (1 + e^{-g})$$

    (u, g) are the halves of the input along `dim` in this order, as in `torch.nn.GLU`; (g, u) with
    `gate_first=True`. The same in training and evaluation. SiLU and product are each rounded to the
    input's dtype, so float16 and bfloat16 make two roundings.

    Args:
        input: floating-point tensor, such as the output of a Linear(d, 2h).
        dim: the dimension to split. Default: -1.
        gate_first: the gate is the first half. Default: False.

    Shape:
        (*, 2H, *) to (*, H, *).

    Raises:
        ArgumentTypeError: dim is not an integer.
        ShapeError: the dimension's size is odd.
        DtypeError: the input holds integers.

    Examples:
        >>> import torch
        >>> swiglu(torch.tensor([3.0, 1.0]))
        tensor([2.1932])
        >>> swiglu(torch.tensor([1.0, 3.0]), gate_first=True)
        tensor([2.1932])

    References:
        Shazeer 2020, arXiv:2002.05202, equation 5.
    """
    value, gate = _halves("swiglu", input, dim, gate_first)
    return value * silu(gate)


@overridable
def geglu(
    input: Tensor, dim: int = -1, approximate: str = "none", *, gate_first: bool = False
) -> Tensor:
    r"""Multiply one half of the input by the GELU of the other.

    $$y = u \otimes \mathrm{gelu}(g), \quad \mathrm{gelu}(g) = g\, \Phi(g)$$

    (u, g) are the halves of the input along `dim` in this order, as in `torch.nn.GLU`; (g, u) with
    `gate_first=True`. The same in training and evaluation. GELU and product are each rounded to the
    input's dtype, so float16 and bfloat16 make two roundings.

    Args:
        input: floating-point tensor, such as the output of a Linear(d, 2h).
        dim: the dimension to split. Default: -1.
        approximate: "none", or "tanh" for GELU's approximation by tanh. Default: "none".
        gate_first: the gate is the first half. Default: False.

    Shape:
        (*, 2H, *) to (*, H, *).

    Raises:
        ArgumentError: approximate is neither "none" nor "tanh".
        ArgumentTypeError: dim is not an integer.
        ShapeError: the dimension's size is odd.
        DtypeError: the input holds integers.

    Examples:
        >>> import torch
        >>> geglu(torch.tensor([3.0, 1.0]))
        tensor([2.5240])

    References:
        Shazeer 2020, arXiv:2002.05202, equation 5.
    """
    check_approximate(approximate)
    value, gate = _halves("geglu", input, dim, gate_first)
    return value * gelu(gate, approximate=approximate)


def check_approximate(approximate: object) -> None:
    """Raise unless GELU has such an approximation."""
    if approximate not in APPROXIMATIONS:
        raise ArgumentError(
            f"approximate argument must be either none or tanh, but got {approximate!r}"
        )


def _halves(name: str, input: Tensor, dim: int, gate_first: bool) -> tuple[Tensor, Tensor]:
    """Return what is gated, and the gate."""
    check_floating(name, input)
    check_dim(dim)
    if input.dim() == 0:
        raise ShapeError(f"{name} does not support 0-dimensional tensors: it halves a dimension")
    size = input.size(dim)
    if size % 2:
        raise ShapeError(
            f"Halving dimension must be even, but dimension {dim} is size {size} (the input's "
            f"shape is {tuple(input.shape)}). Before {name} stands a layer of twice its features, "
            "such as Linear(d, 2 * h)"
        )
    first, second = input.chunk(2, dim)
    return (second, first) if gate_first else (first, second)
