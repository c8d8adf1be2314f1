"""Dropout of a branch and its addition to the residual, as one layer."""

import torch
from torch import Tensor

from wolfsbane import functional as F
from wolfsbane.arguments import explain_unknown_arguments
from wolfsbane.mask.key import check_generator
from wolfsbane.mask.rate import check_rate
from wolfsbane.nn.layer import Layer, as_node, set_rate


class DropoutAdd(Layer):
    r"""Drop elements of a branch, and add the residual: the end of a transformer's sublayer.

    $$y_i = \frac{m_i}{1 - p} x_i + r_i, \quad m_i \sim \mathrm{Bernoulli}(1 - p)$$

    The same as `residual + Dropout(p)(input)` in one pass over memory; nothing but a key is kept
    for backward. In training a new mask is drawn at every call; in evaluation the two are added.

    Args:
        p: probability of an element of the branch to be zeroed, in [0, 1]. Default: 0.5.
        generator: where the keys are drawn. Default: torch's default CPU generator.

    Shape:
        (*), (*) to (*).

    Raises:
        ArgumentError, ArgumentTypeError: p is not a probability, generator not a generator.
        ShapeError: input and residual differ in shape.
        DtypeError: the input holds integers.

    Examples:
        >>> x = torch.randn(2, 5, 8)
        >>> sublayer = torch.nn.Linear(8, 8)
        >>> DropoutAdd(p=0.1)(sublayer(x), x).shape
        torch.Size([2, 5, 8])

    References:
        Vaswani et al. 2017, arXiv:1706.03762, section 5.4.
    """

    p: float | Tensor

    @explain_unknown_arguments
    def __init__(
        self, p: float | Tensor = 0.5, *, generator: torch.Generator | None = None
    ) -> None:
        check_rate(p)
        check_generator(generator)
        super().__init__()
        set_rate(self, p)
        self.generator = generator

    def forward(self, input: Tensor, residual: Tensor) -> Tensor:
        """Return the residual plus the input, elements of which are dropped in training."""
        if type(input) is not Tensor and isinstance(input, torch.fx.Proxy):
            node: Tensor = as_node(self, input, residual)
            return node
        return F.dropout_add(input, residual, self.p, self.training, generator=self.generator)

    def extra_repr(self) -> str:
        return f"p={self.p}"
