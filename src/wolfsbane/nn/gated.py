"""SwiGLU and GEGLU: one half of the features gates the other."""

from torch import Tensor

from wolfsbane import functional as F
from wolfsbane.arguments import explain_unknown_arguments
from wolfsbane.functional.constants import check_dim
from wolfsbane.functional.gated import check_approximate
from wolfsbane.nn.layer import Layer, is_leaf


class SwiGLU(Layer):
    r"""Multiply one half of the features by the SiLU of the other.

    $$y = u \otimes \mathrm{silu}(g), \quad \mathrm{silu}(g) = g / (1 + e^{-g})$$

    The paper's feed-forward layer is `Linear(d, 2 * h)`, this, `Linear(h, d)`, mostly without
    biases and with h = 8 d / 3. There are no parameters here. Training and evaluation are the same.

    Which half is the gate is decided by whoever packed the weights, and a wrong choice raises no
    error. By default the halves are (u, g), as in `torch.nn.GLU`. With `gate_first=True` they are
    (g, u): timm's SwiGLUPacked, DINOv2, and LLaMA's w1 and w3 joined in this order, are so.

    SiLU and product are each rounded to the input's dtype.

    Args:
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
        >>> mlp = torch.nn.Sequential(
        ...     torch.nn.Linear(48, 2 * 128, bias=False),
        ...     SwiGLU(),
        ...     torch.nn.Linear(128, 48, bias=False),
        ... )
        >>> mlp(torch.randn(8, 48)).shape
        torch.Size([8, 48])

    References:
        Shazeer 2020, arXiv:2002.05202, equation 5.
    """

    @explain_unknown_arguments
    def __init__(self, dim: int = -1, *, gate_first: bool = False) -> None:
        check_dim(dim)
        super().__init__()
        self.dim = dim
        self.gate_first = gate_first

    @is_leaf
    def forward(self, input: Tensor) -> Tensor:
        """Return one half, gated by the other."""
        return F.swiglu(input, self.dim, gate_first=self.gate_first)

    def extra_repr(self) -> str:
        return f"dim={self.dim}, gate_first={self.gate_first}"


class GEGLU(Layer):
    r"""Multiply one half of the features by the GELU of the other.

    $$y = u \otimes \mathrm{gelu}(g), \quad \mathrm{gelu}(g) = g\, \Phi(g)$$

    The paper's feed-forward layer is `Linear(d, 2 * h)`, this, `Linear(h, d)`, mostly without
    biases and with h = 8 d / 3. There are no parameters here. Training and evaluation are the same.

    Which half is the gate is decided by whoever packed the weights, and a wrong choice raises no
    error. By default the halves are (u, g), as in `torch.nn.GLU`, MONAI's GEGLU and timm's GluMlp.
    With `gate_first=True` they are (g, u), the order of the paper's formula.

    GELU and product are each rounded to the input's dtype.

    Args:
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
        >>> GEGLU(dim=1)(torch.randn(8, 32, 14, 14)).shape
        torch.Size([8, 16, 14, 14])

    References:
        Shazeer 2020, arXiv:2002.05202, equation 5.
    """

    @explain_unknown_arguments
    def __init__(
        self, dim: int = -1, approximate: str = "none", *, gate_first: bool = False
    ) -> None:
        check_dim(dim)
        check_approximate(approximate)
        super().__init__()
        self.dim = dim
        self.approximate = approximate
        self.gate_first = gate_first

    @is_leaf
    def forward(self, input: Tensor) -> Tensor:
        """Return one half, gated by the other."""
        return F.geglu(input, self.dim, self.approximate, gate_first=self.gate_first)

    def extra_repr(self) -> str:
        approximate = f"approximate={self.approximate!r}"
        return f"dim={self.dim}, {approximate}, gate_first={self.gate_first}"
