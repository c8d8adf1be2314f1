"""What is measured of a classifier, always in evaluation mode."""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as torch_functional

NUM_BINS = 15
"""Confidence bins of the calibration error, as in Guo et al. 2017."""


@dataclass(frozen=True)
class Scores:
    """Accuracy and negative log-likelihood (nats per example) on one set of examples."""

    accuracy: float
    nll: float


@dataclass(frozen=True)
class Reliability:
    """Confidence against accuracy in equal-width bins of confidence.

    Attributes:
        count: examples per bin.
        confidence: sum of the predicted class's probability per bin.
        correct: number of right predictions per bin.
    """

    count: tuple[int, ...]
    confidence: tuple[float, ...]
    correct: tuple[int, ...]

    @property
    def calibration_error(self) -> float:
        r"""Expected calibration error, $\sum_b |correct_b - confidence_b| / N$.

        References:
            Guo et al. 2017, arXiv:1706.04599, section 2.
        """
        gaps = (abs(c - s) for c, s in zip(self.correct, self.confidence, strict=True))
        return sum(gaps) / sum(self.count)


def scores(logits: Tensor, y: Tensor) -> Scores:
    """Return accuracy and NLL of logits (N, classes) against classes (N,)."""
    wide = logits.double()
    return Scores(
        accuracy=(wide.argmax(1) == y).double().mean().item(),
        nll=torch_functional.cross_entropy(wide, y).item(),
    )


def reliability(logits: Tensor, y: Tensor) -> Reliability:
    """Return the reliability diagram of logits (N, classes) against classes (N,)."""
    confidence, predicted = logits.double().softmax(1).max(1)
    # (0, 1/15] is the first bin, as in the paper.
    bins = (confidence * NUM_BINS).ceil().long().sub(1).clamp(0, NUM_BINS - 1)
    correct = (predicted == y).double()
    return Reliability(
        count=tuple(torch.bincount(bins, minlength=NUM_BINS).tolist()),
        confidence=tuple(torch.bincount(bins, confidence, NUM_BINS).tolist()),
        correct=tuple(int(n) for n in torch.bincount(bins, correct, NUM_BINS).tolist()),
    )
