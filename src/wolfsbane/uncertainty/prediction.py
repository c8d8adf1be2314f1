"""What Monte-Carlo dropout returns."""

from dataclasses import dataclass, field

from torch import Tensor

from wolfsbane.errors import ArgumentError


@dataclass(frozen=True, eq=False)
class McPrediction:
    r"""Statistics of a model's output over samples of its dropout.

    For classification, with class probabilities $p_s$ of sample s and $H(p) = -\sum_c p_c \ln p_c$:

    $$\text{entropy} = H(\bar p), \quad \text{mutual information} = H(\bar p) - \overline{H(p_s)}$$

    The entropy says how unsure the prediction is, for whatever reason. The mutual information says
    how much of that is disagreement between samples, which more training data would lower.

    Args:
        mean: over samples, (N, *): of the outputs, or of the class probabilities.
        variance: likewise, unbiased (divided by samples - 1; nan for one sample).
        num_samples: how many.
        strategy: what computed them: "loop", "prefix" or "replicate".
        reason: why that one.

    References:
        Gal, Ghahramani 2016, arXiv:1506.02142. Houlsby et al. 2011, arXiv:1112.5745. Gal, Islam,
        Ghahramani 2017, arXiv:1703.02910.
    """

    mean: Tensor
    variance: Tensor
    num_samples: int
    strategy: str
    reason: str
    _entropy: Tensor | None = field(default=None, repr=False)
    _mutual_information: Tensor | None = field(default=None, repr=False)
    _samples: Tensor | None = field(default=None, repr=False)

    @property
    def std(self) -> Tensor:
        """The square root of the variance."""
        return self.variance.sqrt()

    @property
    def entropy(self) -> Tensor:
        """Entropy of the mean class probabilities, (N, *without classes), in nats.

        Raises:
            ArgumentError: the outputs were taken for values.
        """
        return _of_classes("entropy", self._entropy)

    @property
    def mutual_information(self) -> Tensor:
        """Mutual information of class and dropout (BALD), at least 0, in nats.

        Raises:
            ArgumentError: the outputs were taken for values.
        """
        return _of_classes("mutual_information", self._mutual_information)

    @property
    def samples(self) -> Tensor:
        """Every sample, (samples, N, *): outputs, or class probabilities.

        Raises:
            ArgumentError: they were not kept.
        """
        if self._samples is None:
            raise ArgumentError(
                "the samples were not kept: memory would grow with their number. Ask for them: "
                "mc_dropout(..., keep_samples=True)"
            )
        return self._samples


def _of_classes(name: str, value: Tensor | None) -> Tensor:
    if value is None:
        raise ArgumentError(
            f"{name} is one of class probabilities, but the model's outputs were taken for values. "
            "Say what they are: mc_dropout(..., outputs='logits') or outputs='probabilities'"
        )
    return value
