"""A loss in every spelling."""

import dataclasses
import functools

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from wolfsbane.audit.model.arguments import loss_kind_of


class Smoothed(nn.CrossEntropyLoss):
    """A subclass of a known loss."""


@dataclasses.dataclass
class Penalised:
    """What can be called, and not be hashed."""

    weight: float = 0.1

    def __call__(self, output, target):
        return F.cross_entropy(output, target) + self.weight * output.square().mean()


@pytest.mark.parametrize(
    ("loss", "kind"),
    [
        (None, None),
        (nn.CrossEntropyLoss(), "cross_entropy"),
        (Smoothed(), "cross_entropy"),
        (F.cross_entropy, "cross_entropy"),
        (functools.partial(F.cross_entropy, label_smoothing=0.1), "cross_entropy"),
        ("cross_entropy", "cross_entropy"),
        ("torch.nn.CrossEntropyLoss", "cross_entropy"),
        (nn.BCEWithLogitsLoss(), "bce_with_logits"),
        (F.binary_cross_entropy_with_logits, "bce_with_logits"),
        ("bce_with_logits", "bce_with_logits"),
        (F.nll_loss, "nll_loss"),
        (torch.nn.functional.mse_loss, "mse_loss"),
        (lambda output, target: (output - target).abs().mean(), None),
        (Penalised(), None),
        (nn.Linear(2, 2), None),
        (torch.relu, None),
    ],
    ids=lambda value: getattr(value, "__name__", None) or str(value).split(" at 0x")[0],
)
def test_a_loss_is_known_in_every_spelling(loss, kind):
    assert loss_kind_of(loss) == kind
