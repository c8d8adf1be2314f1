"""Noise from normal distributions: multiplied (Gaussian dropout), or added."""

import torch
from torch import Tensor

from wolfsbane import functional as F
from wolfsbane.arguments import explain_unknown_arguments
from wolfsbane.functional.gaussian import check_gaussian_rate, check_std
from wolfsbane.mask.key import check_generator
from wolfsbane.nn.dropout import _Dropout
from wolfsbane.nn.layer import Layer, is_leaf


class GaussianDropout(_Dropout):
    r"""Multiply each element by noise of mean 1 and the variance that dropout has.

    $$y_i = \xi_i x_i, \quad \xi_i \sim \mathcal{N}(1, p / (1 - p))$$

    In training new noise is drawn at every call; it is a function of a 64-bit key and the element's
    index, the same on every device to rounding. Backward computes it again, so that nothing of the
    input's size is kept. In evaluation the layer returns its input and draws nothing. It has no
    parameters and no buffers.

    Args:
        p: the drop probability whose variance the noise has, in [0, 1); Keras' rate. Default: 0.5.
        generator: where the keys are drawn. Default: torch's default CPU generator.

    Shape:
        (*) to (*): any shape, the same shape.

    Raises:
        ArgumentError, ArgumentTypeError: p is not a probability below 1, generator not a generator.
        DtypeError: the input is not of floating point.

    Examples:
        >>> _ = torch.manual_seed(0)
        >>> y = GaussianDropout(p=0.2)(torch.ones(10_000))
        >>> abs(y.mean().item() - 1) < 0.02, abs(y.var().item() - 0.25) < 0.02
        (True, True)

    References:
        Srivastava et al. 2014, JMLR 15:1929, section 10.
    """

    @explain_unknown_arguments
    def __init__(
        self, p: float | Tensor = 0.5, *, generator: torch.Generator | None = None
    ) -> None:
        check_gaussian_rate(p)
        super().__init__(p, generator=generator)

    @is_leaf
    def forward(self, input: Tensor) -> Tensor:
        """Return the input multiplied by noise (training) or as it is (evaluation)."""
        return F.gaussian_dropout(input, self.p, self.training, generator=self.generator)

    def extra_repr(self) -> str:
        return f"p={self.p}"


class GaussianNoise(Layer):
    r"""Add normal noise to each element.

    $$y_i = x_i + \sigma z_i, \quad z_i \sim \mathcal{N}(0, 1)$$

    In training new noise is drawn at every call. In evaluation the layer returns its input and
    draws nothing. It has neither parameters nor buffers.

    Args:
        std: standard deviation of the noise, in the input's unit, at least 0; Keras' stddev.
            Default: 0.1.
        generator: where the keys are drawn. Default: torch's default CPU generator.

    Shape:
        (*) to (*): any shape, the same shape.

    Raises:
        ArgumentError, ArgumentTypeError: std is not a finite number of at least 0, generator not a
            generator.
        DtypeError: the input is not of floating point.

    Examples:
        >>> layer = GaussianNoise(std=0.5)
        >>> layer(torch.zeros(2, 3)).shape
        torch.Size([2, 3])
        >>> layer.eval()(torch.zeros(3))
        tensor([0., 0., 0.])

    References:
        Bishop 1995, doi:10.1162/neco.1995.7.1.108.
    """

    @explain_unknown_arguments
    def __init__(self, std: float = 0.1, *, generator: torch.Generator | None = None) -> None:
        check_std(std)
        check_generator(generator)
        super().__init__()
        self.std = std
        self.generator = generator

    @is_leaf
    def forward(self, input: Tensor) -> Tensor:
        """Return the input plus noise (training) or as it is (evaluation)."""
        return F.gaussian_noise(input, self.std, self.training, generator=self.generator)

    def extra_repr(self) -> str:
        return f"std={self.std}"
