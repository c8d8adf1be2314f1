"""Concrete dropout: a layer whose input is dropped at a rate that is learned."""

import math
from collections.abc import Sequence
from numbers import Real

import torch
from torch import Tensor

from wolfsbane import functional as F
from wolfsbane.arguments import check_probability, explain_unknown_arguments
from wolfsbane.errors import ArgumentError, ArgumentTypeError, ModelError
from wolfsbane.functional.broadcast_dims import check_broadcast_dims
from wolfsbane.functional.concrete_dropout import TEMPERATURE, check_temperature
from wolfsbane.kernels.reference import HALF_PRECISION
from wolfsbane.mask.key import check_generator
from wolfsbane.nn.dropout import _Dropout
from wolfsbane.nn.layer import generator_text, is_leaf


class ConcreteDropout(_Dropout):
    r"""Drop the input of a layer at a rate that is learned together with the weights.

    $$y = f\left(x \frac{1 - z}{1 - p}\right), \quad z = \sigma\left(\frac{1}{t} \left(
    \log \frac{p}{1 - p} + \log \frac{u}{1 - u}\right)\right), \quad u \sim U(0, 1)$$

    The parameter is `p_logit`, the logarithm of p / (1 - p). In training a relaxed mask is drawn at
    every call. In evaluation the layer inside gets its input itself; for the predictive
    distribution of the paper sample in training mode. `regularisation()` has to be added to the
    loss, once for each such layer: without it p falls to 0. state_dict: `p_logit`, and the keys of
    the layer after `module.`.

    Args:
        module: a layer with `weight`, and `in_features` or `in_channels`: Linear, Conv.
        num_samples: N, the size of the training set.
        p: the rate at first, in (0, 1). Default: 0.1.
        length_scale: l of the prior of the weights, positive. Default: 1e-4, as in the authors'
            examples.
        temperature: t, positive. Default: 0.1.
        broadcast_dims: dimensions over which the mask is shared, (2, 3) to drop whole channels of
            (N, C, H, W). Default: none.
        generator: where the keys are drawn. Default: torch's default CPU generator.

    Shape:
        As of the layer inside.

    Raises:
        ArgumentError, ArgumentTypeError: p is not between 0 and 1, num_samples, length_scale or
            temperature not positive, broadcast_dims not dimensions, generator not a generator.
        ModelError: the layer has no weight, or does not say how many inputs it has.
        DtypeError: the input is not of floating point.

    Examples:
        >>> layer = ConcreteDropout(torch.nn.Linear(8, 3), num_samples=1000)
        >>> loss = layer(torch.randn(4, 8)).square().mean() + layer.regularisation()
        >>> loss.backward()
        >>> layer.p, layer.p_logit.grad is not None
        (0.1..., True)

    References:
        Gal, Hron, Kendall 2017, arXiv:1705.07832, section 3, equations 1 to 4.
    """

    @explain_unknown_arguments
    def __init__(
        self,
        module: torch.nn.Module,
        num_samples: int,
        p: float = 0.1,
        *,
        length_scale: float = 1e-4,
        temperature: float = TEMPERATURE,
        broadcast_dims: Sequence[int] = (),
        generator: torch.Generator | None = None,
    ) -> None:
        logit = _logit(p)
        _check_positive("num_samples", num_samples, "It is the size of the training set")
        _check_positive("length_scale", length_scale, "It is the prior's of the weights")
        check_temperature(temperature)
        check_generator(generator)
        dims = check_broadcast_dims(broadcast_dims)
        weight = _weight_of(module)
        torch.nn.Module.__init__(self)
        self.inplace = False
        self.num_samples, self.length_scale = num_samples, length_scale
        self.temperature, self.broadcast_dims = temperature, dims
        self.generator = generator
        self.p_logit = torch.nn.Parameter(torch.tensor(logit, device=weight.device))
        self.module = module

    @property
    def p(self) -> float:
        """The drop probability now. Setting it sets `p_logit`."""
        return float(self.p_logit.detach().sigmoid())

    @p.setter
    def p(self, value: float) -> None:
        logit = _logit(value)
        with torch.no_grad():
            self.p_logit.fill_(logit)

    def __setattr__(self, name: str, value: object) -> None:
        """Set an attribute; the rate is a parameter here, and never a buffer."""
        if name == "p":
            object.__setattr__(self, name, value)
        else:
            super().__setattr__(name, value)

    @is_leaf
    def forward(self, input: Tensor) -> Tensor:
        """Return what the layer inside makes of its input, dropped in training."""
        dropped = F.concrete_dropout(
            input,
            self.p_logit,
            self.temperature,
            self.training,
            broadcast_dims=self.broadcast_dims,
            generator=self.generator,
        )
        output: Tensor = self.module(dropped)
        return output

    def regularisation(self) -> Tensor:
        r"""Return what is added to the mean loss of a sample, differentiable in weights and p.

        $$\frac{1}{N} \left(\frac{l^2}{2} \cdot \frac{\|W\|^2}{1 - p} - K H(p)\right), \quad
        H(p) = -p \log p - (1 - p) \log(1 - p)$$

        It is the divergence of equations 3 and 4 over N, for a loss that is the negative log
        likelihood. K is the number of inputs of the layer. The paper's M is the mean of the
        weights that are not scaled up in training: W = (1 - p) M. The authors' own code
        has twice this, for a regression loss that is twice the negative log likelihood. float16 and
        bfloat16 are computed in float32, which the result has.
        """
        weight, logit = _at_least_float32(_weight_of(self.module)), _at_least_float32(self.p_logit)
        num_inputs = _num_inputs_of(self.module)
        # log p and log(1 - p), from the logit: exact also where p is nearly 0 or 1.
        log_p, log_q = (
            torch.nn.functional.logsigmoid(logit),
            torch.nn.functional.logsigmoid(-logit),
        )
        entropy = -(log_p.exp() * log_p + log_q.exp() * log_q)
        squares = weight.square().sum() * (1.0 + logit.exp())
        return (self.length_scale**2 / 2 * squares - num_inputs * entropy) / self.num_samples

    def extra_repr(self) -> str:
        number = "on meta" if self.p_logit.is_meta else f"{self.p:g}"
        return (
            f"p={number}, num_samples={self.num_samples}, length_scale={self.length_scale}"
            f"{generator_text(self)}"
        )


def _logit(p: object) -> float:
    rate = check_probability(p)
    if not 0.0 < rate < 1.0:
        raise ArgumentError(
            f"dropout probability has to be between 0 and 1, but got {p!r}, from where it could "
            "not be learned. Begin with p=0.1"
        )
    return math.log(rate) - math.log1p(-rate)


def _at_least_float32(tensor: Tensor) -> Tensor:
    return tensor.float() if tensor.dtype in HALF_PRECISION else tensor


def _check_positive(name: str, value: object, meaning: str) -> None:
    expected = f"{name} has to be a positive number, but got {value!r}"
    if isinstance(value, bool) or not isinstance(value, Real):
        raise ArgumentTypeError(f"{expected} (of type {type(value).__name__}). {meaning}")
    if not 0.0 < float(value) < math.inf:
        raise ArgumentError(f"{expected}. {meaning}")


def _weight_of(module: torch.nn.Module) -> Tensor:
    weight = getattr(module, "weight", None)
    _num_inputs_of(module)
    if not isinstance(weight, Tensor):
        raise ModelError(
            f"ConcreteDropout needs a layer with a weight, but got {type(module).__name__}. Wrap "
            "the Linear or Conv layer itself"
        )
    return weight


def _num_inputs_of(module: torch.nn.Module) -> int:
    for name in ("in_features", "in_channels"):
        number = getattr(module, name, None)
        if isinstance(number, int):
            return number
    raise ModelError(
        "ConcreteDropout needs a layer that says how many inputs it has, by in_features or "
        f"in_channels, but got {type(module).__name__}. Wrap the Linear or Conv layer itself"
    )
