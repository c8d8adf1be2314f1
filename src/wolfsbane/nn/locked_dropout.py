"""Locked (variational) dropout: one mask for all steps of a sequence."""

import torch
from torch import Tensor

from wolfsbane import functional as F
from wolfsbane.arguments import explain_unknown_arguments
from wolfsbane.nn.dropout import _Dropout
from wolfsbane.nn.layer import is_leaf


class LockedDropout(_Dropout):
    r"""Zero features of sequences with probability p, the same ones at every step.

    $$y_{tni} = m_{ni} x_{tni} / (1 - p), \quad m_{ni} \sim \mathrm{Bernoulli}(1 - p)$$

    In training a mask is drawn at every call, one decision per (sample, feature), and held for all
    steps of the sequence. In evaluation the layer returns its input and draws nothing. It has
    neither parameters nor buffers.

    Args:
        p: probability of a feature of a sample to be zeroed, in [0, 1]. Default: 0.5.
        inplace: write the result into the input. Default: False.
        batch_first: the input is (N, L, D), not (L, N, D), as for torch.nn.LSTM. Default: False.
        generator: where the keys are drawn. Default: torch's default CPU generator.

    Shape:
        (L, N, D), or (N, L, D) with `batch_first`, or (L, D), to the same shape.

    Raises:
        ArgumentError, ArgumentTypeError: p is not a probability, generator not a generator.
        ShapeError: the input is not 2-D or 3-D.
        DtypeError: the input holds integers.

    Examples:
        >>> y = LockedDropout(p=0.5, batch_first=True)(torch.ones(2, 5, 4))
        >>> bool((y == y[:, :1]).all())  # all five steps are dropped alike
        True

    References:
        Gal, Ghahramani 2016, arXiv:1512.05287, section 4. Merity et al. 2017, arXiv:1708.02182,
        section 4.2.
    """

    @explain_unknown_arguments
    def __init__(
        self,
        p: float | Tensor = 0.5,
        inplace: bool = False,
        *,
        batch_first: bool = False,
        generator: torch.Generator | None = None,
    ) -> None:
        super().__init__(p, inplace, generator=generator)
        self.batch_first = batch_first

    @is_leaf
    def forward(self, input: Tensor) -> Tensor:
        """Return the input with features dropped (training) or as it is (evaluation)."""
        return F.locked_dropout(
            input,
            self.p,
            self.training,
            self.inplace,
            batch_first=self.batch_first,
            generator=self.generator,
        )

    def extra_repr(self) -> str:
        return f"{super().extra_repr()}, batch_first={self.batch_first}"
