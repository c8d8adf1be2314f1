"""What is kept of the samples of a batch: moments, entropies, the samples on request."""

import torch
from torch import Tensor

from wolfsbane.errors import ArgumentError, ShapeError
from wolfsbane.kernels.reference import accumulator
from wolfsbane.uncertainty.moments import Moments

OUTPUTS = ("values", "logits", "probabilities")

CLASSES = 2
"""The dimension of the classes in (samples, N, C, *)."""

SUM_TOLERANCE = 1e-2
"""By which probabilities in half precision may miss a sum of one."""


class Summary:
    """Statistics over the samples of one batch.

    Args:
        outputs: what the model returns: "values", "logits" or "probabilities".
        keep_samples: keep each sample, too.
    """

    def __init__(self, outputs: str, keep_samples: bool) -> None:
        self._outputs = outputs
        self._moments, self._entropies = Moments(), Moments()
        self._kept: list[Tensor] | None = [] if keep_samples else None
        self._dtype = torch.float32

    def add(self, samples: Tensor) -> None:
        """Add samples of shape (k, N, *)."""
        self._dtype = samples.dtype
        if self._outputs != "values":
            samples, entropies = _distributions(samples, self._outputs)
            self._entropies.add(entropies)
        self._moments.add(samples)
        if self._kept is not None:
            self._kept.append(samples.to(self._dtype))

    @property
    def mean(self) -> Tensor:
        """The mean over samples."""
        return self._moments.mean.to(self._dtype)

    @property
    def variance(self) -> Tensor:
        """The unbiased variance over samples."""
        return self._moments.variance.to(self._dtype)

    @property
    def entropy(self) -> Tensor | None:
        """The entropy of the mean distribution, in nats."""
        if self._outputs == "values":
            return None
        return _entropy(self._moments.mean, 1).to(self._dtype)

    @property
    def mutual_information(self) -> Tensor | None:
        """That entropy less the mean of the samples' own: zero where only rounding is left."""
        if self._outputs == "values":
            return None
        information = _entropy(self._moments.mean, 1) - self._entropies.mean
        return information.clamp_min(0.0).to(self._dtype)

    @property
    def samples(self) -> Tensor | None:
        """All samples, (samples, N, *), where they are kept."""
        return None if self._kept is None else torch.cat(self._kept)


def _distributions(samples: Tensor, outputs: str) -> tuple[Tensor, Tensor]:
    """Return class probabilities and their entropies, wide."""
    _check_classes(samples)
    wide = samples.to(accumulator(samples.device))
    if outputs == "logits":
        log = wide.log_softmax(CLASSES)
        probabilities = log.exp()
        # Not p * log p: a logit of -inf is a class that cannot be, and has no share.
        return probabilities, -torch.where(probabilities > 0, probabilities * log, 0.0).sum(CLASSES)
    sums = wide.sum(CLASSES)
    if (wide < 0).any() or ((sums - 1).abs() > SUM_TOLERANCE).any():
        raise ArgumentError(
            "outputs='probabilities' needs outputs of at least 0 that sum to 1 over dimension 1, "
            f"but got sums between {sums.min():.3g} and {sums.max():.3g} and a smallest output of "
            f"{wide.min():.3g}. Scores before a softmax are outputs='logits'"
        )
    return wide, _entropy(wide, CLASSES)


def _entropy(probabilities: Tensor, dim: int) -> Tensor:
    terms: Tensor = torch.special.entr(probabilities)
    return terms.sum(dim)


def _check_classes(samples: Tensor) -> None:
    if samples.dim() <= CLASSES or samples.size(CLASSES) == 1:
        raise ShapeError(
            "class probabilities have shape (N, C, *) with C > 1 classes, but the model's output "
            f"has shape {tuple(samples.shape[1:])}. Of one logit z make two classes: "
            "forward=lambda model, x: torch.cat([torch.zeros_like(z := model(x)), z], 1)"
        )
