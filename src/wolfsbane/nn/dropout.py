"""Dropout layers: torch.nn's, on the mask contract of `wolfsbane.mask`, with a generator."""

from collections.abc import Sequence

import torch
from torch import Tensor

from wolfsbane import functional as F
from wolfsbane.arguments import explain_unknown_arguments
from wolfsbane.functional.broadcast_dims import check_broadcast_dims
from wolfsbane.mask.key import check_generator
from wolfsbane.mask.rate import check_rate
from wolfsbane.nn.layer import Layer, generator_text, is_leaf, set_rate


class _Dropout(Layer, torch.nn.modules.dropout._DropoutNd):  # noqa: SLF001
    """Arguments that all dropout layers share."""

    # A class attribute too: torch's layers have none, and become ours by their __class__.
    generator: torch.Generator | None = None

    @explain_unknown_arguments
    def __init__(
        self,
        p: float | Tensor = 0.5,
        inplace: bool = False,
        *,
        generator: torch.Generator | None = None,
    ) -> None:
        rate = check_rate(p)
        check_generator(generator)
        super().__init__(rate if isinstance(rate, float) else 0.0, inplace)
        set_rate(self, p)
        self.generator = generator

    def extra_repr(self) -> str:
        return super().extra_repr() + generator_text(self)


class Dropout(_Dropout, torch.nn.Dropout):
    r"""Zero each element independently with probability p, and scale up the rest.

    $$y_i = m_i x_i / (1 - p), \quad m_i \sim \mathrm{Bernoulli}(1 - p)$$

    In training a new mask is drawn at every call. In evaluation the layer returns its input
    itself, and draws nothing. The mask is a function of a 64-bit key and the element's index
    (`wolfsbane.mask`): the same on every device, and computed again rather than stored.

    A drop-in for `torch.nn.Dropout`. It differs in its random bits, in an unbiased scale for
    bfloat16 and float16, and in turning a dropped inf or nan into zero.

    Args:
        p: probability of an element to be zeroed, in [0, 1]. A tensor without dimensions becomes
            a buffer, so that `torch.func.vmap` can map over models of different rates.
            Default: 0.5.
        inplace: write the result into the input. Default: False.
        generator: where the keys are drawn. Default: torch's default CPU generator, which
            `torch.manual_seed` seeds and `torch.utils.checkpoint` restores. It does not restore
            others: in a checkpointed block a generator of its own makes gradients wrong.
        broadcast_dims: dimensions over which the mask is shared, of size 1 there; negative ones
            count from the end. Keras' noise_shape, Flax's broadcast_dims. Default: none.

    Shape:
        (*) to (*): any shape, the same shape.

    Raises:
        ArgumentError, ArgumentTypeError: p is not a probability, generator not a generator,
            broadcast_dims not dimensions.
        DtypeError: the input holds integers.

    Examples:
        >>> _ = torch.manual_seed(0)
        >>> drop = Dropout(p=0.5)
        >>> sorted(set(drop(torch.ones(100)).tolist()))
        [0.0, 2.0]
        >>> drop.eval()(torch.ones(3))
        tensor([1., 1., 1.])

    References:
        Hinton et al. 2012, arXiv:1207.0580. Srivastava et al. 2014, JMLR 15:1929.
    """

    broadcast_dims: tuple[int, ...] = ()

    @explain_unknown_arguments
    def __init__(
        self,
        p: float | Tensor = 0.5,
        inplace: bool = False,
        *,
        generator: torch.Generator | None = None,
        broadcast_dims: Sequence[int] = (),
    ) -> None:
        dims = check_broadcast_dims(broadcast_dims)
        super().__init__(p, inplace, generator=generator)
        self.broadcast_dims = dims

    def extra_repr(self) -> str:
        own = f", broadcast_dims={self.broadcast_dims}" if self.broadcast_dims else ""
        return super().extra_repr() + own

    @is_leaf
    def forward(self, input: Tensor) -> Tensor:
        """Return the input with elements dropped (training) or as it is (evaluation)."""
        return F.dropout(
            input,
            self.p,
            self.training,
            self.inplace,
            generator=self.generator,
            broadcast_dims=self.broadcast_dims,
        )


class Dropout1d(_Dropout, torch.nn.Dropout1d):
    """Zero whole channels of sequences with probability p, and scale up the rest.

    Neighbouring positions of a convolution's output are correlated, so dropping single elements
    regularises little; one decision per (sample, channel) does. Otherwise as `Dropout`.

    Args:
        p: probability of a channel to be zeroed, in [0, 1]. Default: 0.5.
        inplace: write the result into the input. Default: False.
        generator: where the keys are drawn. Default: torch's default CPU generator.

    Shape:
        (N, C, L) or (C, L), to the same shape.

    Raises:
        ArgumentError, ArgumentTypeError: p is not a probability, generator not a generator.
        DtypeError: the input holds integers.
        ShapeError: the input is not 2-D or 3-D.

    Examples:
        >>> y = Dropout1d(p=0.5)(torch.ones(2, 8, 5))
        >>> bool((y == y[..., :1]).all())  # a channel is kept or dropped as a whole
        True

    References:
        Tompson et al. 2015, arXiv:1411.4280.
    """

    @is_leaf
    def forward(self, input: Tensor) -> Tensor:
        """Return the input with channels dropped (training) or as it is (evaluation)."""
        return F.dropout1d(input, self.p, self.training, self.inplace, generator=self.generator)


class Dropout2d(_Dropout, torch.nn.Dropout2d):
    """Zero whole channels of images with probability p, and scale up the rest.

    One decision per (sample, channel). As in torch, a 3-D input is read as (N, C, L), with a
    warning. Otherwise as `Dropout`.

    Args:
        p: probability of a channel to be zeroed, in [0, 1]. Default: 0.5.
        inplace: write the result into the input. Default: False.
        generator: where the keys are drawn. Default: torch's default CPU generator.

    Shape:
        (N, C, H, W) or (N, C, L), to the same shape.

    Raises:
        ArgumentError, ArgumentTypeError: p is not a probability, generator not a generator.
        DtypeError: the input holds integers.
        ShapeError: the input has fewer than two dimensions.

    Examples:
        >>> y = Dropout2d(p=0.5)(torch.ones(2, 8, 5, 5))
        >>> bool((y == y[..., :1, :1]).all())  # a channel is kept or dropped as a whole
        True

    References:
        Tompson et al. 2015, arXiv:1411.4280.
    """

    @is_leaf
    def forward(self, input: Tensor) -> Tensor:
        """Return the input with channels dropped (training) or as it is (evaluation)."""
        return F.dropout2d(input, self.p, self.training, self.inplace, generator=self.generator)


class Dropout3d(_Dropout, torch.nn.Dropout3d):
    """Zero whole channels of volumes with probability p, and scale up the rest.

    One decision per (sample, channel). Otherwise as `Dropout`.

    Args:
        p: probability of a channel to be zeroed, in [0, 1]. Default: 0.5.
        inplace: write the result into the input. Default: False.
        generator: where the keys are drawn. Default: torch's default CPU generator.

    Shape:
        (N, C, D, H, W) or (C, D, H, W), to the same shape.

    Raises:
        ArgumentError, ArgumentTypeError: p is not a probability, generator not a generator.
        DtypeError: the input holds integers.

    Examples:
        >>> y = Dropout3d(p=0.5)(torch.ones(2, 8, 5, 5, 5))
        >>> bool((y == y[..., :1, :1, :1]).all())
        True

    References:
        Tompson et al. 2015, arXiv:1411.4280.
    """

    @is_leaf
    def forward(self, input: Tensor) -> Tensor:
        """Return the input with channels dropped (training) or as it is (evaluation)."""
        return F.dropout3d(input, self.p, self.training, self.inplace, generator=self.generator)


class AlphaDropout(_Dropout, torch.nn.AlphaDropout):
    r"""Set elements to SELU's saturation value with probability p, keeping mean and variance.

    $$y_i = a x_i + b \text{ if kept}, \quad a \alpha' + b \text{ if dropped}, \quad
    a = ((1 - p)(1 + p \alpha'^2))^{-1/2}, \quad b = -a p \alpha'$$

    with $\alpha' = -1.758$. For self-normalising networks (SELU): an input of mean 0 and
    variance 1 keeps both. In evaluation the layer returns its input.

    Args:
        p: probability of an element to be dropped, in [0, 1]. Default: 0.5.
        inplace: write the result into the input. Default: False.
        generator: where the keys are drawn. Default: torch's default CPU generator.

    Shape:
        (*) to (*): any shape, the same shape.

    Raises:
        ArgumentError, ArgumentTypeError: p is not a probability, generator not a generator.
        DtypeError: the input holds integers.

    Examples:
        >>> _ = torch.manual_seed(0)
        >>> y = AlphaDropout(p=0.2)(torch.randn(100_000))
        >>> abs(y.mean().item()) < 0.02, abs(y.std().item() - 1) < 0.02
        (True, True)

    References:
        Klambauer et al. 2017, arXiv:1706.02515, section 2.
    """

    @is_leaf
    def forward(self, input: Tensor) -> Tensor:
        """Return the input with elements saturated (training) or as it is (evaluation)."""
        return F.alpha_dropout(input, self.p, self.training, self.inplace, generator=self.generator)


class FeatureAlphaDropout(_Dropout, torch.nn.FeatureAlphaDropout):
    """Set whole channels to SELU's saturation value with probability p.

    One decision per (sample, channel). Otherwise as `AlphaDropout`.

    Args:
        p: probability of a channel to be dropped, in [0, 1]. Default: 0.5.
        inplace: write the result into the input. Default: False.
        generator: where the keys are drawn. Default: torch's default CPU generator.

    Shape:
        (N, C, *) to (N, C, *).

    Raises:
        ArgumentError, ArgumentTypeError: p is not a probability, generator not a generator.
        DtypeError: the input holds integers.
        ShapeError: the input has fewer than two dimensions.

    Examples:
        >>> y = FeatureAlphaDropout(p=0.5)(torch.ones(2, 8, 5))
        >>> bool((y == y[..., :1]).all())
        True

    References:
        Klambauer et al. 2017, arXiv:1706.02515, section 2.
    """

    @is_leaf
    def forward(self, input: Tensor) -> Tensor:
        """Return the input with channels saturated (training) or as it is (evaluation)."""
        return F.feature_alpha_dropout(
            input, self.p, self.training, self.inplace, generator=self.generator
        )
